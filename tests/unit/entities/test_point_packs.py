"""Packs of points are read as they were made, or refused."""

import math

import msgspec
import pytest
from hypothesis import given, strategies as st

from trackback.entities import Points
from trackback.entities.point_packs import PointPack, pack, unpack
from trackback.errors import InvalidParameter

INT64 = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(st.tuples(st.sampled_from("abc"), INT64, INT64, st.floats(allow_nan=False)))
WHOLE = PointPack(("loss",), bytes(4), bytes(8), bytes(8), bytes(8))


@given(ROWS)
def test_what_was_packed_is_unpacked(rows: list[tuple[str, int, int, float]]) -> None:
    keys, *columns = [list(column) for column in zip(*rows, strict=True)] if rows else ([], [], [], [])
    content = pack("abc", ["abc".index(key) for key in keys], *columns)
    assert unpack(content) == Points(keys, *columns)


def test_a_value_may_be_no_number() -> None:
    assert math.isnan(unpack(pack(["loss"], [0], [1], [1], [math.nan])).values[0])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"steps": bytes(16)}, "The columns of the points differ in length: 1, 2, 1, 1."),
        ({"values": bytes(7)}, "no pack of points"),
        ({"places": b"\x01\x00\x00\x00"}, "up to place 1 of their names, of which there are 1"),
    ],
)
def test_a_pack_that_does_not_hold_together_is_refused(changed: dict[str, bytes], why: str) -> None:
    broken = msgspec.structs.replace(WHOLE, **changed)
    with pytest.raises(InvalidParameter, match=why):
        unpack(msgspec.msgpack.encode(broken))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xc1", b"\x81\xa1\xff\x00", msgspec.msgpack.encode(WHOLE)[:-1]])
def test_what_is_no_pack_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidParameter, match="no pack of points"):
        unpack(content)
