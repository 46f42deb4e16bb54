"""How metric points are packed. Each blob begins with a version byte, so that a new codec can stand beside an old one.

A *record* (version 1) is what one request brought, all its keys together: the number of points, then the columns
key number (uint32), step, timestamp (int64) and value (float64), little-endian. It is made
by the standard library's arrays: for lists, they are quicker than numpy.

A *chunk* (version 2) is a piece of one series, sorted and without repeats: timestamps and steps as differences, then
the values, each column transposed to planes of equally significant bytes and all deflated together. The planes of
slowly changing numbers are nearly constant, which is what deflate is good at.
"""

import struct
import zlib
from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

_RECORD, _CHUNK = 1, 2
_HEADER = struct.Struct("<BI")
_POINT_SIZE = 4 + 8 + 8 + 8
_DEFLATE_LEVEL = 1


class Series(NamedTuple):
    """Points of one series as equally long one-dimensional columns: int64 milliseconds, int64, float64."""

    timestamps_ms: Ints
    steps: Ints
    values: Floats

    @property
    def size(self) -> int:
        """The number of points."""
        return self.timestamps_ms.size

    def taken(self, which: "npt.NDArray[np.bool_] | Ints | slice") -> "Series":
        """The points that a mask, an array of positions or a slice names."""
        return Series(self.timestamps_ms[which], self.steps[which], self.values[which])


EMPTY = Series(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def pack_record(keys: Sequence[int], steps: Sequence[int], timestamps: Sequence[int], values: Sequence[float]) -> bytes:
    return b"".join(
        (
            _HEADER.pack(_RECORD, len(keys)),
            array("I", keys),
            array("q", steps),
            array("q", timestamps),
            array("d", values),
        )
    )


def unpack_records(records: Iterable[bytes]) -> tuple[Ints, Series]:
    """The key numbers and the points of all records together, in the order they came in."""
    columns: tuple[list[bytes], ...] = ([], [], [], [])
    for record in records:
        version, count = _HEADER.unpack_from(record)
        if version != _RECORD or len(record) != _HEADER.size + count * _POINT_SIZE:
            raise ValueError(f"not a record of metrics: version {version}, {len(record)} bytes for {count} points")
        start = _HEADER.size
        for column, width in zip(columns, (4, 8, 8, 8), strict=True):
            column.append(record[start : start + width * count])
            start += width * count
    keys, steps, timestamps, values = (b"".join(column) for column in columns)
    series = Series(np.frombuffer(timestamps, "<i8"), np.frombuffer(steps, "<i8"), np.frombuffer(values, "<f8"))
    return np.frombuffer(keys, "<u4").astype(np.int64), series


def pack_chunk(series: Series) -> bytes:
    columns = (
        np.diff(series.timestamps_ms, prepend=np.int64(0)),
        np.diff(series.steps, prepend=np.int64(0)),
        series.values,
    )
    planes = b"".join(
        column.astype(column.dtype.newbyteorder("<")).view(np.uint8).reshape(-1, 8).T.tobytes() for column in columns
    )
    return _HEADER.pack(_CHUNK, series.size) + zlib.compress(planes, _DEFLATE_LEVEL)


def unpack_chunk(chunk: bytes) -> Series:
    version, count = _HEADER.unpack_from(chunk)
    if version != _CHUNK:
        raise ValueError(f"not a chunk of metrics: version {version}")
    planes = np.frombuffer(zlib.decompress(memoryview(chunk)[_HEADER.size :]), np.uint8).reshape(3, 8, count)
    timestamps, steps, values = (np.ascontiguousarray(column.T).reshape(-1) for column in planes)
    return Series(timestamps.view("<i8").cumsum(), steps.view("<i8").cumsum(), values.view("<f8"))


def merged(parts: Sequence[Series]) -> Series:
    """All points of ``parts``, each once, in MLflow's order of a history: timestamp, step, value, NaN last as 0."""
    if not parts:
        return EMPTY
    timestamps, steps, values = (
        np.concatenate(columns) if len(parts) > 1 else columns[0] for columns in zip(*parts, strict=True)
    )
    if _strictly_rising(timestamps, steps):
        return Series(timestamps, steps, values)
    is_nan = np.isnan(values)
    comparable = np.where(is_nan, 0.0, values)
    order = np.lexsort((is_nan, comparable, steps, timestamps))
    timestamps, steps, values, is_nan, comparable = (
        column[order] for column in (timestamps, steps, values, is_nan, comparable)
    )
    repeats = (
        (timestamps[1:] == timestamps[:-1])
        & (steps[1:] == steps[:-1])
        & (comparable[1:] == comparable[:-1])
        & (is_nan[1:] == is_nan[:-1])
    )
    kept = np.concatenate(([True], ~repeats))
    return Series(timestamps[kept], steps[kept], values[kept])


def _strictly_rising(timestamps: Ints, steps: Ints) -> bool:
    later = timestamps[1:] > timestamps[:-1]
    same = timestamps[1:] == timestamps[:-1]
    return bool((later | (same & (steps[1:] > steps[:-1]))).all())
