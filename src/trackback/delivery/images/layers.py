"""Layers whose bytes follow from what is in them: entries in order, no owners, no times, no trace of who wrote them."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from trackback.delivery.images.blobs import READ_BYTES, Blobs, NewBlob

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_LEVEL = 6


@dataclass(frozen=True)
class Layer:
    """``diff_id`` is the digest of the layer unpacked, ``unpacked`` how many bytes its files have."""

    digest: str
    size: int
    diff_id: str
    unpacked: int
    media_type: str = LAYER_TYPE


@dataclass(frozen=True)
class Entry:
    """A file or a link below ``/``: ``path`` has no slash in front; ``content`` are its bytes, or a file with them."""

    path: str
    content: bytes | Path = b""
    executable: bool = False
    link: str | None = None


def files_below(folder: Path, prefix: str) -> Iterator[Entry]:
    """The files of a folder, as entries below ``prefix``."""
    for above, folders, names in os.walk(folder):
        linked = [name for name in folders if Path(above, name).is_symlink()]
        for name in (*names, *linked):
            file = Path(above, name)
            path = f"{prefix}/{file.relative_to(folder).as_posix()}"
            if file.is_symlink():
                yield Entry(path, link=str(file.readlink()))
            else:
                yield Entry(path, file, bool(file.stat().st_mode & 0o100))


def write_layer(blobs: Blobs, entries: Iterable[Entry]) -> Layer:
    """A layer with these entries and the folders above them, all of root's and of 1970.

    StorageFull: there is no room.
    """
    by_path = {entry.path: entry for entry in entries}
    folders = {str(above) for path in by_path for above in PurePosixPath(path).parents if str(above) != "."}

    def write(target: IO[bytes]) -> int:
        unpacked = 0
        with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(folders | by_path.keys()):
                unpacked += _add(tar, path, by_path.get(path))
        return unpacked

    return _compressed(blobs, write)


def _add(tar: tarfile.TarFile, path: str, entry: Entry | None) -> int:
    info = tarfile.TarInfo(path)
    info.mtime = 0
    if entry is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    elif entry.link is not None:
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, entry.link
        tar.addfile(info)
    else:
        info.mode = 0o755 if entry.executable else 0o644
        if isinstance(entry.content, bytes):
            info.size = len(entry.content)
            tar.addfile(info, io.BytesIO(entry.content))
        else:
            with entry.content.open("rb") as file:
                info.size = os.fstat(file.fileno()).st_size
                tar.addfile(info, file)
    return info.size


def layer_of_tar(blobs: Blobs, tar: IO[bytes]) -> Layer:
    """A tar, as it is: its own order, owners and times."""

    def write(target: IO[bytes]) -> int:
        unpacked = 0
        while data := tar.read(READ_BYTES):
            unpacked += len(data)
            target.write(data)
        return unpacked

    return _compressed(blobs, write)


def layer_of_root(blobs: Blobs, root: Path) -> Layer:
    """The file system in a folder: its own owners and modes, but none of its times and devices."""

    def keep(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if info.ischr() or info.isblk() or info.isfifo():
            return None
        kept = _numbered(info)
        kept.mtime = 0
        return kept

    def write(target: IO[bytes]) -> int:
        unpacked = 0
        with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for file in sorted(root.rglob("*"), key=lambda each: each.relative_to(root).as_posix()):
                tar.add(file, file.relative_to(root).as_posix(), recursive=False, filter=keep)
                unpacked += 0 if file.is_symlink() or not file.is_file() else file.stat().st_size
        return unpacked

    return _compressed(blobs, write)


def _numbered(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Owners by number: what they are called is a matter of the machine that writes."""
    info.uname = info.gname = ""
    return info


def _compressed(blobs: Blobs, write: Callable[[IO[bytes]], int]) -> Layer:
    with blobs.create() as blob, _gzip(blob) as zipped:
        hashed = _Hashed(zipped)
        unpacked = write(cast(IO[bytes], hashed))
    return Layer(blob.digest, blob.size, f"sha256:{hashed.sha256.hexdigest()}", unpacked)


def _gzip(blob: NewBlob) -> gzip.GzipFile:
    return gzip.GzipFile("", "wb", _LEVEL, cast(IO[bytes], blob), 0)  # that have more methods than these call


class _Hashed:
    def __init__(self, target: gzip.GzipFile) -> None:
        self._target = target
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._target.write(data)
