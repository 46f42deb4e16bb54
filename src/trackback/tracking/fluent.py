"""MLflow's fluent functions for runs: a program names neither a server nor a run, and logs to the run that is active.

A thread's runs are its own, as in MLflow: the innermost that was started is active. Names, arguments and what they mean
follow MLflow's, so that ``import trackback as mlflow`` runs an ordinary script. Nothing that is logged waits for the
server, so a refusal, as of a param that changed, is raised by the next call that reads or flushes.
"""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from trackback.client.spool.records import point_of
from trackback.entities import Metric, RunStatus
from trackback.errors import InvalidState
from trackback.tracking.run import ActiveRun, now_ms
from trackback.tracking.session import FLUSH_S, Session
from trackback.tracking.starting import NOTE_TAG, begin_run, resume_run
from trackback.tracking.watching import watch

session = Session()
"""This process's."""


class _Stack(threading.local):
    def __init__(self) -> None:
        self.runs: list[ActiveRun] = []


_stack = _Stack()
_all_runs: list[ActiveRun] = []
_last = threading.local()


def set_tracking_uri(uri: str | None) -> None:
    """Use another server: the URI of one that runs, such as ``http://127.0.0.1:5000``; None for the environment's.

    InvalidParameter: it is not that of a server.
    """
    session.set_uri(uri)


def get_tracking_uri() -> str:
    """The server's URI, without credentials."""
    return session.uri


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Begin a run, or resume the one with ``run_id``, and make it this thread's active one.

    What went into it is captured in the background: docs/reference/capture.md says what, and how to switch it off.
    log_system_metrics: sample how the machine is used, every 10 s; by default, unless ``TRACKBACK_SYSTEM_METRICS`` or
        ``MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING`` says no.

    The variables ``TRACKBACK_RUN_ID`` and ``MLFLOW_RUN_ID`` name a run to resume, for programs that others start.

    InvalidState: a run is active, and this one is not ``nested``. NotFound: there is no such run or experiment.
    """
    outer = active_run()
    if outer and not nested:
        raise InvalidState(
            f"Run with UUID {outer.run_id} is already active. To start a new run, first end the current run with "
            "end_run(). To start a nested run, call start_run with nested=True."
        )
    resumed = run_id or (None if outer else _resumed_by_environment())
    all_tags = {**(tags or {}), **({NOTE_TAG: description} if description else {})}
    if resumed:
        run = resume_run(session, resumed, all_tags, run_name)
    else:
        parent = parent_run_id or (outer.run_id if outer else None)
        run = begin_run(session, experiment_id=experiment_id, run_name=run_name, tags=all_tags, parent=parent)
    watch(run, log_system_metrics)
    _stack.runs.append(run)
    _keep(run)
    return run


def end_run(status: RunStatus | str = RunStatus.FINISHED) -> None:
    """End the active run, if there is one; what it logged last is sent in the background."""
    if run := active_run():
        run.end(status)
        active_run()


def active_run() -> ActiveRun | None:
    """This thread's innermost run that has not ended; None if there is none."""
    runs = _stack.runs
    while runs and runs[-1].has_ended:
        _last.run = runs.pop()
    return runs[-1] if runs else None


def last_run() -> ActiveRun | None:
    """The run that ended last in this thread; None if none has."""
    active_run()
    return getattr(_last, "run", None)


def flush(timeout_s: float = FLUSH_S) -> None:
    """Wait until the server has all that this process has logged.

    Unavailable: it has not taken it in that time; nothing is lost. InvalidParameter and others: what it refused.
    """
    session.flush(timeout_s)


def log_metric(
    key: str,
    value: float,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> None:
    """Log a point of a metric: ``timestamp`` in milliseconds since the epoch, by default now; ``step`` by default 0.

    synchronous: wait until the server has it. run_id: of another run of this process than the active one.
    """
    runs = _stack.runs
    run = runs[-1] if runs and run_id is None and not runs[-1].has_ended else run_for(run_id)
    if model_id is None and dataset is None:
        run.log_metric(key, value, timestamp, step or 0)
    else:
        run.log_point(_point_of(key, value, step, timestamp, model_id, dataset))
    if synchronous:
        run.flush()


def log_metrics(
    metrics: Mapping[str, float],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> None:
    """Log a point of each metric, as ``log_metric`` does."""
    for key, value in metrics.items():
        log_metric(key, value, step, None, timestamp, run_id, model_id, dataset)
    if synchronous:
        run_for(run_id).flush()


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Log a param of the active run; the value, as it was given. A param keeps its first value: another is refused."""
    log_params({key: value}, synchronous)
    return value


def log_params(params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None) -> None:
    """Log params, as ``log_param`` does."""
    run = run_for(run_id)
    for key, value in params.items():
        run.log_param(key, value)
    if synchronous:
        run.flush()


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> None:
    """Set a tag of the active run; one that is there gets the new value."""
    set_tags({key: value}, synchronous)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> None:
    """Set tags, as ``set_tag`` does."""
    run = run_for(None)
    for key, value in tags.items():
        run.set_tag(key, value)
    if synchronous:
        run.flush()


def delete_tag(key: str) -> None:
    """Delete a tag of the active run."""
    run_for(None).delete_tag(key)


def run_for(run_id: str | None) -> ActiveRun:
    """The active run, which is begun where there is none, or the one of this process with that id."""
    run = active_run()
    if run_id is None:
        return run or start_run()
    if run and run.run_id == run_id:
        return run
    known = next((each for each in _all_runs if each.run_id == run_id and not each.has_ended), None)
    if known is None:
        raise InvalidState(
            f"No run {run_id} is open in this process. To log to it, resume it: "
            f"start_run(run_id={run_id!r}, nested=True)."
        )
    return known


def _point_of(
    key: str, value: float, step: int | None, timestamp: int | None, model_id: str | None, dataset: Any
) -> Metric:
    return replace(
        point_of(key, value, timestamp or now_ms(), step or 0),
        model_id=model_id,
        dataset_name=getattr(dataset, "name", None),
        dataset_digest=getattr(dataset, "digest", None),
    )


def _keep(run: ActiveRun) -> None:
    """Until it has ended; those of threads that are gone end unseen."""
    for ended in [each for each in _all_runs if each.has_ended]:
        with suppress(ValueError):  # another thread has just removed it
            _all_runs.remove(ended)
    _all_runs.append(run)


def _resumed_by_environment() -> str | None:
    return os.environ.get("TRACKBACK_RUN_ID") or os.environ.get("MLFLOW_RUN_ID")


def _end_at_exit(status: RunStatus) -> None:
    """The runs that this process began, the innermost first."""
    for run in reversed(_all_runs):
        if run.process == os.getpid():
            run.end(status)


def _forked() -> None:
    for run in _all_runs:
        run.forked()


session.at_exit.append(_end_at_exit)
session.at_fork.append(_forked)
