"""Files named by their SHA-256, as OCI layouts have them: written whole or not at all, whoever is killed."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from trackback.delivery.written import unwritable
from trackback.errors import DataLoss

READ_BYTES = 2**20


class NewBlob:
    """A file that is being written. ``digest``, as ``sha256:…``, and ``size`` are of what it has so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


class Blobs:
    """A folder with ``blobs/sha256/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def has(self, digest: str, size: int) -> bool:
        """Whether the file is there. Its name comes last, so one of the right size is whole."""
        try:
            return self.path(digest).stat().st_size == size
        except OSError:
            return False

    def read(self, digest: str) -> bytes:
        """DataLoss: it is not there, or its content is not what its name says."""
        try:
            content = self.path(digest).read_bytes()
        except OSError as error:
            raise DataLoss(f"{self.path(digest)} can't be read: {error.strerror}.") from error
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise DataLoss(f"{self.path(digest)} is damaged: its content has another digest. Remove it, and try again.")
        return content

    @contextmanager
    def create(self, expected: str | None = None) -> Iterator[NewBlob]:
        """A new file, named at the end of the ``with`` by the digest of what was written to it.

        expected: the digest that it is to have. DataLoss: it has another one. StorageFull: there is no room. Nothing is
        left of it then, or if anything else fails.
        """
        target = self.folder / "blobs" / "sha256"
        try:
            target.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=".new-", dir=target)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    blob = NewBlob(file)
                    yield blob
                    file.flush()
                    os.fsync(file.fileno())
                if expected not in (None, blob.digest):
                    raise DataLoss(f"What came as {expected} has the digest {blob.digest}: it was damaged on its way.")
                Path(name).chmod(0o644)
                Path(name).replace(self.path(blob.digest))
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            raise unwritable(target, error) from error

    def put(self, content: bytes) -> str:
        """Keep these bytes; their digest."""
        with self.create() as blob:
            blob.write(content)
        return blob.digest

    def take(self, other: "Blobs", digest: str, size: int) -> None:
        """Have a file of another folder here, too: the same one where the disk allows it, else a copy."""
        if self.has(digest, size) or other.folder == self.folder:
            return
        target = self.path(digest)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                target.hardlink_to(other.path(digest))
                return
        except OSError:
            pass  # another disk, or one without such links
        with other.path(digest).open("rb") as source, self.create(digest) as blob:
            shutil.copyfileobj(source, blob, READ_BYTES)
