"""Summaries of filled chunks: of each short stretch of points those that a chart can't do without.

A chunk of a series is stored a second time, coarsely: 16 stretches, each told by its least, greatest and last point,
exactly as they were logged, and by what a chart computes with. So a chart of ten million points reads some twenty
thousand stretches, and opens a chunk only where it shows less than a few stretches.

A summary (version 3 of the codec's blobs) is the version byte, the number of stretches, and the columns of ``STRETCH``
row by row, little-endian.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from trackback.storage.codec import Series
from trackback.storage.interface import Transaction

STRETCHES = 16
"""In a filled chunk."""

_VERSION = 3
_HEADER = struct.Struct("<BI")

_POINTS = ("min", "max", "last")
_POINT_COLUMNS = (("step", "<i8"), ("ms", "<i8"), ("value", "<f8"))

STRETCH = np.dtype(
    [
        ("points", "<i8"),
        ("nans", "<i8"),
        ("total", "<f8"),  # the sum of its values, NaN aside
        ("least_step", "<i8"),
        ("most_step", "<i8"),
        ("first_ms", "<i8"),
        *((f"{point}_{column}", kind) for point in _POINTS for column, kind in _POINT_COLUMNS),
    ]
)
"""A stretch of a series, which is sorted by time. Where all its values are NaN, so are those of ``min`` and ``max``."""

Stretches: TypeAlias = npt.NDArray[np.void]


class Outline(NamedTuple):
    """What is known of a series without opening its chunks.

    ``stretches`` are those of the summed up chunks, ``chunks`` the id of the chunk that each is of. ``rest`` are the
    ids of the chunks without a summary.
    """

    stretches: Stretches
    chunks: npt.NDArray[np.int64]
    rest: list[int]


def summarize(series: Series) -> Stretches:
    """The stretches of a chunk, which has a multiple of ``STRETCHES`` points."""
    shape = (STRETCHES, series.size // STRETCHES)
    times, steps, values = (column.reshape(shape) for column in series)
    is_nan = np.isnan(values)
    rows = np.arange(STRETCHES)
    found = np.zeros(STRETCHES, STRETCH)
    found["points"] = shape[1]
    found["nans"] = is_nan.sum(axis=1)
    with np.errstate(over="ignore"):
        found["total"] = np.where(is_nan, 0.0, values).sum(axis=1)
    found["least_step"], found["most_step"] = steps.min(axis=1), steps.max(axis=1)
    found["first_ms"] = times[:, 0]
    places = {
        "min": np.where(is_nan, np.inf, values).argmin(axis=1),
        "max": np.where(is_nan, -np.inf, values).argmax(axis=1),
        "last": np.full(STRETCHES, shape[1] - 1),
    }
    for which, place in places.items():
        found[f"{which}_step"] = steps[rows, place]
        found[f"{which}_ms"] = times[rows, place]
        found[f"{which}_value"] = values[rows, place]
    return found


def pack(stretches: Stretches) -> bytes:
    return _HEADER.pack(_VERSION, stretches.size) + stretches.tobytes()


def unpack(summaries: Iterable[bytes]) -> Stretches:
    """The stretches of all summaries, one after the other."""
    rows = []
    for summary in summaries:
        version, count = _HEADER.unpack_from(summary)
        if version != _VERSION or len(summary) != _HEADER.size + count * STRETCH.itemsize:
            raise ValueError(f"not a summary of metrics: version {version}, {len(summary)} bytes")
        rows.append(memoryview(summary)[_HEADER.size :])
    return np.frombuffer(b"".join(rows), STRETCH)


def add(tx: Transaction, run: int, summaries: Sequence[tuple[int, Stretches]]) -> None:
    """Keep the summaries of a run's chunks, each with the chunk's id. One that is there stays."""
    if not summaries:
        return
    ordered = sorted(summaries, key=lambda each: each[0])
    tx.insert_columns(
        "INSERT INTO metric_summaries (chunk, run, data) {columns bigint, bigint, bytea} ON CONFLICT DO NOTHING",
        [chunk for chunk, _ in ordered],
        [run] * len(ordered),
        [pack(stretches) for _, stretches in ordered],
    )


def outline(tx: Transaction, run: int, key: int) -> Outline:
    """The summaries of a series."""
    rows = tx.rows(
        "SELECT c.id, s.data FROM metric_chunks c LEFT JOIN metric_summaries s ON s.chunk = c.id"
        " WHERE c.run = ? AND c.key = ? ORDER BY c.first_ms, c.first_step",
        run,
        key,
    )
    summed = [(chunk, data) for chunk, data in rows if data is not None]
    stretches = unpack(data for _, data in summed)
    counts = [(len(data) - _HEADER.size) // STRETCH.itemsize for _, data in summed]
    return Outline(
        stretches,
        np.repeat(np.array([chunk for chunk, _ in summed], np.int64), counts),
        [chunk for chunk, data in rows if data is None],
    )


def lacking(tx: Transaction, run_ids: list[str], filled: int) -> list[int]:
    """Those of some runs, by their numbers, that have a chunk of so many points and no summary of it."""
    rows = tx.rows(
        "SELECT r.id FROM runs r WHERE r.uuid {texts} AND EXISTS (SELECT 1 FROM metric_chunks c WHERE c.run = r.id"
        " AND c.points = ? AND NOT EXISTS (SELECT 1 FROM metric_summaries s WHERE s.chunk = c.id))",
        run_ids,
        filled,
    )
    return [run for (run,) in rows]


def unsummarized(tx: Transaction, run: int, filled: int, limit: int) -> list[tuple[int, bytes]]:
    """Some filled chunks of a run, id and data, that an earlier trackback sealed and summed up in no row."""
    rows = tx.rows(
        "SELECT c.id, c.data FROM metric_chunks c WHERE c.run = ? AND c.points = ?"
        " AND NOT EXISTS (SELECT 1 FROM metric_summaries s WHERE s.chunk = c.id) ORDER BY c.id LIMIT ?",
        run,
        filled,
        limit,
    )
    return [(chunk, data) for chunk, data in rows]
