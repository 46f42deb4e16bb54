"""Artifacts: files by their proxy path, or by the run or logged model that they belong to."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trackback import limits
from trackback.artifacts import BlobStore, ForeignTree, open_foreign, paths
from trackback.entities import Actor, Blob, FileInfo, ManifestEntry, Permission
from trackback.errors import (
    InvalidParameter,
    NotFound,
    Overloaded,
    PermissionDenied,
    StorageFull,
    TrackbackError,
)
from trackback.limits import shown
from trackback.services import file_access
from trackback.services.clock import Clock, now_ms
from trackback.services.logged_models import readable_model, writable_model
from trackback.services.registry import readable_version
from trackback.services.runs import readable_run, writable_run
from trackback.storage import Storage, Transaction, logged_models, manifests, runs

# What a write raises when it is certain that nothing was committed: then nobody refers to what was uploaded for it.
_REFUSED = (InvalidParameter, NotFound, Overloaded, PermissionDenied, StorageFull)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenFile:
    """A file to read: ``await read(start, stop)`` gives its bytes from ``start`` to before ``stop``, in pieces.

    ``digest`` is the SHA-256 in hex; None for a file that a client keeps in a place of its own.
    """

    path: str
    size: int
    modified_time: int
    digest: str | None
    read: Callable[[int, int], Awaitable[AsyncGenerator[bytes, None]]]


class Listing(NamedTuple):
    """What lies in a directory of a run or logged model; paths are relative to ``root_uri``."""

    root_uri: str
    files: list[FileInfo]


Arrived = Callable[[Actor, str, str, Blob], Awaitable[None]]
"""Is told of each upload: by whom, its manifest's root, its path there, and the blob that it is. It raises nothing."""


