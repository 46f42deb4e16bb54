"""Manifests: which file of which tree is which blob.

A tree is known by its root, a path itself (see ``artifacts.paths.split_root``). Roots never lie in one another, but
for the root ``""``, which all others lie in. Directories are not kept: they are what paths have in common. So no path
may be a file and a directory at once, over all manifests: who adds a file sees to that while it holds the manifest.

A blob's row says where its bytes lie. Two uploads of the same bytes leave one row, whose location stays the first's.
A collector may delete a condemned blob's row when no entry refers to it, and its bytes after that has been committed:
an upload that comes too late for the row brings bytes, and a location, of its own.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from trackback.entities import Blob, FileInfo, ManifestEntry, TreeFile
from trackback.storage.interface import Row, Transaction

PAGE = 1000

# Sorts after every path; paths hold no such character.
_LAST = "\U0010ffff"

# Both hold the row until the transaction ends, whether it was there before or not.
_HOLD = "INSERT INTO manifests (root) VALUES (?) ON CONFLICT (root) DO UPDATE SET root = excluded.root RETURNING id"
_KEEP_BLOB = (
    "INSERT INTO blobs (digest, size, location) VALUES (?, ?, ?)"
    " ON CONFLICT (digest) DO UPDATE SET condemned_ms = NULL RETURNING id, location"
)
_KEEP_ENTRY = (
    "INSERT INTO manifest_entries (manifest, path, blob, modified_ms) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (manifest, path) DO UPDATE SET blob = excluded.blob, modified_ms = excluded.modified_ms"
)
_ENTRIES = (
    "SELECT e.path, b.digest, b.size, b.location, e.modified_ms FROM manifests m"
    " JOIN manifest_entries e ON e.manifest = m.id JOIN blobs b ON b.id = e.blob WHERE m.root = ?"
)
_FILES_BETWEEN = (
    "SELECT e.path, b.size FROM manifests m JOIN manifest_entries e ON e.manifest = m.id JOIN blobs b ON b.id = e.blob"
    " WHERE m.root = ? AND e.path > ? AND e.path < ? ORDER BY e.path LIMIT ?"
)
_TREE_BETWEEN = (
    "SELECT e.path, b.digest, b.size FROM manifests m JOIN manifest_entries e ON e.manifest = m.id"
    " JOIN blobs b ON b.id = e.blob WHERE m.root = ? AND e.path > ? AND e.path < ? ORDER BY e.path LIMIT ?"
)
_ROOTS = "SELECT m.root, NULL FROM manifests m WHERE EXISTS (SELECT 1 FROM manifest_entries e WHERE e.manifest = m.id)"
_ROOTS_BETWEEN = f"{_ROOTS} AND m.root > ? AND m.root < ? ORDER BY m.root LIMIT ?"


class KeptBlob(NamedTuple):
    """A row of blobs: its number, and where its bytes lie."""

    id: int
    location: str


def hold(tx: Transaction, root: str) -> int:
    """The manifest's number; others that hold the manifest wait until the transaction ends.

    Its first file makes its root a directory of the manifest ``""``, so that is held too.
    """
    if root and not tx.row(f"{_ROOTS} AND m.root = ?", root):
        tx.rows(_HOLD, "")
    number: int = tx.rows(_HOLD, root)[0][0]
    return number


def put(tx: Transaction, manifest: int, path: str, blob: Blob, now_ms: int) -> Blob:
    """Make ``path`` the blob, whatever it was; the blob as it is kept, which may be one that was there before."""
    kept = keep_blob(tx, blob)
    tx.run(_KEEP_ENTRY, manifest, path, kept.id, now_ms)
    return Blob(blob.digest, blob.size, kept.location)


def keep_blob(tx: Transaction, blob: Blob) -> KeptBlob:
    """The row of a digest; it is not condemned any more, if it was."""
    return KeptBlob(*tx.rows(_KEEP_BLOB, blob.digest, blob.size, blob.location)[0])


def relocate(tx: Transaction, kept: Blob, location: str) -> bool:
    """Have the blob's bytes lie at ``location`` from now on, unless somebody moved them meanwhile; whether it does."""
    return (
        tx.run("UPDATE blobs SET location = ? WHERE digest = ? AND location = ?", location, kept.digest, kept.location)
        > 0
    )


