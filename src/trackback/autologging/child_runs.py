"""Runs below the one of a search, one for each candidate. The server makes them later."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from trackback.autologging.run_logger import TRAINING, RunLogger
from trackback.autologging.trainings import Training, library_tag
from trackback.entities import RunStatus
from trackback.errors import Unavailable
from trackback.tracking.fluent import session
from trackback.tracking.starting import begin_run

AT_ONCE = 16
"""How many are begun before some are waited for: each has a file and a thread until it is sent."""


class Candidate(NamedTuple):
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]


def log_candidates(training: Training, candidates: Iterable[Candidate]) -> None:
    """Log them. Each begins with the search, as nobody knows when it was its turn, and ends now."""
    for number, candidate in enumerate(candidates, start=1):
        _log(training, candidate)
        if number % AT_ONCE == 0:
            with suppress(Unavailable), session.deferring():
                session.flush()


def _log(training: Training, candidate: Candidate) -> None:
    parent = training.log.run
    run = begin_run(
        session,
        experiment_id=parent.info.experiment_id,
        run_name=None,
        tags={**library_tag(training.integration), **candidate.tags},
        parent=parent.run_id,
        start_time_ms=parent.info.start_time,
        waits=False,
    )
    log = RunLogger(run, training.log.settings, training.failures)
    log.params(candidate.params)
    log.metrics(candidate.metrics)
    if training.log.data is not None:
        log.dataset(training.log.data, TRAINING)
    run.end(RunStatus.FINISHED)
