"""Files, and the bytes they are."""

import hashlib
from collections.abc import Iterable

from trackback.entities.base import Entity


class Blob(Entity, frozen=True):
    """Bytes kept once. ``digest`` is the SHA-256 in 64 hex digits; ``location`` is the key they lie under."""

    digest: str
    size: int
    location: str


class ManifestEntry(Entity, frozen=True):
    """A file of a manifest: its path there (``/`` between names), and the blob it is."""

    path: str
    blob: Blob
    modified_time: int


class FileInfo(Entity, frozen=True):
    """An entry of a listing; ``file_size`` is in bytes and absent for directories."""

    path: str
    is_dir: bool
    file_size: int | None = None


class Snapshot(Entity, frozen=True):
    """A tree of files as it was, kept for good. ``digest`` is that of its listing: see ``storage.snapshots``."""

    digest: str
    files: int
    bytes: int


class TreeFile(Entity, frozen=True):
    """A file of a tree: its path there, the SHA-256 of its bytes in 64 hex digits, and their number."""

    path: str
    digest: str
    size: int


def listing_digest(files: Iterable[tuple[str, str]]) -> str:
    """The digest of a tree of files, each a path and a SHA-256 in hex digits.

    It is the SHA-256, in hex digits, of the listing that ``sha256sum`` prints, sorted by the bytes of the paths.
    """
    lines = sorted((path.encode(), digest.encode()) for path, digest in files)
    return hashlib.sha256(b"".join(b"%b  %b\n" % (digest, path) for path, digest in lines)).hexdigest()
