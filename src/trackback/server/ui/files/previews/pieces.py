"""Pieces of files that are read for a preview."""

import asyncio
import io
from contextlib import aclosing
from typing import TYPE_CHECKING

from trackback.services.artifacts import OpenFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TIMEOUT_S = 60
"""How long a store may take for a piece."""


async def read(file: OpenFile, start: int, stop: int) -> bytes:
    """The bytes from ``start`` to before ``stop``, or the end."""
    stop = min(stop, file.size)
    if start >= stop:
        return b""
    async with aclosing(await file.read(start, stop)) as pieces:
        return b"".join([piece async for piece in pieces])


class Readable(io.RawIOBase):
    """A file for those who read it here and there, in a thread beside the loop that the file is read on."""

    def __init__(self, file: OpenFile, loop: asyncio.AbstractEventLoop) -> None:
        self._file = file
        self._loop = loop
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        self._place = max(base + offset, 0)
        return self._place

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        reading = read(self._file, self._place, self._place + len(view))
        piece = asyncio.run_coroutine_threadsafe(reading, self._loop).result(TIMEOUT_S)
        view[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)
