"""The records of a spool, one after the other: each is there whole, or not at all.

A record is its size, its kind and a number, as 32 bits each; its content, filled up to a multiple of 8 bytes; and a
mark, which is written last. Where a process died while it wrote one, the mark is missing, and the spool ends before it.

A point of a metric is a record of its own kind and of fixed size, packed in one call: it is what a training loop
writes. Its key is a number, which an earlier record of the same segment gives a name. All else is an ``Action``, as
MessagePack. Numbers are little-endian.
"""

from collections.abc import Sequence
from enum import IntEnum
from mmap import mmap
from struct import Struct, error as StructError  # noqa: N812 - it is a class
from typing import NamedTuple

import msgspec

from trackback.entities import DatasetInput, Metric, ModelInput, ModelOutput, Param, RunStatus, Tag
from trackback.errors import InvalidParameter
from trackback.limits import shown

MARK = 0x6B63_7274  # "trck"

_HEAD = Struct("<III")
_POINT = Struct("<IIIqqdI")
_NUMBERS = Struct("<qqd")
_MARK = Struct("<I")

POINT_SIZE = _POINT.size
pack_point = _POINT.pack_into
NO_NUMBERS = (StructError, TypeError, ValueError, OverflowError)
"""What packing raises for what is no point."""


class Kind(IntEnum):
    POINT = 1
    KEY = 2
    ACTION = 3


POINT = Kind.POINT.value  # a plain int is quicker to pack


class LogMetric(msgspec.Struct, frozen=True, tag="metric"):
    """A point that says more than its key, value, time and step."""

    metric: Metric


class LogParam(msgspec.Struct, frozen=True, tag="param"):
    param: Param


class SetTag(msgspec.Struct, frozen=True, tag="tag"):
    what: Tag


class DeleteTag(msgspec.Struct, frozen=True, tag="delete_tag"):
    key: str


class LogInputs(msgspec.Struct, frozen=True, tag="inputs"):
    datasets: tuple[DatasetInput, ...] = ()
    models: tuple[ModelInput, ...] = ()


class LogOutputs(msgspec.Struct, frozen=True, tag="outputs"):
    models: tuple[ModelOutput, ...]


class UpdateRun(msgspec.Struct, frozen=True, tag="update", omit_defaults=True):
    status: RunStatus | None = None
    end_time: int | None = None
    run_name: str | None = None


class Upload(msgspec.Struct, frozen=True, tag="upload"):
    """``file``, a name in the spool's folder of files, is to be the run's artifact at ``path``."""

    path: str
    file: str


class Block(NamedTuple):
    """Points that follow each other, as columns: ``places`` are those of their keys in ``names``."""

    names: Sequence[str]
    places: Sequence[int]
    steps: Sequence[int]
    timestamps_ms: Sequence[int]
    values: Sequence[float]

    @property
    def size(self) -> int:
        return len(self.places)

    def metrics(self) -> list[Metric]:
        keys = (self.names[place] for place in self.places)
        return list(map(Metric, keys, self.values, self.timestamps_ms, self.steps))


Action = LogMetric | LogParam | SetTag | DeleteTag | LogInputs | LogOutputs | UpdateRun | Upload
Logged = Block | Action
"""What records say."""

UNREADABLE = (KeyError, UnicodeDecodeError, msgspec.DecodeError)
"""What reading raises where records are damaged."""

_encode_action = msgspec.msgpack.Encoder().encode
_decode_action = msgspec.msgpack.Decoder(Action).decode


class Read(NamedTuple):
    """``items``: how many points and actions they are. ``end``: where the next record begins."""

    logged: list[Logged]
    items: int
    end: int


def encode_key(number: int, key: str) -> bytes:
    return _record(Kind.KEY, number, key.encode())


def encode_action(action: Action) -> bytes:
    """InvalidParameter: it holds what would not come back, such as a number where a text belongs."""
    try:
        content = _encode_action(action)
        _decode_action(content)
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise InvalidParameter(f"{shown(action)} can't be logged: {error}.") from None
    return _record(Kind.ACTION, 0, content)