class Artifacts:
    """``artifact_root``: the URI under which the artifacts of experiments lie that name no location of their own."""

    def __init__(
        self,
        storage: Storage,
        blobs: BlobStore,
        artifact_root: str,
        clock: Clock = now_ms,
        arrived: Sequence[Arrived] = (),
    ) -> None:
        self._storage = storage
        self._blobs = blobs
        self._artifact_root = artifact_root
        self._arrived = arrived
        self._clock = clock

    async def put(self, actor: Actor, path: str, chunks: AsyncIterator[bytes]) -> str:
        """Make the proxy path ``path`` a file of these bytes, whatever it was; their SHA-256 in hex.

        Raises InvalidParameter for a path that is not safe, is a directory or lies below a file, and for a deleted
        run; NotFound for a deleted logged model. A run or model that is not known is none of our business, as in
        MLflow. Where it raises, nothing has changed.
        """
        root, inner = paths.split_root(paths.check_path(path))
        _check_not_frozen(path)
        if not inner:
            raise _missing(path, is_directory=True)

        def check(tx: Transaction) -> None:
            _check_writable(tx, actor, root, path)
            _check_free(tx, root, inner)

        await self._storage.look_up(check)
        uploaded = await self._blobs.put(chunks)
        kept = await self._keep(actor, root, inner, uploaded)
        for arrived in self._arrived:
            await arrived(actor, root, inner, kept)
        return uploaded.digest

    async def _keep(self, actor: Actor, root: str, path: str, uploaded: Blob) -> Blob:
        """Enter the blob into the manifest, and drop its bytes if they are not needed; the blob as it is kept."""

        def operation(tx: Transaction) -> Blob:
            _check_writable(tx, actor, root, _join(root, path))
            return enter(tx, root, path, uploaded, self._clock())

        try:
            kept = await self._storage.write(operation)
        except _REFUSED:
            await self._drop(uploaded)
            raise
        if kept.location == uploaded.location or await self._mend(kept, uploaded):
            return uploaded
        await self._drop(uploaded)
        return kept

    async def _mend(self, kept: Blob, uploaded: Blob) -> bool:
        """Have equal bytes replace those kept if they were lost; whether they do now."""
        if await self._blobs.holds(kept):
            return False
        log.warning("bytes of %s had been lost; an upload has brought them again", kept.digest)
        return await self._storage.write(lambda tx: manifests.relocate(tx, kept, uploaded.location))

    async def _drop(self, blob: Blob) -> None:
        try:
            await self._blobs.delete(blob.location)
        except TrackbackError:
            log.warning("could not delete %s, which nothing refers to", blob.location)

    async def open(self, actor: Actor, path: str) -> OpenFile:
        """The file at a proxy path; InvalidParameter if it is a directory, NotFound if there is nothing."""
        root, inner = paths.split_root(paths.check_path(path))

        def operation(tx: Transaction) -> ManifestEntry:
            if not file_access.may(tx, actor, Permission.READ, root):
                raise _missing(path, is_directory=False)
            if entry := manifests.find(tx, root, inner):
                return entry
            raise _missing(path, is_directory=manifests.is_directory(tx, root, inner))

        return self._opened(path, await self._storage.look_up(operation))

    def _opened(self, path: str, entry: ManifestEntry) -> OpenFile:
        blob = entry.blob
        return OpenFile(
            path, blob.size, entry.modified_time, blob.digest, lambda start, stop: self._blobs.read(blob, start, stop)
        )

    async def list_directory(self, actor: Actor, path: str) -> list[FileInfo]:
        """What lies in a directory (``""``: the topmost), by name; nothing if it is a file, or not there."""
        directory = paths.check_directory(path)
        root, inner = paths.split_root(directory)

        def operation(tx: Transaction) -> list[FileInfo]:
            readable = file_access.may(tx, actor, Permission.READ, root)
            return manifests.list_directory(tx, root, inner) if readable else []

        found = await self._storage.read(operation)
        return [FileInfo(each.path.rpartition("/")[2], each.is_dir, each.file_size) for each in found]

    async def delete(self, actor: Actor, path: str) -> None:
        """Delete a file, or a directory with all in it; nothing there is no error. Those of deleted runs too."""
        root, inner = paths.split_root(paths.check_directory(path))
        if not root and not inner:
            raise InvalidParameter(
                "Invalid path: '': all artifacts can't be deleted at once; name a file or directory."
            )
        _check_not_frozen(path)

        def operation(tx: Transaction) -> None:
            file_access.require_write(tx, actor, root, path)
            manifests.delete(tx, root, inner)

        await self._storage.write(operation)

    async def put_to_run(self, actor: Actor, run_id: str, path: str, chunks: AsyncIterator[bytes]) -> str:
        """``put``, by the path within a run; InvalidParameter where its clients keep its artifacts themselves."""
        uri = await self._run_uri(actor, run_id)
        if (base := paths.proxy_path(uri)) is None:
            raise InvalidParameter(f"The artifacts of run {run_id} lie at {shown(uri)}: upload them there.")
        return await self.put(actor, _join(base, paths.check_path(path)), chunks)

    async def list_run(self, actor: Actor, run_id: str, path: str) -> Listing:
        """What lies in a directory of a run (``""``: the topmost)."""
        return await self._list_tree(actor, await self._run_uri(actor, run_id), path)

    async def open_of_run(self, actor: Actor, run_id: str, path: str) -> OpenFile:
        """A run's file; InvalidParameter if it is a directory, NotFound if there is nothing."""
        return await self._open_in_tree(actor, await self._run_uri(actor, run_id), path)

    async def list_model(self, actor: Actor, model_id: str, path: str) -> Listing:
        """What lies in a directory of a logged model (``""``: the topmost)."""
        return await self._list_tree(actor, await self._model_uri(actor, model_id), path)

    async def open_of_model(self, actor: Actor, model_id: str, path: str) -> OpenFile:
        """A logged model's file; InvalidParameter if it is a directory, NotFound if there is nothing."""
        return await self._open_in_tree(actor, await self._model_uri(actor, model_id), path)

    async def list_version(self, actor: Actor, name: str, version: str, path: str) -> Listing:
        """What lies in a directory of a model version (``""``: the topmost)."""
        return await self._list_tree(actor, await self._version_uri(actor, name, version), path)

    async def open_of_version(self, actor: Actor, name: str, version: str, path: str) -> OpenFile:
        """A model version's file; InvalidParameter if it is a directory, NotFound if there is nothing."""
        return await self._open_in_tree(actor, await self._version_uri(actor, name, version), path)

    async def _run_uri(self, actor: Actor, run_id: str) -> str:
        limits.check_run_id(run_id)
        return await self._storage.look_up(lambda tx: readable_run(tx, actor, run_id).artifact_uri)

    async def _model_uri(self, actor: Actor, model_id: str) -> str:
        limits.check_text(model_id, "model_id")
        return await self._storage.look_up(lambda tx: readable_model(tx, actor, model_id).artifact_uri)

    async def _version_uri(self, actor: Actor, name: str, version: str) -> str:
        limits.check_registered_model_name(name)
        number = limits.check_version(version)
        return await self._storage.look_up(lambda tx: readable_version(tx, actor, name, number).location)

    async def _list_tree(self, actor: Actor, uri: str, path: str) -> Listing:
        directory = paths.check_directory(path)
        if (base := paths.proxy_path(uri)) is None:
            return Listing(uri, await self._foreign(uri).list_directory(directory))
        found = await self.list_directory(actor, _join(base, directory))
        return Listing(uri, [FileInfo(_join(directory, each.path), each.is_dir, each.file_size) for each in found])

    async def _open_in_tree(self, actor: Actor, uri: str, path: str) -> OpenFile:
        paths.check_path(path)
        if (base := paths.proxy_path(uri)) is not None:
            return await self.open(actor, _join(base, path))
        tree = self._foreign(uri)
        if (file := await tree.find(path)) is None:
            raise _missing(path, is_directory=bool(await tree.list_directory(path)))
        return OpenFile(path, file.size, file.modified_time, None, lambda start, stop: tree.read(path, start, stop))

    def _foreign(self, uri: str) -> ForeignTree:
        return open_foreign(uri, self._artifact_root)


