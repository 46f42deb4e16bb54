"""Many points of one run as bytes: what a client sends of a training loop, of which JSON takes most of the time."""

import sys
from array import array
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from trackback.entities.tracking import Points
from trackback.errors import InvalidParameter

N = TypeVar("N", int, float)

MEDIA_TYPE = "application/vnd.trackback.points+msgpack"


class PointPack(msgspec.Struct, frozen=True):
    """Columns of equally many little-endian numbers, one of each for every point.

    ``places``: where in ``names`` the point's key is (uint32). ``steps`` and ``timestamps_ms``: int64. ``values``:
    float64.
    """

    names: tuple[str, ...]
    places: bytes
    steps: bytes
    timestamps_ms: bytes
    values: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PointPack).decode


def pack(
    names: Sequence[str],
    places: Sequence[int],
    steps: Sequence[int],
    timestamps_ms: Sequence[int],
    values: Sequence[float],
) -> bytes:
    """A pack, as MessagePack. Lists and tuples of the numbers are quickest."""
    return _encode(
        PointPack(
            names=tuple(names),
            places=_little_endian(array("I", places)).tobytes(),
            steps=_little_endian(array("q", steps)).tobytes(),
            timestamps_ms=_little_endian(array("q", timestamps_ms)).tobytes(),
            values=_little_endian(array("d", values)).tobytes(),
        )
    )


def unpack(content: bytes) -> Points:
    """The points of a pack. InvalidParameter: it is none, its columns differ in length, or a place is no name's."""
    try:
        found = _decode(content)
        places, steps, timestamps_ms = (
            _read(array(code), part)
            for code, part in (("I", found.places), ("q", found.steps), ("q", found.timestamps_ms))
        )
        values = _read(array("d"), found.values)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise InvalidParameter(f"The body is no pack of points: {error}.") from None
    lengths = [len(places), len(steps), len(timestamps_ms), len(values)]
    if len(set(lengths)) > 1:
        raise InvalidParameter(f"The columns of the points differ in length: {', '.join(map(str, lengths))}.")
    try:
        keys = [found.names[place] for place in places]
    except IndexError:
        raise InvalidParameter(
            f"The points have keys up to place {max(places)} of their names, of which there are {len(found.names)}."
        ) from None
    return Points(keys, steps, timestamps_ms, values)


def _read(column: "array[N]", content: bytes) -> list[N]:
    column.frombytes(content)
    return _little_endian(column).tolist()


def _little_endian(column: "array[N]") -> "array[N]":
    if sys.byteorder == "big":
        column.byteswap()
    return column
