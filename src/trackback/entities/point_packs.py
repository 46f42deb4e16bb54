"""Many points of one run as bytes: what a client sends of a training loop, of which JSON takes most of the time."""

import sys
from array import array
from collections.abc import Sequence

import msgspec

from trackback.entities.tracking import Points
from trackback.errors import InvalidParameter

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
    columns = (array("I", places), array("q", steps), array("q", timestamps_ms), array("d", values))
    return _encode(PointPack(tuple(names), *(_little_endian(column).tobytes() for column in columns)))


def unpack(content: bytes) -> Points:
    """The points of a pack. InvalidParameter: it is none, its columns differ in length, or a place is no name's."""
    try:
        found = _decode(content)
        columns = (array("I"), array("q"), array("q"), array("d"))
        for column, part in zip(columns, (found.places, found.steps, found.timestamps_ms, found.values), strict=True):
            column.frombytes(part)
        places, *numbers = (_little_endian(column).tolist() for column in columns)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise InvalidParameter(f"The body is no pack of points: {error}.") from None
    if any(len(column) != len(places) for column in numbers):
        lengths = ", ".join(str(len(column)) for column in (places, *numbers))
        raise InvalidParameter(f"The columns of the points differ in length: {lengths}.")
    try:
        keys = [found.names[place] for place in places]
    except IndexError:
        raise InvalidParameter(
            f"The points have keys up to place {max(places)} of their names, of which there are {len(found.names)}."
        ) from None
    return Points(keys, *numbers)


def _little_endian(column: "array[int] | array[float]") -> "array[int] | array[float]":
    if sys.byteorder == "big":
        column.byteswap()
    return column
