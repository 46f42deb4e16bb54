"""Writes records into segments: what ``log_metric`` does, and all that it does."""

import threading
from pathlib import Path
from typing import NamedTuple

from trackback.client.spool.records import (
    MARK,
    NO_NUMBERS,
    POINT,
    POINT_SIZE,
    Action,
    encode_action,
    encode_key,
    no_point,
    pack_point,
    unmarked,
)
from trackback.client.spool.segments import SEGMENT_BYTES, Segment
from trackback.errors import StorageFull
from trackback.limits import check_key

SEGMENTS_IN_MEMORY = 32
"""How many segments are kept in memory while the disk is full, before nothing more is taken."""


class Place(NamedTuple):
    """Where a record begins or ends. Places of one spool are ordered."""

    segment: int
    offset: int


class Writer:
    """For all threads of one process. ``segments`` are those that have not been sent whole, by number; the last of them
    is written, and those before it that are files are closed.
    """

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._keys: dict[str, int] = {}
        self.segments: dict[int, Segment] = {}
        self._segment = self._begin(1, segment_bytes)

    @property
    def end(self) -> Place:
        """Where the next record will begin."""
        with self._lock:
            return Place(self._segment.number, self._end)

    def log_point(self, key: str, value: float, timestamp_ms: int, step: int) -> None:
        """Write a point of a metric.

        InvalidParameter: the key is no name, the value no number, or the time or step no integer of 64 bits.
        StorageFull: there is no room on the disk, and none left in memory.
        """
        with self._lock:
            number = self._keys.get(key)
            if number is None or self._end + POINT_SIZE > self._limit:
                number = self._name(key)
            try:
                pack_point(self._map, self._end, POINT_SIZE, POINT, number, step, timestamp_ms, value, MARK)
            except NO_NUMBERS:
                raise no_point(key, value, timestamp_ms, step) from None
            self._end += POINT_SIZE

    def log(self, action: Action) -> None:
        """Write anything else. InvalidParameter: see ``encode_action``. StorageFull: as for ``log_point``."""
        record = encode_action(action)
        with self._lock:
            if self._end + len(record) > self._limit:
                self._next(len(record))
            self._write(record)

    def close(self) -> None:
        """Give back the memory of what is in files."""
        with self._lock:
            self._segment.end = self._end
            self._segment.close()

    def _name(self, key: str) -> int:
        """The number of a key, named in the segment that is written, in which there is room for a point then."""
        check_key(key, "key")
        if self._end + len(encode_key(0, key)) + POINT_SIZE > self._limit:
            self._next(0)
        if (number := self._keys.get(key)) is None:
            number = len(self._keys) + 1
            self._write(encode_key(number, key))
            self._keys[key] = number
        return number

    def _write(self, record: bytes) -> None:
        body = unmarked(record)
        self._map[self._end : self._end + len(body)] = body
        self._map[self._end + len(body) : self._end + len(record)] = record[len(body) :]
        self._end += len(record)

    def _next(self, size: int) -> None:
        """Begin another segment, for a record of that size at least."""
        in_memory = sum(segment.path is None for segment in self.segments.values())
        if in_memory >= SEGMENTS_IN_MEMORY:
            raise StorageFull(
                f"No room for more in the spool {self._folder}: its disk is full, and {in_memory} MiB are kept in "
                "memory. Nothing more is taken until the server has taken these, or there is room again."
            )
        self._segment.end = self._end
        self._segment.close()
        self._segment = self._begin(self._segment.number + 1, max(size, self._segment_bytes))

    def _begin(self, number: int, size: int) -> Segment:
        segment = Segment.create(self._folder, number, size)
        self.segments[number] = segment
        self._map, self._end, self._limit = segment.content(), 0, size
        self._keys.clear()
        return segment
