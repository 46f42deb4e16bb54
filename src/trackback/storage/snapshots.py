"""Snapshots: trees of files that are kept for good, each known by the digest of its listing.

A snapshot's files are a manifest like any other, whose root is ``versions/<digest>``, so they are listed and read as
all artifacts are. Equal trees have one.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trackback.entities import Blob, Snapshot, listing_digest
from trackback.storage import manifests
from trackback.storage.interface import Transaction

_FILES = (
    "SELECT m.root, e.path, b.digest, b.size, b.id FROM manifests m JOIN manifest_entries e ON e.manifest = m.id"
    " JOIN blobs b ON b.id = e.blob WHERE"
)


class SnapshotFile(NamedTuple):
    """A file of a tree: its path there, the SHA-256 of its bytes in hex, their number, and the row of blobs."""

    path: str
    digest: str
    size: int
    blob: int


def digest_of(files: Iterable[SnapshotFile]) -> str:
    return listing_digest((file.path, file.digest) for file in files)


def files_below(tx: Transaction, root: str, directory: str) -> list[SnapshotFile]:
    """All files of a directory of a manifest (``""``: of all of it), by their paths within the directory."""
    first, end = manifests.bounds(directory)
    rows = tx.rows(f"{_FILES} m.root = ? AND e.path > ? AND e.path < ?", root, first, end)
    if not root:
        rows += tx.rows(f"{_FILES} m.root > ? AND m.root < ?", first, end)
    skipped = len(directory) + 1 if directory else 0
    return [
        SnapshotFile((f"{above}/{path}" if above and not root else path)[skipped:], *columns)
        for above, path, *columns in rows
    ]


def keep_blobs(tx: Transaction, files: Iterable[tuple[str, Blob]]) -> list[SnapshotFile]:
    """Files that were just uploaded; of bytes that were there already, the row is that which was."""
    return [SnapshotFile(path, blob.digest, blob.size, manifests.keep_blob(tx, blob).id) for path, blob in files]


def find(tx: Transaction, digest: str) -> Snapshot | None:
    row = tx.row("SELECT digest, files, bytes FROM snapshots WHERE digest = ?", digest)
    return Snapshot(*row) if row else None


def keep(tx: Transaction, root: str, digest: str, files: Sequence[SnapshotFile], now_ms: int) -> Snapshot:
    """The snapshot of ``files``, whose digest is ``digest``, under ``root``; the one that is there, if it is."""
    manifest = manifests.hold(tx, root)
    if found := find(tx, digest):
        return found
    tx.insert_columns(
        "INSERT INTO manifest_entries (manifest, path, blob, modified_ms) {columns bigint, text, bigint, bigint}",
        [manifest] * len(files),
        [file.path for file in files],
        [file.blob for file in files],
        [now_ms] * len(files),
    )
    tx.run("UPDATE blobs SET condemned_ms = NULL WHERE id {ints} AND condemned_ms IS NOT NULL", [f.blob for f in files])
    snapshot = Snapshot(digest, len(files), sum(file.size for file in files))
    tx.run(
        "INSERT INTO snapshots (digest, manifest, files, bytes, created_ms) VALUES (?, ?, ?, ?, ?)",
        digest,
        manifest,
        snapshot.files,
        snapshot.bytes,
        now_ms,
    )
    return snapshot
