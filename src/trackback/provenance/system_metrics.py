"""How much of the machine is used, by the names that MLflow has for it."""

import logging
import os
from collections.abc import Callable
from typing import Any, Final

PREFIX: Final = "system/"
_MEGA = 1e6

log = logging.getLogger(__name__)


class SystemMetrics:
    """A sampler. Networks are counted from when it was made, processors from the sample before.

    NVIDIA's GPUs are among it if ``pynvml`` is installed (``pip install nvidia-ml-py``) and there are any.
    """

    def __init__(self) -> None:
        import psutil  # noqa: PLC0415 - its start takes longer than trackback's

        self._psutil = psutil
        psutil.cpu_percent()
        self._received, self._sent = self._network()
        self._gpus = _gpus()

    def sample(self) -> dict[str, float]:
        """Each metric's value now, by its name: megabytes of 10^6 bytes, percents of 0 to 100, watts.

        What a machine doesn't tell is left out.
        """
        found: dict[str, float] = {}
        for read in (self._processors, self._disk, self._traffic, *self._gpus):
            try:
                found.update(read())
            except (OSError, RuntimeError) as error:  # as in a container without /proc/net
                log.debug("a system metric could not be read: %s", error)
        return {PREFIX + name: round(value, 1) for name, value in found.items()}

    def _processors(self) -> dict[str, float]:
        memory = self._psutil.virtual_memory()
        return {
            "cpu_utilization_percentage": self._psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / _MEGA,
            "system_memory_usage_percentage": memory.used / memory.total * 100,
        }

    def _disk(self) -> dict[str, float]:
        usage = self._psutil.disk_usage(os.sep)
        return {
            "disk_usage_percentage": usage.percent,
            "disk_usage_megabytes": usage.used / _MEGA,
            "disk_available_megabytes": usage.free / _MEGA,
        }

    def _traffic(self) -> dict[str, float]:
        received, sent = self._network()
        return {
            "network_receive_megabytes": received - self._received,
            "network_transmit_megabytes": sent - self._sent,
        }

    def _network(self) -> tuple[float, float]:
        counters: Any = self._psutil.net_io_counters()  # None where there is no network
        return (counters.bytes_recv / _MEGA, counters.bytes_sent / _MEGA) if counters else (0.0, 0.0)


def _gpus() -> list[Callable[[], dict[str, float]]]:
    try:
        import pynvml  # noqa: PLC0415 - only who has such a GPU has it
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError as error:
        log.debug("no metrics of GPUs: %s", error)
        return []
    return [_Gpu(pynvml, number, handle).sample for number, handle in enumerate(handles)]


class _Gpu:
    def __init__(self, nvml: Any, number: int, handle: Any) -> None:
        self._nvml, self._name, self._handle = nvml, f"gpu_{number}", handle

    def sample(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for read in (self._memory, self._utilization, self._power):
            try:
                found.update({f"{self._name}_{name}": value for name, value in read().items()})
            except self._nvml.NVMLError as error:  # not every GPU tells everything
                log.debug("a metric of %s could not be read: %s", self._name, error)
        return found

    def _memory(self) -> dict[str, float]:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(self._handle)
        return {
            "memory_usage_percentage": memory.used / memory.total * 100,
            "memory_usage_megabytes": memory.used / _MEGA,
        }

    def _utilization(self) -> dict[str, float]:
        return {"utilization_percentage": self._nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu}

    def _power(self) -> dict[str, float]:
        watts = self._nvml.nvmlDeviceGetPowerUsage(self._handle) / 1000
        limit = self._nvml.nvmlDeviceGetEnforcedPowerLimit(self._handle) / 1000
        return {"power_usage_watts": watts, "power_usage_percentage": watts / limit * 100}
