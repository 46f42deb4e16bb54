"""What is known of each series without reading it: its last point, and its extremes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from trackback.storage.interface import Row, Transaction


class LatestMetric(NamedTuple):
    """The last point of a series by MLflow's rule; ``least`` and ``greatest`` are None where all its points are NaN."""

    key: str
    value: float
    step: int
    timestamp_ms: int
    least: float | None
    greatest: float | None


def of_run(tx: Transaction, run: int) -> list[LatestMetric]:
    """Each of a run's metrics, by name."""
    rows = tx.rows(
        "SELECT key, value, is_nan, step, timestamp_ms, min, max FROM latest_metrics WHERE run = ? ORDER BY key", run
    )
    names = tx.names([row[0] for row in rows])
    return sorted(
        LatestMetric(name, math.nan if is_nan else value, step, timestamp_ms, least, greatest)
        for name, (_, value, is_nan, step, timestamp_ms, least, greatest) in zip(names, rows, strict=True)
    )


def names(tx: Transaction, runs: Sequence[int]) -> list[str]:
    """The names of the metrics that any of some runs has, in no order."""
    rows = tx.rows("SELECT DISTINCT key FROM latest_metrics WHERE run {ints}", list(runs))
    return tx.names([key for (key,) in rows])


def versions(tx: Transaction, run: int, keys: Sequence[int]) -> dict[int, str]:
    """Of those of some metrics that a run has, a text that tells this last point, and these extremes, from others."""
    rows = tx.rows(
        "SELECT key, step, timestamp_ms, value, is_nan, min, max FROM latest_metrics WHERE run = ? AND key {ints}",
        run,
        list(keys),
    )
    return {key: _version(row) for key, *row in rows}


def _version(row: Row | list[object]) -> str:
    return "/".join(map(str, row))
