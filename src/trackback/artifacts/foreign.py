"""Artifacts that clients keep in a place of their own, not through this server: trees of files to look at and to read.

Nothing of them is in the database; what is there is what the place says.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import NamedTuple

from trackback.entities import FileInfo


class ForeignFile(NamedTuple):
    size: int
    modified_time: int


class ForeignTree(ABC):
    """The files below a URI. Paths are relative to it, and were checked; Unavailable if the place does not answer."""

    @abstractmethod
    async def list_directory(self, directory: str) -> list[FileInfo]:
        """What lies in ``directory`` itself, by path; nothing if it is a file, or not there."""

    @abstractmethod
    async def find(self, path: str) -> ForeignFile | None:
        """The file at ``path``, if there is one."""

    @abstractmethod
    async def read(self, path: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Its bytes from ``start`` to before ``stop``, in pieces; fewer if it was cut meanwhile."""
