"""Files and folders, on this machine or in an object store, by one text: a path, or a URL as s3://bucket/key."""

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.scoring.files.targets import LocalTarget, Target

OBJECT_SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss")


@dataclass(frozen=True)
class Found:
    """A file: its path below the place that was looked at (empty for that itself), bytes, and what changes with it."""

    place: "Place"
    path: str
    size: int
    version: str


class Place(ABC):
    """``text``: names it from any working directory."""

    text: str

    @abstractmethod
    def below(self, name: str) -> "Place":
        """The file or folder of that name in it."""

    @abstractmethod
    def beside(self, name: str) -> "Place":
        """The file or folder of that name in the same folder."""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.text.rstrip("/").rpartition("/")[2]

    @abstractmethod
    def found(self) -> Iterator[Found]:
        """The file that it is, or else all below it, in the order of their paths; none if there is nothing."""

    @abstractmethod
    def open(self) -> BinaryIO:
        """A file to read, at any position. FileNotFoundError: there is none. OSError: it can't be read."""

    @abstractmethod
    def target(self) -> Target:
        """The file to be written there; folders above it are made."""

    @abstractmethod
    def remove(self) -> None:
        """The file, or the folder and all in it; nothing if there is none."""

    @abstractmethod
    def become(self, other: "Place") -> None:
        """Have all of this folder at another place, of the same kind, that is not there yet, or an empty folder."""

    def read(self) -> bytes:
        """All of a file. Errors as of ``open``."""
        with self.open() as file:
            return file.read()

    def write(self, content: bytes) -> None:
        """A small file, as a whole or not at all."""
        target = self.target()
        try:
            target.open().write(content)
            target.commit()
        finally:
            target.discard()


class LocalPlace(Place):
    def __init__(self, path: Path) -> None:
        self.path = Path.cwd() / path  # not resolved: a link is what it leads to whenever it is opened
        self.text = str(self.path)

    def below(self, name: str) -> "LocalPlace":
        return LocalPlace(self.path / name)

    def beside(self, name: str) -> "LocalPlace":
        return LocalPlace(self.path.with_name(name))

    def found(self) -> Iterator[Found]:
        if self.path.is_file():
            yield self._found(self.path, "")
            return
        for above, folders, names in os.walk(self.path, followlinks=True):
            folders.sort()
            for name in sorted(names):
                path = Path(above, name)
                yield self._found(path, path.relative_to(self.path).as_posix())

    @staticmethod
    def _found(path: Path, below: str) -> Found:
        stat = path.stat()
        return Found(LocalPlace(path), below, stat.st_size, str(stat.st_mtime_ns))

    def open(self) -> BinaryIO:
        return self.path.open("rb")

    def target(self) -> LocalTarget:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return LocalTarget(self.path)

    def remove(self) -> None:
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)

    def become(self, other: Place) -> None:
        assert isinstance(other, LocalPlace)
        self.path.replace(other.path)


def place_at(text: str) -> Place:
    """InvalidParameter: nothing here knows the scheme of the URL."""
    scheme, mark, _ = text.partition("://")
    if not mark:
        return LocalPlace(Path(text))
    if scheme == "file":
        return LocalPlace(Path(text.removeprefix("file://")))
    if scheme in OBJECT_SCHEMES:
        from trackback.delivery.batch.objects import ObjectPlace  # noqa: PLC0415 - only who has objects needs obstore

        return ObjectPlace(text)
    raise InvalidParameter(
        f"{shown(text)} is at no place that can be read from or written to: give a path, or a URL that begins with "
        f"{', '.join(f'{each}://' for each in ('s3', 'gs', 'az', 'abfss'))}."
    )


def is_hidden(path: str) -> bool:
    """Whether a file is none of the data's, as Spark and Arrow have it: a name in its path begins with . or _."""
    return any(name.startswith((".", "_")) for name in path.split("/"))


def lies_in(inner: Place, outer: Place) -> bool:
    one, other = (os.path.normpath(place.text) for place in (inner, outer))
    return one == other or one.startswith(other.rstrip("/") + "/")
