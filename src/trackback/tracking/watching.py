"""What goes on beside a run without being asked for: its provenance record, and samples of the machine."""

from trackback.tracking.machine import MachineLog
from trackback.tracking.recording import Recorder
from trackback.tracking.run import ActiveRun
from trackback.tracking.session import is_cleared

CAPTURE = "TRACKBACK_CAPTURE"
SYSTEM_METRICS = ("TRACKBACK_SYSTEM_METRICS", "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING")


def watch(run: ActiveRun, system_metrics: bool | None) -> None:
    """Begin both, unless they are switched off. ``system_metrics`` None: as the environment says."""
    if not is_cleared(CAPTURE):
        run.recorder = Recorder(run)
        run.recorder.start()
    if system_metrics or (system_metrics is None and not any(map(is_cleared, SYSTEM_METRICS))):
        MachineLog(run).start()