def point_of(key: str, value: object, timestamp_ms: object, step: object) -> Metric:
    """A point of plain numbers. InvalidParameter: the value is no number, or the time or step no integer of 64 bits."""
    try:
        plain_step, plain_timestamp_ms, number = _NUMBERS.unpack(_NUMBERS.pack(step, timestamp_ms, value))
    except NO_NUMBERS:
        raise no_point(key, value, timestamp_ms, step) from None
    return Metric(key, number, plain_timestamp_ms, plain_step)


def no_point(key: str, value: object, timestamp_ms: object, step: object) -> InvalidParameter:
    return InvalidParameter(
        f"Invalid point of the metric {shown(key)}: value {shown(value)}, step {shown(step)}, timestamp "
        f"{shown(timestamp_ms)}. The value must be a number, step and timestamp integers of 64 bits."
    )


def unmarked(record: bytes) -> bytes:
    """The record without its mark, to be written first."""
    return record[: -_MARK.size]


def read(buffer: mmap, start: int, end: int, keys: dict[int, str], most: int) -> Read:
    """The next records between two places of a segment, up to the first that is not whole, and no more than ``most``.

    keys: the names of keys so far, by number; those that are read are added.

    UNREADABLE, if the first of them is damaged.
    """
    logged: list[Logged] = []
    count = 0
    while count < most:
        before = start
        try:
            if block := _read_points(buffer, start, end, keys, most - count):
                logged.append(block)
                count += block.size
                start += block.size * POINT_SIZE
            if count < most:
                start, action = _read_other(buffer, start, end, keys)
                if action is not None:
                    logged.append(action)
                    count += 1
        except UNREADABLE:
            if not count:
                raise
            break
        if start == before:
            break
    return Read(logged, count, start)


def is_end(buffer: mmap, start: int, end: int) -> bool:
    """Whether what was written ends at ``start``, where no record is whole: nothing is there, or the beginning of one
    that a process died over, and nothing behind it.
    """
    behind = start + (_read_head(buffer, start)[0] if start + _HEAD.size <= end else 0)
    rest = buffer[behind:end]
    return behind <= end and rest.count(0) == len(rest)


def _read_points(buffer: mmap, start: int, end: int, keys: dict[int, str], most: int) -> Block | None:
    """The points that follow each other from ``start`` on."""
    count = min(most, (end - start) // POINT_SIZE)
    rows = list(_POINT.iter_unpack(buffer[start : start + count * POINT_SIZE]))
    count = next((place for place, row in enumerate(rows) if row[1] != POINT or row[-1] != MARK), len(rows))
    if not count:
        return None
    _, _, numbers, steps, timestamps_ms, values, _ = zip(*rows[:count], strict=True)
    used = sorted(set(numbers))
    places = {number: place for place, number in enumerate(used)}
    names = [keys[number] for number in used]
    return Block(names, [places[number] for number in numbers], steps, timestamps_ms, values)


def _read_other(buffer: mmap, start: int, end: int, keys: dict[int, str]) -> tuple[int, Action | None]:
    """Where the key or action at ``start`` ends, if one is there, and the action."""
    if start + _HEAD.size > end:
        return start, None
    size, kind, number = _read_head(buffer, start)
    stop = start + size
    if kind == POINT or size < _HEAD.size + _MARK.size or stop > end:
        return start, None
    if _MARK.unpack_from(buffer, stop - _MARK.size)[0] != MARK:
        return start, None
    content = buffer[start + _HEAD.size : stop - _MARK.size]
    if kind == Kind.KEY:
        keys[number] = content.rstrip(b"\x00").decode()
        return stop, None
    return stop, _decode_action(content[: len(content) - number])


def _read_head(buffer: mmap, start: int) -> tuple[int, int, int]:
    size, kind, number = _HEAD.unpack_from(buffer, start)
    return size, kind, number


def _record(kind: Kind, number: int, content: bytes) -> bytes:
    """``number`` of an action is by how many bytes its content is filled up."""
    bare = _HEAD.size + len(content) + _MARK.size
    size = -(-bare // 8) * 8
    padding = size - bare
    return b"".join(
        (
            _HEAD.pack(size, kind, padding if kind == Kind.ACTION else number),
            content,
            bytes(padding),
            _MARK.pack(MARK),
        )
    )
