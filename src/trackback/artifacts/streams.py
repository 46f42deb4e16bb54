"""Streams of bytes: joined to pieces, and read ahead."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable

from trackback.artifacts.interface import PIECE_SIZE


async def in_pieces(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """``chunks``, joined until they make a piece."""
    gathered: list[bytes] = []
    size = 0
    async for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= PIECE_SIZE:
            yield b"".join(gathered)
            gathered.clear()
            size = 0
    if size:
        yield b"".join(gathered)


async def read_ahead(
    fetch: Callable[[int, int], Awaitable[bytes]], start: int, stop: int, step: int = PIECE_SIZE
) -> AsyncGenerator[bytes, None]:
    """The bytes from ``start`` to ``stop``, in pieces: while some are consumed, the next ``step`` are fetched.

    The first have been fetched when this returns, so that what is wrong shows at once.
    """
    first = await fetch(start, min(start + step, stop)) if start < stop else b""
    return _ahead(fetch, first, start + len(first), stop, step)


async def _ahead(
    fetch: Callable[[int, int], Awaitable[bytes]], current: bytes, position: int, stop: int, step: int
) -> AsyncGenerator[bytes, None]:
    coming: asyncio.Future[bytes] | None = None
    try:
        while current:
            if position < stop:
                coming = asyncio.ensure_future(fetch(position, min(position + step, stop)))
            for offset in range(0, len(current), PIECE_SIZE):
                yield current[offset : offset + PIECE_SIZE]
            if coming is None:
                return
            current, coming = await coming, None
            position += len(current)
    finally:
        if coming is not None:
            coming.cancel()
