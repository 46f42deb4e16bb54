"""A file on its way from a server: complete, and with the right digest, before it is at its place."""

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from trackback.client.digests import named_digest
from trackback.client.file_locks import hold
from trackback.client.progress import Advance, ignore
from trackback.errors import DataLoss, InvalidParameter, StorageFull, TrackbackError

READ_BYTES = 2**20


class PartialFile:
    """Lies beside ``destination`` until it is whole. A server's strong ETag lets a cut download go on where it ended.

    digest: the SHA-256 that it must have, where that is known. Then what has arrived is found again by who comes later,
        and others who want the same meanwhile wait; without, it is gone when the ``with`` ends.
    size: in bytes, where that is known.
    advance: is told of the bytes as they come, those that were there before too.
    """

    def __init__(
        self, destination: Path, *, digest: str | None = None, size: int | None = None, advance: Advance = ignore
    ) -> None:
        if destination.is_dir():
            raise InvalidParameter(f"{destination} is a folder. Name the file in it that the download is to become.")
        self.size = 0
        self._destination = destination
        self._digest = digest
        self._whole_size = size
        self._advance = advance
        self._path = destination.with_name(f".trackback-{digest or os.urandom(16).hex()}.part")
        self._hash = hashlib.sha256()
        self._etag = f'"{digest}"' if digest else ""
        self._promised = digest
        with self._room():
            destination.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._opened()
        if digest:
            self._take_up()

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here already, as far as its size tells."""
        return self.size == self._whole_size

    def headers(self) -> dict[str, str]:
        """What a request for the rest says; nothing, if it has to be for the whole."""
        if not self.size or not self._etag.startswith('"'):
            return {}
        return {"range": f"bytes={self.size}-", "if-range": self._etag}

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Make ready for the body of an answer: the rest (206), or else the whole."""
        if status != 206:
            self._empty()
            self._etag = headers.get("etag", "")
            self._promised = self._digest or named_digest(headers)
        elif not headers.get("content-range", "").startswith(f"bytes {self.size}-"):
            raise TrackbackError(
                f"The server was asked for the bytes of {self._destination.name} from {self.size} on, "
                f"and sent others: {headers.get('content-range')!r}. Download it again."
            )

    def write(self, piece: bytes | memoryview) -> None:
        left = memoryview(piece)
        with self._room():
            while left:
                left = left[self._file.write(left) :]
        self._count(piece)

    def finish(self) -> str:
        """Move the file to its place; the SHA-256 of its content, in hex digits. DataLoss: it should be another."""
        digest = self._hash.hexdigest()
        if self._promised not in (None, digest):
            self._empty()
            raise DataLoss(
                f"{self._destination.name} arrived with the SHA-256 {digest}, and should have {self._promised}. "
                "It was not kept. Download it again; if that fails too, the server's copy is damaged."
            )
        self._path.replace(self._destination)
        self._file.close()
        return digest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file.closed:
            return
        if self._digest is None or not self.size or isinstance(error, StorageFull):
            self._path.unlink(missing_ok=True)
        self._file.close()

    def _opened(self) -> BinaryIO:
        if self._digest is None:
            return self._path.open("xb", buffering=0)
        while True:
            file = open(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b", buffering=0)  # noqa: SIM115, PTH123
            hold(file)
            try:
                if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    return file
            except FileNotFoundError:
                pass
            file.close()  # whoever had it has moved it to its place

    def _take_up(self) -> None:
        """Go on with what came before."""
        while piece := self._file.read(READ_BYTES):
            self._count(piece)
        if self._whole_size is not None and self.size > self._whole_size:
            self._empty()

    def _count(self, piece: bytes | memoryview) -> None:
        self._hash.update(piece)
        self.size += len(piece)
        self._advance(len(piece))

    def _empty(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._advance(-self.size)
        self.size = 0
        self._hash = hashlib.sha256()

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StorageFull(
                f"No room in {self._destination.parent} for {self._destination.name}, after {self.size} bytes: "
                f"{error.strerror}. Nothing was kept. Make room, or choose another place."
            ) from error
