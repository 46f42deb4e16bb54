"""A file on its way from a server: complete, and with the right digest, before it is at its place."""

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from trackback.client.digests import named_digest
from trackback.errors import DataLoss, InvalidParameter, StorageFull, TrackbackError


class PartialFile:
    """Lies beside ``destination`` until it is whole; gone when the ``with`` ends, if it never was.

    A server's strong ETag lets a cut download go on where it ended. trackback's is the SHA-256 of the content.
    """

    def __init__(self, destination: Path) -> None:
        if destination.is_dir():
            raise InvalidParameter(f"{destination} is a folder. Name the file in it that the download is to become.")
        self.size = 0
        self._destination = destination
        self._path = destination.with_name(f".trackback-{os.urandom(16).hex()}.part")
        self._hash = hashlib.sha256()
        self._etag = ""
        self._promised: str | None = None
        with self._room():
            destination.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb", buffering=0)

    def headers(self) -> dict[str, str]:
        """What a request for the rest says; nothing, if it has to be for the whole."""
        if not self.size or not self._etag.startswith('"'):
            return {}
        return {"range": f"bytes={self.size}-", "if-range": self._etag}

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Make ready for the body of an answer: the rest (206), or else the whole."""
        if status != 206:
            self._file.seek(0)
            self._file.truncate()
            self.size = 0
            self._hash = hashlib.sha256()
            self._etag = headers.get("etag", "")
            self._promised = named_digest(headers)
        elif not headers.get("content-range", "").startswith(f"bytes {self.size}-"):
            raise TrackbackError(
                f"The server was asked for the bytes of {self._destination.name} from {self.size} on, "
                f"and sent others: {headers.get('content-range')!r}. Download it again."
            )

    def write(self, piece: bytes) -> None:
        left = memoryview(piece)
        with self._room():
            while left:
                left = left[self._file.write(left) :]
        self._hash.update(piece)
        self.size += len(piece)

    def finish(self) -> str:
        """Move the file to its place; the SHA-256 of its content, in hex digits. DataLoss: the server's is another."""
        digest = self._hash.hexdigest()
        if self._promised not in (None, digest):
            raise DataLoss(
                f"{self._destination.name} arrived with the SHA-256 {digest}, and should have {self._promised}. "
                "It was not kept. Download it again; if that fails too, the server's copy is damaged."
            )
        self._file.close()
        self._path.replace(self._destination)
        return digest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

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
