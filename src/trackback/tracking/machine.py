"""Samples of how the machine is used, logged as metrics of a run while it goes on."""

import logging
import threading
from contextlib import suppress

from trackback.errors import TrackbackError
from trackback.tracking.run import ActiveRun, now_ms
from trackback.tracking.session import seconds_in

INTERVAL_S = 10.0

_log = logging.getLogger(__name__)


class MachineLog:
    """Of one run; it ends with it. The step of a sample is its number, from 0."""

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._log, name="trackback-machine", daemon=True)
        run.at_end.append(self._ended.set)

    def start(self) -> None:
        self._thread.start()

    def _log(self) -> None:
        from trackback.provenance import SystemMetrics  # noqa: PLC0415 - what this thread is for

        interval_s = seconds_in("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", INTERVAL_S)
        try:
            metrics, step = SystemMetrics(), 0
            while not self._ended.wait(interval_s):
                at = now_ms()
                with suppress(TrackbackError):  # the run ended meanwhile
                    for key, value in metrics.sample().items():
                        self._run.log_metric(key, value, at, step)
                step += 1
        except Exception:  # noqa: BLE001 - training goes on without them
            _log.warning("System metrics of run %s are not logged", self._run.run_id, exc_info=True)