def _check_not_frozen(path: str) -> None:
    if paths.is_snapshot(path):
        raise InvalidParameter(
            f"Invalid path: {shown(path)} lies in the snapshots of model versions, which never change. Upload the file "
            "to a run or a logged model, and register a new version."
        )


def _check_writable(tx: Transaction, actor: Actor, root: str, path: str) -> None:
    """Nothing is written to what was deleted. Files of a run or model that is not there are as those of any path."""
    file_access.require_write(tx, actor, root, path)
    names = root.split("/")[:-1]
    if (run := paths.run_id(names)) and runs.find(tx, run):
        writable_run(tx, actor, run)
    elif (model := paths.logged_model_id(names)) and logged_models.find(tx, model):
        writable_model(tx, actor, model)


def enter(tx: Transaction, root: str, path: str, blob: Blob, now_ms: int) -> Blob:
    """Make ``path`` the blob, whatever it was; the blob as it is kept, which may be one that was there before.

    Raises InvalidParameter if ``path`` is a directory, or something above it a file.
    """
    manifest = manifests.hold(tx, root)
    _check_free(tx, root, path)
    return manifests.put(tx, manifest, path, blob, now_ms)


def _check_free(tx: Transaction, root: str, path: str) -> None:
    whole = _join(root, path)
    if manifests.is_directory(tx, root, path):
        raise InvalidParameter(f"Invalid path: {shown(whole)} is a directory; choose another name for the file.")
    if file := manifests.file_above(tx, root, path):
        raise InvalidParameter(f"Invalid path: {shown(whole)}: {shown(file)} is a file, so nothing can lie in it.")


def _missing(path: str, *, is_directory: bool) -> InvalidParameter | NotFound:
    """Why there is no file at ``path``."""
    if is_directory:
        return InvalidParameter(f"Invalid path: {shown(path)} is a directory; name a file in it.")
    return NotFound(f"No such artifact: {shown(path)}")


def _join(directory: str, path: str) -> str:
    return f"{directory}/{path}" if directory and path else directory or path
