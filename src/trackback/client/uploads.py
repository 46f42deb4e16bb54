"""The bytes of an upload, a piece at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import BinaryIO

from trackback.errors import InvalidState

PIECE_BYTES = 2**18


@contextmanager
def pieces_of(content: bytes | Path) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The size in bytes, and the pieces, which read a file as it is sent."""
    with BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(0)
        yield size, _pieces(file, size)


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(PIECE_BYTES, left))
        if not piece:
            raise InvalidState(
                f"{file.name} had {size} bytes, and lost {left} of them while it was uploaded. It was not kept; "
                "upload it when nothing writes to it any more."
            )
        left -= len(piece)
        yield piece
