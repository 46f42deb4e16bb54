"""Folders of this machine, sent to a server."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trackback.client.cache import sha256_of
from trackback.client.pages import walk
from trackback.client.places import kept_path
from trackback.client.progress import Progress
from trackback.client.transfers import Meter, in_parallel
from trackback.client.trees import PER_PAGE
from trackback.client.uploads import UploadedFolder
from trackback.entities import TreeFile, listing_digest
from trackback.errors import NotFound, UnknownEndpoint

if TYPE_CHECKING:
    from trackback.client.api.files import Files


class _File(NamedTuple):
    path: str
    local: Path
    size: int


def upload_folder(
    client: "Files", local: Path, artifact_uri: str, *, progress: Progress | None = None
) -> UploadedFolder:
    """Keep the files of a folder, or a single file, below an artifact URI of the server's proxy.

    Files that are there already, by path and digest, are not sent again. Those there that ``local`` has not, stay.

    NotFound: there is no ``local``. InvalidParameter: the place is not the server's. DataLoss: the server keeps other
    bytes than were sent. InvalidState: a file shrank meanwhile.
    """
    top = kept_path(artifact_uri)
    files = list(_files(local))
    kept = _kept(client, top) if files else {}
    meter = Meter(sum(file.size for file in files), progress)

    def send(file: _File) -> tuple[str, int]:
        there = kept.get(file.path)
        if there is not None and there.size == file.size and sha256_of(file.local) == there.digest:
            meter.advance(file.size)
            return there.digest, 0
        path = f"{top}/{file.path}" if top else file.path
        return client.transport.upload(path, file.local, meter.advance), file.size

    done = in_parallel([partial(send, file) for file in files], meter) if files else []
    digest = listing_digest((file.path, digest) for file, (digest, _) in zip(files, done, strict=True))
    return UploadedFolder(digest, len(files), sum(file.size for file in files), sum(sent for _, sent in done))


def _files(local: Path) -> Iterator[_File]:
    if not local.exists():
        raise NotFound(f"There is nothing at {local}.")
    if local.is_file():
        yield _File(local.name, local, local.stat().st_size)
        return
    for above, _, names in os.walk(local):
        for name in sorted(names):
            file = Path(above, name)
            yield _File(file.relative_to(local).as_posix(), file, file.stat().st_size)


def _kept(client: "Files", top: str) -> dict[str, TreeFile]:
    """What the server has there, by path; nothing, if it does not say."""
    try:
        return {each.path: each for each in walk(client.list_tree, top, PER_PAGE)} if top else {}
    except UnknownEndpoint:  # MLflow's server
        return {}
