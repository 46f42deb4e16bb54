"""The segments of a spool: files of fixed size, mapped into memory, that records are written into.

What is written is in the system's page cache as soon as the call returns, so that it outlives the process (not the
power). The room is reserved beforehand: a disk that is full is noticed when a segment begins, not while it is written.
"""

import errno
import mmap
import os
from pathlib import Path
from typing import Self

SEGMENT_BYTES = 2**20

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


class Segment:
    """``map`` is None once it is closed. One without a path is in memory only: its disk had no room."""

    def __init__(self, number: int, path: Path | None, content: mmap.mmap, end: int) -> None:
        self.number = number
        self.path = path
        self.map: mmap.mmap | None = content
        self.end = end

    @classmethod
    def create(cls, folder: Path, number: int, size: int) -> Self:
        """An empty segment; in memory where the disk has no room for it. OSError if it can't be made for another
        reason.
        """
        path = folder / f"{number:08d}.seg"
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(file, 0, size)
                return cls(number, path, mmap.mmap(file, size), 0)
            finally:
                os.close(file)
        except OSError as error:
            path.unlink(missing_ok=True)
            if error.errno not in _NO_ROOM:
                raise
            return cls(number, None, mmap.mmap(-1, size), 0)

    @classmethod
    def open(cls, path: Path) -> Self:
        """A segment that is there, to be read; its end is that of the file, which may have got no room yet."""
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            size = os.fstat(file).st_size
            return cls(int(path.stem), path, mmap.mmap(file, size) if size else mmap.mmap(-1, 1), size)
        finally:
            os.close(file)

    def content(self) -> mmap.mmap:
        """What is in it; ValueError when it is closed."""
        if self.map is None:
            raise ValueError(f"segment {self.number} is closed")
        return self.map

    def close(self) -> None:
        """Give the memory back, where a file has the content."""
        if self.path is not None and self.map is not None:
            self.map.close()
            self.map = None

    def delete(self) -> None:
        if self.map is not None:
            self.map.close()
            self.map = None
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def segments_in(folder: Path) -> list[Path]:
    """The files of a folder's segments, in order."""
    return sorted(folder.glob("*.seg"))
