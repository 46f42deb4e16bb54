"""Where files come to be: unseen until they are whole."""

import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from trackback.errors import InvalidParameter, StorageFull


class Target(ABC):
    """``name``: the place as people know it; its ending tells the file's format."""

    name: str

    @abstractmethod
    def open(self) -> BinaryIO:
        """What is to be written into. Raises InvalidParameter if there can be no such file."""

    @abstractmethod
    def commit(self) -> None:
        """Have the file seen under its name, instead of one that was there. OSError: it can't be."""

    @abstractmethod
    def discard(self) -> None:
        """Leave nothing behind of what was not committed."""


class LocalTarget(Target):
    """A file that is written under another name, and gets its own once it is on disk."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._file: BinaryIO | None = None

    def open(self) -> BinaryIO:
        try:
            self._file = self._partial.open("wb")
        except OSError as error:
            raise InvalidParameter(f"{self._path} can't be written: {error.strerror}.") from error
        return self._file

    def commit(self) -> None:
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._path)

    def discard(self) -> None:
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        self._partial.unlink(missing_ok=True)


def full(target: Target, error: OSError) -> StorageFull:
    return StorageFull(f"{target.name} can't be written: {error}")