def find(tx: Transaction, root: str, path: str) -> ManifestEntry | None:
    row = tx.row(f"{_ENTRIES} AND e.path = ?", root, path)
    return _entry(row) if row else None


def is_directory(tx: Transaction, root: str, path: str) -> bool:
    return next(_children(tx, root, path, page=1), None) is not None


def file_above(tx: Transaction, root: str, path: str) -> str | None:
    """The file that an ancestor of ``path`` is, if one is, by its whole path."""
    found = tx.row(f"{_ENTRIES} AND e.path {{texts}}", root, _ancestors(path))
    if found is None:
        return file_above(tx, "", f"{root}/") if root else None
    return f"{root}/{found[0]}" if root else str(found[0])


def list_directory(tx: Transaction, root: str, directory: str) -> list[FileInfo]:
    """What lies in ``directory`` itself, by path within the manifest; nothing if it is a file, or not there."""
    children = {child.path: child for child in _children(tx, root, directory, PAGE)}
    return [children[path] for path in sorted(children)]


def files_below(tx: Transaction, root: str, directory: str, after: str, limit: int) -> list[TreeFile]:
    """The files of ``directory`` and of all in it, by path within it; only those after the path ``after``."""
    first, end = bounds(directory)
    rows = tx.rows(_TREE_BETWEEN, root, f"{first}{after}", end, limit)
    return [TreeFile(path[len(first) :], digest, size) for path, digest, size in rows]


def is_above_roots(tx: Transaction, directory: str) -> bool:
    """Whether other manifests lie in a directory of the manifest ``""``."""
    return bool(tx.rows(_ROOTS_BETWEEN, *bounds(directory), 1))


def delete(tx: Transaction, root: str, path: str) -> int:
    """Delete a file, or all of a directory (``""``: of the manifest); how many files there were."""
    first, end = bounds(path)
    deleted = tx.run(
        "DELETE FROM manifest_entries WHERE manifest IN (SELECT id FROM manifests WHERE root = ?)"
        " AND (path = ? OR (path > ? AND path < ?))",
        root,
        path,
        first,
        end,
    )
    if root == "":
        deleted += tx.run(
            "DELETE FROM manifest_entries WHERE manifest IN (SELECT id FROM manifests WHERE root > ? AND root < ?)",
            first,
            end,
        )
    return deleted


def _ancestors(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:count]) for count in range(1, len(names))]


def _children(tx: Transaction, root: str, directory: str, page: int) -> Iterator[FileInfo]:
    yield from _walk(lambda first, end: tx.rows(_FILES_BETWEEN, root, first, end, page), directory)
    if root == "":
        yield from _walk(lambda first, end: tx.rows(_ROOTS_BETWEEN, first, end, page), directory)


def _walk(rows_between: Callable[[str, str], list[Row]], directory: str) -> Iterator[FileInfo]:
    """The children of ``directory`` among paths that come sorted, a page at a time.

    After a page the walk goes on behind the directory that the page ended in, so that what lies deeper is not read.
    """
    after, end = bounds(directory)
    prefix = f"{directory}/" if directory else ""
    while rows := rows_between(after, end):
        seen = None
        for path, size in rows:
            name, below, _ = path[len(prefix) :].partition("/")
            if name != seen:
                is_dir = bool(below) or size is None
                yield FileInfo(prefix + name, is_dir, None if is_dir else size)
            seen = name
        after = f"{prefix}{seen}/{_LAST}" if is_dir else path


def bounds(directory: str) -> tuple[str, str]:
    """What all paths in the directory (``""``: all there are) sort after, and before."""
    return (f"{directory}/", f"{directory}/{_LAST}") if directory else ("", _LAST)


def _entry(row: Row) -> ManifestEntry:
    path, digest, size, location, modified_ms = row
    return ManifestEntry(path, Blob(digest, size, location), modified_ms)
