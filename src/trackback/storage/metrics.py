"""Writing metrics: points are appended as packed records, and ``latest_metrics`` keeps what searches need of them.

``sealing`` re-cuts records into compressed chunks, and ``history`` reads a series from both.
"""

import itertools
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import Points
from trackback.storage.codec import pack_record
from trackback.storage.interface import Transaction
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
    tx.send(
        "INSERT INTO metric_records (run, id, points, data) VALUES (?, ?, ?, ?)",
        run.id,
        next(_record_numbers),
        len(keys),
        pack_record(keys, points.steps, points.timestamps_ms, points.values),
    )
    latest = _latest(keys, points)
    tx.send_columns(
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
