"""The machine: processors, memory and GPUs."""

import logging
import platform
import shutil
from pathlib import Path

from trackback.entities import HardwareRecord
from trackback.provenance.programs import ask

_NVIDIA_SMI = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")

log = logging.getLogger(__name__)


def capture_hardware(timeout_s: float) -> HardwareRecord:
    import psutil  # noqa: PLC0415 - its start takes longer than trackback's

    return HardwareRecord(
        cpu=_cpu(),
        cpu_count=psutil.cpu_count(),
        memory_bytes=psutil.virtual_memory().total,
        gpus=_gpus(timeout_s),
    )


def _cpu() -> str | None:
    """Its name as its maker has it; Python tells no more than the architecture on most systems."""
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model"):
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or None


def _gpus(timeout_s: float) -> tuple[str, ...]:
    """NVIDIA's, each with its memory and driver: ``NVIDIA A100-SXM4-40GB, 40960 MiB, driver 550.54.15``."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    printed = ask((program, *_NVIDIA_SMI), timeout_s=timeout_s)
    if not printed.well:
        log.debug("nvidia-smi failed, with status %s", printed.status)
        return ()
    rows = [line.split(", ") for line in printed.content.decode(errors="replace").splitlines()]
    return tuple(f"{', '.join(row[:-1])}, driver {row[-1]}" for row in rows if len(row) > 1)
