"""What was promoted, with where it came from: few statements, as CI asks for it again and again."""

import math
from typing import NamedTuple

from trackback.storage.interface import Row, Transaction
from trackback.storage.names import by_owner
from trackback.storage.runs import RUN_COLUMNS, RunRecord

_RUN = (
    f"{RUN_COLUMNS}, e.name,"
    " (SELECT c.commit_id FROM run_commits c WHERE c.run = r.id ORDER BY c.origin LIMIT 1)"  # the document's goes first
)
_OF_VERSION = (
    f"SELECT v.location, v.run_id, {_RUN} FROM model_versions v LEFT JOIN runs r ON r.uuid = v.run_id"
    " LEFT JOIN experiments e ON e.id = r.experiment WHERE v.id = ?"
)
_OF_RUN = f"SELECT r.artifact_uri, r.uuid, {_RUN} FROM runs r JOIN experiments e ON e.id = r.experiment WHERE r.id = ?"
# Of two numbers, and not of a list, which PostgreSQL plans anew each time.
_METRICS_OF_VERSIONS = (
    "SELECT p.seq, m.key, m.value, m.is_nan FROM promotions p"
    " JOIN model_version_metrics m ON m.model_version = p.model_version WHERE p.seq IN (?, ?)"
)
_METRICS_OF_RUNS = (
    "SELECT p.seq, m.key, m.value, m.is_nan FROM promotions p JOIN latest_metrics m ON m.run = p.run"
    " WHERE p.seq IN (?, ?)"
)
_NO_PROMOTION = 0


class RunOrigin(NamedTuple):
    """A run that is here, the name of its experiment, and the commit that it was of."""

    run: RunRecord
    experiment: str
    commit: str | None


class Origin(NamedTuple):
    """``location`` is where the files lie; ``run_id`` may be that of a run elsewhere, or empty."""

    location: str
    run_id: str
    origin: RunOrigin | None


def of_version(tx: Transaction, model_version: int) -> Origin:
    """Where a version came from, deleted or not."""
    return _origin(tx.rows(_OF_VERSION, model_version)[0])


def of_run(tx: Transaction, run: int) -> Origin:
    return _origin(tx.rows(_OF_RUN, run)[0])


def metrics_of_versions(tx: Transaction, promotion: int, before: int | None) -> dict[int, dict[str, float]]:
    """By the numbers of two promotions of versions: what these were registered with."""
    return _by_owner(tx, tx.rows(_METRICS_OF_VERSIONS, promotion, before or _NO_PROMOTION))


def metrics_of_runs(tx: Transaction, promotion: int, before: int | None) -> dict[int, dict[str, float]]:
    """By the numbers of two promotions of runs: the last values of their metrics."""
    return _by_owner(tx, tx.rows(_METRICS_OF_RUNS, promotion, before or _NO_PROMOTION))


def _origin(row: Row) -> Origin:
    location, run_id, *run, experiment, commit = row
    return Origin(location, run_id, None if run[0] is None else RunOrigin(RunRecord(*run), experiment, commit))


def _by_owner(tx: Transaction, rows: list[Row]) -> dict[int, dict[str, float]]:
    pairs = by_owner(tx, rows, lambda key, row: (key, math.nan if row[3] else float(row[2])))
    return {owner: dict(found) for owner, found in pairs.items()}
