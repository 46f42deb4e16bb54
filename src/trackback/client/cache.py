"""Files that were fetched, by digest, so that nothing is fetched twice.

    <folder>/blobs/<2 hex>/<62 hex>     a file, named by its SHA-256; read-only
    <folder>/trees/<64 hex>/…           a tree, named by the digest of its listing: links to blobs
    <folder>/images/                    layers of images that were made here, and layouts of them
    <folder>/ami/                       Debian for machines, and disks that are being uploaded

Nothing is believed: a file is hashed before it is handed out, and one that is damaged is fetched again. Processes share
a folder: whoever fetches a file holds it, others wait for it, and a link is made in one step.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from trackback.client.downloads import PartialFile
from trackback.client.file_locks import is_held
from trackback.client.progress import Advance, ignore
from trackback.client.trees import RemoteFile
from trackback.errors import InvalidParameter

READ_BYTES = 2**20
_OF_DELIVERY = ("images", "ami")

Fetch = Callable[[PartialFile], str]
"""Fetches what is lacking of a file; its SHA-256."""


class CachedTree(NamedTuple):
    digest: str
    path: Path
    files: int
    bytes: int


class Cache:
    """``folder``: that of ``TRACKBACK_CACHE_DIR``, if None; or else ``trackback`` in the user's cache directory."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or default_folder()).absolute()

    def tree(self, digest: str) -> Path:
        return self.folder / "trees" / digest

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / digest[:2] / digest[2:]

    def put(self, file: RemoteFile, target: Path, fetch: Fetch, advance: Advance = ignore) -> None:
        """Have ``target``, in a tree, be a file whose digest is known: the one there, a blob, or one that is fetched.

        Errors: those of ``fetch``.
        """
        assert file.digest
        if has_digest(target, file.digest):
            advance(file.size or 0)
            return
        blob = self.blob(file.digest)
        if blob.exists() and not _same(blob, target) and has_digest(blob, file.digest):
            advance(file.size or 0)
        else:
            _discard(blob)
            self._fetch(file, blob, fetch, advance)
        self._link(blob, target)

    def _fetch(self, file: RemoteFile, blob: Path, fetch: Fetch, advance: Advance) -> None:
        with PartialFile(blob, digest=file.digest, size=file.size, advance=advance) as partial:
            if blob.exists():  # another process has fetched it while this one waited
                advance(file.size or 0)
                return
            fetch(partial)
        blob.chmod(0o444)

    def adopt(self, fetched: Path, digest: str) -> None:
        """Take in a file of this digest, which was fetched before its digest was known."""
        blob = self.blob(digest)
        blob.parent.mkdir(parents=True, exist_ok=True)
        fetched.chmod(0o444)
        fetched.replace(blob)

    def link(self, digest: str, target: Path) -> None:
        """Have ``target``, in a tree, be a blob that was taken in just now."""
        self._link(self.blob(digest), target)

    def settle(self, tree: Path, paths: Iterable[str]) -> None:
        """Note that a tree, of these paths, is used now; what else lies in it does not belong there, and goes."""
        known = {tree / path for path in paths}
        for found in _files(tree):
            if found not in known:
                _discard(found)
        os.utime(tree)

    def aside(self) -> Path:
        """A path for a file whose place is not known yet."""
        folder = self.folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / os.urandom(16).hex()

    def trees(self) -> list[CachedTree]:
        """What is there, the last used first."""
        try:
            found = [each for each in (self.folder / "trees").iterdir() if each.is_dir()]
        except FileNotFoundError:
            return []
        found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        return [_cached(each) for each in found]

    def clear(self, digest: str | None = None) -> int:
        """Remove one tree, or all with what images and machines were made of; the number of bytes that became free.

        InvalidParameter: there is no such tree. Who uses what is removed has to fetch it again.
        """
        if digest is not None and not self.tree(digest).is_dir():
            raise InvalidParameter(f"There is no {digest} in {self.folder}. `trackback cache list` says what there is.")
        before = self._bytes()
        for folder in (self.tree(digest),) if digest else (self.folder / name for name in ("trees", *_OF_DELIVERY)):
            shutil.rmtree(folder, ignore_errors=True)
        for blob in _files(self.folder / "blobs"):
            with suppress(FileNotFoundError):
                if blob.stat().st_nlink == 1 and not is_held(blob):
                    blob.unlink()
        return before - self._bytes()

    def _link(self, blob: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.aside()
        try:
            try:
                os.link(blob, fresh)
            except OSError:  # no links there, or too many
                shutil.copyfile(blob, fresh)
                fresh.chmod(0o444)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)  # where both are links to one file, the move leaves both

    def _bytes(self) -> int:
        found = (path.stat() for name in ("blobs", *_OF_DELIVERY) for path in _files(self.folder / name))
        return sum({each.st_ino: each.st_size for each in found}.values())


def default_folder() -> Path:
    if named := os.environ.get("TRACKBACK_CACHE_DIR"):
        return Path(named).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "trackback"


def sha256_of(path: Path, advance: Advance = ignore) -> str:
    """The SHA-256 of a file, in hex digits."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(READ_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            advance(count)
    return digest.hexdigest()


def has_digest(path: Path, digest: str) -> bool:
    """Whether there is a file with this SHA-256."""
    try:
        return sha256_of(path) == digest
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False


def _same(blob: Path, target: Path) -> bool:
    """Whether they are links to one file."""
    try:
        return blob.samefile(target)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    for above, _, names in os.walk(folder):
        yield from (Path(above, name) for name in names)


def _cached(tree: Path) -> CachedTree:
    sizes = [path.stat().st_size for path in _files(tree)]
    return CachedTree(tree.name, tree, len(sizes), sum(sizes))
