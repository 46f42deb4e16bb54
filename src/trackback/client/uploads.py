"""The bytes of an upload, a piece at a time, and whether what the server kept are the same."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import BinaryIO

from trackback.client.digests import named_digest
from trackback.errors import DataLoss, InvalidState

PIECE_BYTES = 2**18


class Pieces:
    """Iterated over once, it reads a file as it is sent. ``size`` is in bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self.size = file.seek(0, SEEK_END)
        self._file = file
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        left = self.size
        while left:
            piece = self._file.read(min(PIECE_BYTES, left))
            if not piece:
                raise InvalidState(
                    f"{self._file.name} had {self.size} bytes, and lost {left} of them while it was uploaded. "
                    "It was not kept; upload it when nothing writes to it any more."
                )
            left -= len(piece)
            self._hash.update(piece)
            yield piece

    def verify(self, path: str, headers: Mapping[str, str]) -> str:
        """The SHA-256 of what was sent, in hex digits. DataLoss: the answer's headers name that of other bytes."""
        sent = self._hash.hexdigest()
        if (kept := named_digest(headers)) not in (None, sent):
            raise DataLoss(
                f"{path} was sent with the SHA-256 {sent}, and the server keeps it with {kept}: it was damaged on the "
                "way. Upload it again; until then nobody should use it."
            )
        return sent


@contextmanager
def pieces_of(content: bytes | Path) -> Iterator[Pieces]:
    """The pieces of ``content``, bytes or a file's."""
    with BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
        yield Pieces(file)
