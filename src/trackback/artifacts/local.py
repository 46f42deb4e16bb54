"""Blobs on local disk.

    <folder>/tmp/<random>                                an upload under way
    <folder>/blobs/<2 hex>/<62 hex>.<random>             its bytes, once they are all there: named by their SHA-256
    <folder>/blobs/<random>                              likewise, if it was copied here from an object store

An upload is hashed while it is written, then fsynced and moved into place, and the directory is fsynced too.
"""

import asyncio
import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from trackback.artifacts import faults
from trackback.artifacts.interface import LOCATION, BlobStore, Stored
from trackback.artifacts.streams import in_pieces, read_ahead
from trackback.entities import Blob
from trackback.errors import ConfigurationError, TrackbackError, Unavailable

T = TypeVar("T")

THREADS = 8
ABANDONED_AFTER_S = 24 * 3600
WRITE_BACK_SIZE = 8 << 20

_UPLOAD = re.compile("tmp/[0-9a-f]{32}")
_LAST = "0"  # follows the slash: sorts after all that lies in a folder


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
        return await self._upload(chunks, lambda upload: upload.move_into(self._folder))

    async def keep(self, blob: Blob, chunks: AsyncIterator[bytes]) -> None:
        await self._upload(chunks, lambda upload: upload.move_to(self._folder, blob))

    async def _upload(self, chunks: AsyncIterator[bytes], finish: Callable[["_Upload"], T]) -> T:
        upload = await self._in_thread(_Upload, self._uploads / secrets.token_hex(16))
        try:
            await self._receive(upload, in_pieces(chunks))
            return await self._in_thread(finish, upload)
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

    async def list_after(self, location: str, limit: int) -> list[Stored]:
        return await self._in_thread(_list_after, self._folder, location, limit)

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
        """Put the file where its digest says."""
        with self._lock:
            digest = self._digest.hexdigest()
            location = f"blobs/{digest[:2]}/{digest[2:]}.{secrets.token_hex(8)}"
            self._move(folder / location)
            return Blob(digest, self._size, location)

    def move_to(self, folder: Path, blob: Blob) -> None:
        """Put the file where ``blob`` lies; DataLoss if it is not that."""
        with self._lock:
            if (digest := self._digest.hexdigest()) != blob.digest:
                raise faults.changed(blob, digest)
            self._move(folder / blob.location)

    def _move(self, target: Path) -> None:
        os.fsync(self._descriptor)
        self._close()
        self._path.rename(target)
        _sync_directory(target.parent)

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


def _list_after(folder: Path, location: str, limit: int) -> list[Stored]:
    found: list[Stored] = []
    for place in _places(folder):
        if place.rstrip("/") + _LAST <= location or len(found) == limit:
            continue
        for name in sorted(_names(folder, place)):
            if name > location and len(found) < limit and (stored := _stored(folder, name)):
                found.append(stored)
    return found


def _places(folder: Path) -> list[str]:
    """The folders that locations may lie in, with a slash at the end, and those that lie in none, in their order."""
    shelves = [f"blobs/{each.name}{'/' * each.is_dir()}" for each in os.scandir(folder / "blobs")]
    return [*sorted(shelves), "tmp/"]


def _names(folder: Path, place: str) -> list[str]:
    names = [place + each.name for each in os.scandir(folder / place)] if place.endswith("/") else [place]
    return [name for name in names if LOCATION.fullmatch(name) or _UPLOAD.fullmatch(name)]


def _stored(folder: Path, location: str) -> Stored | None:
    try:
        found = (folder / location).stat()
    except FileNotFoundError:
        return None
    return Stored(location, found.st_size, found.st_mtime_ns // 1_000_000)


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
