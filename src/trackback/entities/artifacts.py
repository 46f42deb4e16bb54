"""Files, and the bytes they are."""

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
