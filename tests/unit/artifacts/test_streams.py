import asyncio
from collections.abc import AsyncIterator

import pytest

from trackback.artifacts.interface import PIECE_SIZE
from trackback.artifacts.streams import in_pieces, read_ahead


async def chunks(*sizes: int) -> AsyncIterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number]) * size


async def test_small_chunks_are_joined_until_they_make_a_piece() -> None:
    sizes = [len(piece) async for piece in in_pieces(chunks(*[PIECE_SIZE // 4] * 9))]
    assert sizes == [PIECE_SIZE, PIECE_SIZE, PIECE_SIZE // 4]


async def test_nothing_and_empty_chunks_make_no_piece() -> None:
    assert [piece async for piece in in_pieces(chunks(0, 0))] == []


async def test_what_is_wrong_with_the_first_bytes_is_raised_before_any_are_given() -> None:
    async def fetch(start: int, stop: int) -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        await read_ahead(fetch, 0, 10)


async def test_the_next_bytes_are_fetched_while_some_are_consumed() -> None:
    fetched: list[tuple[int, int]] = []

    async def fetch(start: int, stop: int) -> bytes:
        fetched.append((start, stop))
        return bytes(stop - start)

    pieces = await read_ahead(fetch, 5, 29, step=10)
    assert len(await anext(pieces)) == 10
    await asyncio.sleep(0)
    assert fetched == [(5, 15), (15, 25)]
    assert [len(piece) async for piece in pieces] == [10, 4]
