"""Snapshots: how the files that a version, or a promoted run, is made of are kept for good."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from trackback import limits
from trackback.artifacts import BlobStore, ForeignTree, open_foreign, paths
from trackback.entities import Blob, Snapshot
from trackback.errors import InvalidParameter, TrackbackError
from trackback.limits import shown
from trackback.storage import Transaction, snapshots
from trackback.storage.snapshots import SnapshotFile


class Tree(NamedTuple):
    """The files at an artifact URI: those of a proxy path, or those that were taken in from elsewhere.

    ``fault`` says why they can't be had, where that is known.
    """

    uri: str
    proxy_path: str | None = None
    taken_in: Sequence[tuple[str, Blob]] = ()
    fault: str = ""


class Snapshots:
    """``artifact_root``: as for ``Artifacts``."""

    def __init__(self, blobs: BlobStore, artifact_root: str) -> None:
        self._blobs = blobs
        self._artifact_root = artifact_root

    async def prepare(self, uri: str) -> Tree:
        """The tree at ``uri``, ready to be frozen in a transaction. Files that lie elsewhere are taken in first.

        What can't be taken in leaves a tree with a fault, and raises nothing: a version may be without its files.
        """
        if (path := paths.proxy_path(uri)) is not None:
            return proxied(uri, path)
        try:
            return Tree(uri, taken_in=await self._take_in(open_foreign(uri, self._artifact_root)))
        except TrackbackError as error:
            return Tree(uri, fault=error.message)

    async def _take_in(self, tree: ForeignTree) -> list[tuple[str, Blob]]:
        files: list[tuple[str, Blob]] = []
        directories = [""]
        while directories:
            for each in await tree.list_directory(directories.pop()):
                if each.is_dir:
                    directories.append(each.path)
                else:
                    files.append((paths.check_path(each.path), await self._blobs.put(_bytes_of(tree, each.path))))
                    _check_number(len(files))
        return files


def proxied(uri: str, path: str) -> Tree:
    """The tree at a proxy path."""
    try:
        return Tree(uri, paths.check_directory(path))
    except InvalidParameter as error:
        return Tree(uri, fault=error.message)


def files_of(tx: Transaction, tree: Tree) -> list[SnapshotFile]:
    """The files of a tree as they are now; none if they can't be had."""
    if tree.fault:
        return []
    if tree.proxy_path is None:
        return snapshots.keep_blobs(tx, tree.taken_in)
    return snapshots.files_below(tx, *paths.split_root(tree.proxy_path))


def freeze(tx: Transaction, tree: Tree, now_ms: int) -> Snapshot | None:
    """The snapshot of a tree as it is now; None if there are no files, or they can't be had: ``why_missing`` says why.

    Raises InvalidParameter if there are more than ``limits.SNAPSHOT_FILES``.
    """
    files = files_of(tx, tree)
    return freeze_files(tx, files, now_ms) if files else None


def freeze_files(tx: Transaction, files: Sequence[SnapshotFile], now_ms: int) -> Snapshot:
    """The snapshot of these very files."""
    _check_number(len(files))
    digest = snapshots.digest_of(files)
    return snapshots.keep(tx, paths.snapshot_root(digest), digest, files, now_ms)


def why_missing(tree: Tree) -> str:
    """Why ``freeze`` found nothing to keep."""
    return tree.fault or f"There are no files at {shown(tree.uri)}."


def snapshot_uri(digest: str) -> str:
    """Where clients download a snapshot from."""
    return f"mlflow-artifacts:/{paths.snapshot_root(digest)}"


def _check_number(files: int) -> None:
    if files > limits.SNAPSHOT_FILES:
        raise InvalidParameter(
            f"A snapshot can contain at most {limits.SNAPSHOT_FILES} files, and here are more. Name the model's own "
            "directory, or pack its files."
        )


async def _bytes_of(tree: ForeignTree, path: str) -> AsyncIterator[bytes]:
    file = await tree.find(path)
    if file is None:
        raise InvalidParameter(f"The file {shown(path)} vanished while it was read.")
    left = file.size
    pieces = await tree.read(path, 0, file.size)
    try:
        async for piece in pieces:
            left -= len(piece)
            yield piece
    finally:
        await pieces.aclose()
    if left:
        raise InvalidParameter(f"The file {shown(path)} was cut while it was read.")
