"""A tree of files in a folder that clients write to themselves, on a disk that they share with the server."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

from trackback.artifacts import faults
from trackback.artifacts.foreign import ForeignFile, ForeignTree
from trackback.artifacts.streams import read_ahead
from trackback.entities import FileInfo


class ForeignFolder(ForeignTree):
    """Links that lead out of the folder lead nowhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def list_directory(self, directory: str) -> list[FileInfo]:
        return await asyncio.to_thread(self._list, directory)

    async def find(self, path: str) -> ForeignFile | None:
        return await asyncio.to_thread(self._find, path)

    async def read(self, path: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        async def fetch(begin: int, end: int) -> bytes:
            return await asyncio.to_thread(self._read, path, begin, end)

        return await read_ahead(fetch, start, stop)

    def _list(self, directory: str) -> list[FileInfo]:
        folder = self._inside(directory)
        if folder is None or not folder.is_dir():
            return []
        prefix = f"{directory}/" if directory else ""
        found = []
        try:
            for child in folder.iterdir():
                if target := self._inside(prefix + child.name):
                    status = target.stat()
                    is_dir = stat.S_ISDIR(status.st_mode)
                    found.append(FileInfo(prefix + child.name, is_dir, None if is_dir else status.st_size))
        except OSError as error:
            raise faults.unreachable(error) from error
        return sorted(found, key=lambda info: info.path)

    def _find(self, path: str) -> ForeignFile | None:
        file = self._inside(path)
        if file is None or not file.is_file():
            return None
        status = file.stat()
        return ForeignFile(status.st_size, status.st_mtime_ns // 1_000_000)

    def _read(self, path: str, start: int, stop: int) -> bytes:
        file = self._inside(path)
        if file is None:
            return b""
        try:
            with file.open("rb", buffering=0) as opened:
                return os.pread(opened.fileno(), stop - start, start)
        except OSError as error:
            raise faults.unreachable(error) from error

    def _inside(self, path: str) -> Path | None:
        """Where ``path`` leads, links followed; None if that is nowhere, or outside."""
        try:
            target = (self._folder / path).resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        return target if target.is_relative_to(self._folder) else None
