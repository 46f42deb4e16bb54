"""Blobs on local disk.

    <folder>/tmp/<random>                                an upload under way
    <folder>/blobs/<2 hex>/<62 hex>.<random>             its bytes, once they are all there: named by their SHA-256

An upload is hashed while it is written, then fsynced and moved into place, and the directory is fsynced too.
"""

import asyncio
import errno
import hashlib
import os
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from trackback.artifacts import faults
from trackback.artifacts.interface import BlobStore
from trackback.artifacts.streams import in_pieces, read_ahead
from trackback.entities import Blob
from trackback.errors import ConfigurationError, TrackbackError, Unavailable

T = TypeVar("T")

THREADS = 8
ABANDONED_AFTER_S = 24 * 3600
WRITE_BACK_SIZE = 8 << 20


class LocalBlobs(BlobStore):
    """A folder, made if it is not there. Several servers may share one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._uploads = self._folder / "tmp"
        try:
            self._uploads.mkdir(parents=True, exist_ok=True)
            _make_shelves(self._folder / "blobs")
            _sweep(self._uploads)
        except OSError as error:
            raise ConfigurationError(f"Can't keep artifacts in {folder}: {error.strerror}.") from error
        self._threads = ThreadPoolExecutor(THREADS, "blobs")

    async def put(self, chunks: AsyncIterator[bytes]) -> Blob:
        upload = await self._in_thread(_Upload, self._uploads / secrets.token_hex(16))
        try:
            await self._receive(upload, in_pieces(chunks))
            return await self._in_thread(upload.move_into, self._folder)
        except BaseException:
            await self._in_thread(upload.drop)
            raise

    async def _receive(self, upload: "_Upload", pieces: AsyncIterator[bytes]) -> None:
        """Add each piece on a thread while the next one arrives."""
        adding: asyncio.Future[None] | None = None
        try:
            async for piece in pieces:
                if adding is not None:
                    await adding
                adding = asyncio.ensure_future(self._in_thread(upload.add, piece))
        finally:
            if adding is not None:
                await adding

    async def read(self, blob: Blob, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        async def fetch(begin: int, end: int) -> bytes:
            return await self._in_thread(_read, self._folder / blob.location, blob, begin, end)

        return await read_ahead(fetch, start, blob.size if stop is None else stop)

    async def holds(self, blob: Blob) -> bool:
        return await self._in_thread(_size, self._folder / blob.location) == blob.size

    async def delete(self, location: str) -> None:
        await self._in_thread((self._folder / location).unlink, True)

    async def ping(self) -> None:
        if not await self._in_thread(os.access, self._uploads, os.W_OK | os.X_OK):
            raise Unavailable("The folder of the artifacts is gone, or the server may not write to it.")

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        except OSError as error:
            raise _translated(error) from error


class _Upload:
    """A file that is being written, and its digest so far. Once dropped, nothing is written any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._digest = hashlib.sha256()
        self._size = 0
        self._written_back = 0
        self._lock = Lock()

    def add(self, piece: bytes) -> None:
        with self._lock:
            if self._descriptor < 0:
                return
            self._digest.update(piece)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._size += len(piece)
            if self._size - self._written_back >= WRITE_BACK_SIZE:
                self._start_writing_back()

    def _start_writing_back(self) -> None:
        """Have the kernel begin to write to disk now, so that the fsync at the end finds little left to do."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor, self._written_back, 0, os.POSIX_FADV_DONTNEED)
        self._written_back = self._size

    def move_into(self, folder: Path) -> Blob:
        with self._lock:
            os.fsync(self._descriptor)
            self._close()
            digest = self._digest.hexdigest()
            location = f"blobs/{digest[:2]}/{digest[2:]}.{secrets.token_hex(8)}"
            target = folder / location
            self._path.rename(target)
            _sync_directory(target.parent)
            return Blob(digest, self._size, location)

    def drop(self) -> None:
        with self._lock:
            self._close()
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _read(path: Path, blob: Blob, start: int, stop: int) -> bytes:
    try:
        with path.open("rb", buffering=0) as file:
            piece = os.pread(file.fileno(), stop - start, start)
    except FileNotFoundError:
        raise faults.lost(blob) from None
    if len(piece) < stop - start:
        raise faults.lost(blob)
    return piece


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_shelves(blobs: Path) -> None:
    """The folders of all digests to come: one made later would cost the first upload to it another fsync."""
    blobs.mkdir(exist_ok=True)
    for number in range(256):
        (blobs / f"{number:02x}").mkdir(exist_ok=True)
    _sync_directory(blobs)


def _sweep(uploads: Path) -> None:
    """Remove what uploads left behind when a server was killed; another server's, under way, are younger."""
    oldest = time.time() - ABANDONED_AFTER_S
    for file in uploads.iterdir():
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < oldest:
                file.unlink()


def _translated(error: OSError) -> TrackbackError:
    no_room = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return faults.full(error) if no_room else faults.unreachable(error)
