"""Metric series: appended as packed records, re-cut into compressed chunks, read as one.

A series is the union of what its run's records and its own chunks hold, each point once. ``latest_metrics`` keeps what
searches need of it.
"""

import itertools
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trackback.storage.codec import EMPTY, Series, merged, pack_record, unpack_chunk, unpack_records
from trackback.storage.interface import Row, Transaction
from trackback.storage.runs import RunRecord

_UPDATE_LATEST = """
INSERT INTO latest_metrics (run, key, experiment, value, is_nan, step, timestamp_ms, min, max)
{columns bigint, bigint, bigint, double precision, smallint, bigint, bigint, double precision, double precision}
ON CONFLICT (run, key) DO UPDATE SET
    value = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value)
                    > (latest_metrics.step, latest_metrics.timestamp_ms, latest_metrics.value)
                 THEN excluded.value ELSE latest_metrics.value END,
    is_nan = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value)
                     > (latest_metrics.step, latest_metrics.timestamp_ms, latest_metrics.value)
                  THEN excluded.is_nan ELSE latest_metrics.is_nan END,
    timestamp_ms = CASE WHEN (excluded.step, excluded.timestamp_ms) > (latest_metrics.step, latest_metrics.timestamp_ms)
                        THEN excluded.timestamp_ms ELSE latest_metrics.timestamp_ms END,
    step = CASE WHEN excluded.step > latest_metrics.step THEN excluded.step ELSE latest_metrics.step END,
    min = CASE WHEN latest_metrics.min IS NULL OR excluded.min < latest_metrics.min
               THEN excluded.min ELSE latest_metrics.min END,
    max = CASE WHEN latest_metrics.max IS NULL OR excluded.max > latest_metrics.max
               THEN excluded.max ELSE latest_metrics.max END
"""


# Never the same twice: a server counts up from the time it started at, in nanoseconds, and no server writes one record
# a nanosecond. Were two to agree all the same, one of them would lose the race for the number and take the next.
_record_numbers = itertools.count(time.time_ns())


class Points(NamedTuple):
    """Points of one run as equally long columns. Values may be NaN, but not infinite."""

    keys: Sequence[str]
    steps: Sequence[int]
    timestamps_ms: Sequence[int]
    values: Sequence[float]


class _Latest(NamedTuple):
    """What a request's points come to, as columns: a row of latest_metrics for each key, without run and experiment."""

    keys: Sequence[int]
    values: Sequence[float]
    nans: Sequence[int]
    steps: Sequence[int]
    timestamps_ms: Sequence[int]
    least: Sequence[float | None]
    greatest: Sequence[float | None]


def append(tx: Transaction, run: RunRecord, points: Points) -> None:
    keys = tx.name_ids(points.keys)
    tx.run(
        "INSERT INTO metric_records (run, id, points, data) VALUES (?, ?, ?, ?)",
        run.id,
        next(_record_numbers),
        len(keys),
        pack_record(keys, points.steps, points.timestamps_ms, points.values),
    )
    latest = _latest(keys, points)
    tx.insert_columns(
        _UPDATE_LATEST, [run.id] * len(latest.keys), latest.keys, [run.experiment] * len(latest.keys), *latest[1:]
    )


def _latest(keys: Sequence[int], points: Points) -> _Latest:
    """In the order of the keys, so that writers never deadlock."""
    if len(set(keys)) == len(keys) and not any(map(math.isnan, points.values)):
        in_order = zip(*sorted(zip(keys, *points[1:], strict=True)), strict=True)
        numbers, steps, timestamps, values = in_order
        return _Latest(numbers, values, [0] * len(numbers), steps, timestamps, values, values)
    series: defaultdict[int, list[tuple[int, int, float]]] = defaultdict(list)
    for key, point in zip(keys, zip(*points[1:], strict=True), strict=True):
        series[key].append(point)
    return _Latest(*zip(*((key, *_folded(series[key])) for key in sorted(series)), strict=True))


