"""Reading a series: one history of what its run's records and its own chunks hold, each point once."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trackback.storage.codec import EMPTY, Series, merged, unpack_chunk, unpack_records
from trackback.storage.interface import Row, Transaction

PIECE_POINTS = 65_536


class Position(NamedTuple):
    """A place in a history: that of the point with these values."""

    timestamp_ms: int
    step: int
    value: float
    is_nan: int


def page(tx: Transaction, run: int, key: int, after: Position | None, limit: int) -> Series:
    """The first ``limit`` points of a series that come after a position; reads no more chunks than that takes."""
    parts = [_after(unsealed(tx, run, key), after)]
    for number, *first in _chunks_after(tx, run, key, after):
        if sum(_count_before(part, *first) for part in parts) >= limit:
            parts = [merged(parts)]  # of which some may have been repeats
            if _count_before(parts[0], *first) >= limit:
                break
        parts.append(_after(chunk(tx, number), after))
    return merged(parts).taken(slice(limit))


def pieces(tx: Transaction, run: int, key: int) -> Iterator[Series]:
    """A whole history, at least one piece, one after the other and each chunk read once.

    A piece has some ``PIECE_POINTS`` points, and more only where that many chunks overlap: where points were logged
    far out of the order of their timestamps.
    """
    fresh: list[Series] = []
    rest = unsealed(tx, run, key)
    for number, *first in _chunks_after(tx, run, key, None):
        if sum(part.size for part in fresh) >= max(PIECE_POINTS, rest.size):
            found = merged([*fresh, rest])
            settled = _count_before(found, *first)
            if settled:
                yield found.taken(slice(settled))
            fresh, rest = [], found.taken(slice(settled, None))
        fresh.append(chunk(tx, number))
    yield merged([*fresh, rest])


def position(series: Series) -> Position:
    """Where the last point of a page stands."""
    value = float(series.values[-1])
    is_nan = math.isnan(value)
    return Position(int(series.timestamps_ms[-1]), int(series.steps[-1]), 0.0 if is_nan else value, int(is_nan))


def unsealed(tx: Transaction, run: int, key: int) -> Series:
    """What of a series lies in records."""
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


def chunk(tx: Transaction, number: int) -> Series:
    """The points of a chunk, by its id."""
    row = tx.row("SELECT data FROM metric_chunks WHERE id = ?", number)
    assert row is not None
    return unpack_chunk(row[0])


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
