"""Runs below the one of a search, one for each candidate. Nobody waits for the server to make them."""

from collections.abc import Mapping
from typing import Any

from trackback.autologging.run_logger import TRAINING, RunLogger
from trackback.autologging.trainings import Training, library_tag
from trackback.entities import RunStatus
from trackback.tracking.fluent import session
from trackback.tracking.starting import begin_run


def log_child(
    training: Training, tags: Mapping[str, str], *, params: Mapping[str, Any], metrics: Mapping[str, Any]
) -> None:
    """Log a candidate. It begins with the search, as nobody knows when it was its turn, and ends now."""
    parent = training.log.run
    run = begin_run(
        session,
        experiment_id=parent.info.experiment_id,
        run_name=None,
        tags={**library_tag(training.integration), **tags},
        parent=parent.run_id,
        start_time_ms=parent.info.start_time,
        waits=False,
    )
    log = RunLogger(run, training.log.settings, training.failures)
    log.params(params)
    log.metrics(metrics)
    if training.log.data is not None:
        log.dataset(training.log.data, TRAINING)
    run.end(RunStatus.FINISHED)
