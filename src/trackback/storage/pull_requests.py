"""Runs that are tagged with the id of a pull request."""

from typing import NamedTuple

from trackback.entities import LifecycleStage, RunStatus
from trackback.storage.interface import Transaction
from trackback.storage.runs import RUN_COLUMNS, RunRecord


class TaggedRun(NamedTuple):
    run: RunRecord
    value: str


def tagged(tx: Transaction, experiment: int, tag: str, since_ms: int, limit: int) -> list[TaggedRun]:
    """The finished runs of an experiment that have a tag and began since a time, the newest first.

    The runs are walked by their start, so that what is older than that is never looked at.
    """
    rows = tx.rows(
        f"SELECT {RUN_COLUMNS}, t.value FROM runs r CROSS JOIN tags t"
        " WHERE r.experiment = ? AND r.lifecycle = ? AND r.start_ms >= ? AND r.status = ?"
        " AND t.run = r.id AND t.key = ? ORDER BY r.start_ms DESC, r.uuid LIMIT ?",
        experiment,
        LifecycleStage.ACTIVE.value,
        since_ms,
        RunStatus.FINISHED.value,
        tx.known_name_ids([tag]).get(tag),
        limit,
    )
    return [TaggedRun(RunRecord(*columns), value) for *columns, value in rows]
