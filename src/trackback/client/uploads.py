"""The bytes of an upload, a piece at a time, and whether what the server kept are the same."""

import hashlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from trackback.client.digests import named_digest
from trackback.client.pipeline import Pipeline
from trackback.client.progress import Advance, ignore
from trackback.errors import DataLoss, InvalidState


class UploadedFolder(NamedTuple):
    """``digest`` is that of the listing, as a version has it; ``sent`` counts the bytes that the server had not got."""

    digest: str
    files: int
    bytes: int
    sent: int


class Pieces:
    """Iterated over, it reads a file as it is sent. ``size`` is in bytes."""

    def __init__(self, file: BinaryIO, advance: Advance = ignore) -> None:
        self.size = file.seek(0, SEEK_END)
        self._file = file
        self._hash = hashlib.sha256()
        self._advance = advance
        self._sent = 0

    def __iter__(self) -> Generator[memoryview, None, None]:
        self._file.seek(0)
        self._hash = hashlib.sha256()
        self._advance(-self._sent)
        self._sent = 0
        with Pipeline(self._update, self.size) as pipeline:
            while self._sent < self.size:
                yield self._next(pipeline)

    def _next(self, pipeline: Pipeline) -> memoryview:
        buffer = pipeline.buffer()
        left = self.size - self._sent
        count = self._file.readinto(buffer[:left])  # type: ignore[attr-defined] # files and BytesIO have it
        if not count:
            raise InvalidState(
                f"{getattr(self._file, 'name', 'The file')} had {self.size} bytes, and lost {left} of them while it "
                "was uploaded. It was not kept; upload it when nothing writes to it any more."
            )
        piece = pipeline.push(count)
        self._sent += count
        self._advance(count)
        return piece

    def _update(self, piece: memoryview) -> None:
        self._hash.update(piece)

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
def pieces_of(content: bytes | Path, advance: Advance = ignore) -> Iterator[Pieces]:
    """The pieces of ``content``, bytes or a file's."""
    with BytesIO(content) if isinstance(content, bytes) else content.open("rb", buffering=0) as file:
        yield Pieces(file, advance)