def _folded(series: list[tuple[int, int, float]]) -> tuple[float, int, int, int, float | None, float | None]:
    """The value of the last point, by MLflow's rule; whether it is NaN; its step and timestamp; the extremes."""
    values = [value for _, _, value in series]
    if not any(map(math.isnan, values)):
        step, timestamp, value = max(series)
        return value, 0, step, timestamp, min(values), max(values)
    step, timestamp, value, is_nan = max(
        (step, timestamp, 0.0, 1) if math.isnan(value) else (step, timestamp, value, 0)
        for step, timestamp, value in series
    )
    numbers = [value for value in values if not math.isnan(value)]
    return value, is_nan, step, timestamp, min(numbers, default=None), max(numbers, default=None)


class Position(NamedTuple):
    """A place in a history: that of the point with these values."""

    timestamp_ms: int
    step: int
    value: float
    is_nan: int


def history(tx: Transaction, run: int, key: int, after: Position | None, limit: int) -> Series:
    """The first ``limit`` points of a series that come after a position; reads no more chunks than that takes."""
    parts = [_after(_unsealed(tx, run, key), after)]
    for chunk, *first in _chunks_after(tx, run, key, after):
        if sum(_count_before(part, *first) for part in parts) >= limit:
            parts = [merged(parts)]  # of which some may have been repeats
            if _count_before(parts[0], *first) >= limit:
                break
        row = tx.row("SELECT data FROM metric_chunks WHERE id = ?", chunk)
        assert row is not None
        parts.append(_after(unpack_chunk(row[0]), after))
    return merged(parts).taken(slice(limit))


def whole(tx: Transaction, run: int, key: int) -> Series:
    """All points of a series, in a history's order."""
    chunks = tx.rows("SELECT data FROM metric_chunks WHERE run = ? AND key = ? ORDER BY first_ms, first_step", run, key)
    return merged([*(unpack_chunk(data) for (data,) in chunks), _unsealed(tx, run, key)])


def position(series: Series) -> Position:
    """Where the last point of a page stands."""
    value = float(series.values[-1])
    is_nan = math.isnan(value)
    return Position(int(series.timestamps_ms[-1]), int(series.steps[-1]), 0.0 if is_nan else value, int(is_nan))


def _unsealed(tx: Transaction, run: int, key: int) -> Series:
    records = tx.rows("SELECT data FROM metric_records WHERE run = ?", run)
    if not records:
        return EMPTY
    keys, points = unpack_records(data for (data,) in records)
    return merged([points.taken(keys == key)])


def _chunks_after(tx: Transaction, run: int, key: int, after: Position | None) -> list[Row]:
    query = "SELECT id, first_ms, first_step FROM metric_chunks WHERE run = ? AND key = ?"
    order = " ORDER BY first_ms, first_step"
    if after is None:
        return tx.rows(query + order, run, key)
    return tx.rows(f"{query} AND (last_ms, last_step) >= (?, ?){order}", run, key, after.timestamp_ms, after.step)


def _after(series: Series, position: Position | None) -> Series:
    if position is None:
        return series
    is_nan = np.isnan(series.values)
    columns = (series.timestamps_ms, series.steps, np.where(is_nan, 0.0, series.values), is_nan.astype(np.int64))
    beyond: npt.NDArray[np.bool_] = np.zeros(series.size, np.bool_)
    for column, bound in reversed(list(zip(columns, position, strict=True))):
        beyond = (column > bound) | ((column == bound) & beyond)
    return series.taken(beyond)


def _count_before(series: Series, timestamp_ms: int, step: int) -> int:
    """How many points of a sorted series come before all that a chunk with this first point can hold."""
    start = int(np.searchsorted(series.timestamps_ms, timestamp_ms, "left"))
    stop = int(np.searchsorted(series.timestamps_ms, timestamp_ms, "right"))
    return start + int(np.searchsorted(series.steps[start:stop], step, "left"))
