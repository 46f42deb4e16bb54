"""Reads what a spool has that was not sent yet, and forgets what was."""

import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from trackback.client.spool.records import UNREADABLE, Logged, is_end, read
from trackback.client.spool.segments import Segment, segments_in
from trackback.client.spool.writer import Place, Writer
from trackback.errors import DataLoss

_PLACE = struct.Struct("<QQ")
_COUNTED_AT_ONCE = 10_000
_START = Place(1, 0)


class Taken(NamedTuple):
    """What was logged, in order; how many points and actions they are; and where that ends."""

    logged: list[Logged]
    items: int
    end: Place


class Reader:
    """For one thread. ``writer`` is the one that still writes; without it the spool is as a process left it.

    ``place`` is up to where everything has been sent; the file ``sent`` keeps it for another process.
    """

    def __init__(self, folder: Path, writer: Writer | None = None) -> None:
        self._folder = folder
        self._writer = writer
        self._file = os.open(folder / "sent", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.place = self._kept_place()
        self._segment: Segment | None = None
        self._keys: dict[int, str] = {}

    def take(self, most: int) -> Taken:
        """The next that were logged, no more than ``most``, all of one segment; none if all is sent.

        They are given again until ``advance`` is told that they were sent. DataLoss: the files are damaged.
        """
        place = self.place
        while segment := self._at(place):
            place = max(place, Place(segment.number, 0))
            end = self._end_of(segment)
            try:
                logged, items, offset = read(segment.content(), place.offset, end, self._keys, most)
            except UNREADABLE as error:
                raise self._damaged(place, repr(error)) from error
            place = Place(segment.number, offset)
            if not items and not self._writer and not is_end(segment.content(), offset, end):
                raise self._damaged(place, "there is more behind a record that is not whole")
            if items or self._is_last(segment):
                return Taken(logged, items, place)
            place = Place(segment.number + 1, 0)
        return Taken([], 0, place)

    def advance(self, place: Place) -> None:
        """All before ``place`` has been sent: segments that end before it are deleted."""
        with suppress(OSError):  # the disk is full: after a crash what was sent is sent again, which changes nothing
            os.pwrite(self._file, _PLACE.pack(*place), 0)
        self.place = place
        if self._writer:
            for number in [each for each in self._writer.segments if each < place.segment]:
                self._writer.segments.pop(number).delete()
        else:
            for path in segments_in(self._folder):
                if int(path.stem) < place.segment:
                    path.unlink(missing_ok=True)

    def count(self) -> int:
        """How many records are left to send, as far as they can be read; what can't is one more."""
        place, left = self.place, 0
        try:
            while (taken := self.take(_COUNTED_AT_ONCE)).items:
                left += taken.items
                self.place = taken.end
        except DataLoss:
            left += 1
        self.place = place
        self._leave()
        return left

    def close(self) -> None:
        os.close(self._file)
        self._leave()

    def _kept_place(self) -> Place:
        """Up to where everything has been sent; the start, if that is not known: to send it again changes nothing."""
        kept = os.pread(self._file, _PLACE.size, 0)
        place = Place(*_PLACE.unpack(kept)) if len(kept) == _PLACE.size else _START
        if self._writer:
            with suppress(OSError):
                os.pwrite(self._file, _PLACE.pack(*place), 0)  # it gets its room, before the disk may be full
            return place
        ends = {int(path.stem): path.stat().st_size for path in segments_in(self._folder)}
        is_there = place.segment <= max(ends, default=0) and place.offset <= ends.get(place.segment, place.offset)
        return place if is_there else _START

    def _damaged(self, place: Place, why: str) -> DataLoss:
        return DataLoss(
            f"The spool {self._folder} is damaged in segment {place.segment} behind byte {place.offset}: {why}. "
            "What is before has been sent; the rest stays there. Delete the folder when nobody needs it."
        )

    def _at(self, place: Place) -> Segment | None:
        """The segment of a place, or the first after it, ready to be read from there."""
        if self._segment and self._segment.number == place.segment:
            return self._segment
        self._leave()
        self._segment = self._open(place.segment)
        self._keys.clear()
        if self._segment and self._segment.number == place.segment:
            read(self._segment.content(), 0, place.offset, self._keys, sys.maxsize)
        return self._segment

    def _open(self, number: int) -> Segment | None:
        if self._writer:
            found = min((each for each in list(self._writer.segments) if each >= number), default=None)
            segment = None if found is None else self._writer.segments[found]
            return Segment.open(segment.path) if segment and segment.path else segment
        path = next((each for each in segments_in(self._folder) if int(each.stem) >= number), None)
        return Segment.open(path) if path else None

    def _end_of(self, segment: Segment) -> int:
        """Up to where it may be read: of the one that is written, what was written whole."""
        if self._writer and (end := self._writer.end).segment == segment.number:
            return end.offset
        return segment.end

    def _is_last(self, segment: Segment) -> bool:
        if self._writer:
            return self._writer.end.segment == segment.number
        return all(int(path.stem) <= segment.number for path in segments_in(self._folder))

    def _leave(self) -> None:
        """Close what was opened here; a segment in memory is the writer's."""
        if self._segment and self._segment.path:
            self._segment.close()
        self._segment = None
