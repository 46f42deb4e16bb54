"""Trees of files on a server: what is in them, and how one of their files is fetched."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from trackback.client.downloads import PartialFile
from trackback.client.pages import walk
from trackback.client.places import Place
from trackback.client.transport import artifact_target
from trackback.client.wire import Request
from trackback.entities import FileInfo, listing_digest
from trackback.errors import InvalidParameter, TrackbackError, UnknownEndpoint
from trackback.limits import shown

if TYPE_CHECKING:
    from trackback.client.api.files import Files

PER_PAGE = 10_000

_UNSAFE = re.compile(r"(^|/)(\.{0,2})(/|$)|[\\\0]")


class RemoteFile(NamedTuple):
    """A file of a tree: its path there, empty if the tree is a file itself. What the server doesn't tell is None."""

    path: str
    size: int | None = None
    digest: str | None = None


class Source(NamedTuple):
    """A route that files come from, and what a request for the one at a path says."""

    route: Callable[[str], str]
    request: Callable[[str], Request]


class RemoteTree:
    """``name`` is that of the topmost folder, or of the file that the tree is."""

    def __init__(self, client: "Files", name: str, files: list[RemoteFile], source: Source) -> None:
        for file in files:
            if file.path and _UNSAFE.search(file.path):
                raise TrackbackError(f"The server names a file {shown(file.path)}, which could lead elsewhere.")
        self.name = name
        self.files = files
        self._client = client
        self._source = source

    @property
    def is_file(self) -> bool:
        return [file.path for file in self.files] == [""]

    @property
    def digest(self) -> str | None:
        """The digest of its listing, as a version has it; None where the server tells no digests."""
        known = [(file.path or self.name, file.digest) for file in self.files if file.digest]
        return listing_digest(known) if known and len(known) == len(self.files) else None

    def complete(self, path: str, partial: PartialFile) -> str:
        """Fetch what ``partial`` lacks of the file at a path; its SHA-256."""
        source = self._source
        return self._client.transport.complete(source.route(path), source.request(path), partial)


def tree_at(client: "Files", place: Place) -> RemoteTree:
    """The tree at a place. InvalidParameter: it is one that the server can't read."""
    name = place.artifact_uri.rstrip("/").rpartition("/")[2]
    if (path := place.proxy_path) is not None:
        source = Source(lambda inner: artifact_target(_join(path, inner)), lambda inner: {})
        return RemoteTree(client, name, _proxied(client, path), source)
    if run_id := place.run_id:
        files = _listed(lambda folder: client.list_artifacts(run_id, folder), place.path)
        source = Source(
            lambda inner: "/get-artifact", lambda inner: {"run_id": run_id, "path": _join(place.path, inner)}
        )
        return RemoteTree(client, name, files, source)
    raise InvalidParameter(
        f"{place.uri} lies at {shown(place.artifact_uri)}, which is not the server's: fetch it from there."
    )


def _proxied(client: "Files", path: str) -> list[RemoteFile]:
    try:
        return [RemoteFile(each.path, each.size, each.digest) for each in walk(client.list_tree, path, PER_PAGE)]
    except UnknownEndpoint:  # MLflow's server

        def whole(folder: str) -> list[FileInfo]:
            return [FileInfo(_join(folder, e.path), e.is_dir, e.file_size) for e in client.list_files(folder)]

        return _listed(whole, path)


def _listed(list_folder: Callable[[str], list[FileInfo]], top: str) -> list[RemoteFile]:
    """The files below ``top``, a folder at a time; ``top`` itself, if it is a file."""
    files = list(_below(list_folder, top))
    if not files and top:
        above = list_folder(top.rpartition("/")[0])
        return [RemoteFile("", each.file_size) for each in above if each.path == top and not each.is_dir]
    return files


def _below(list_folder: Callable[[str], list[FileInfo]], top: str) -> Iterator[RemoteFile]:
    folders = [top]
    while folders:
        for each in list_folder(folders.pop()):
            if each.is_dir:
                folders.append(each.path)
            else:
                yield RemoteFile(each.path[len(top) + 1 if top else 0 :], each.file_size)


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder and path else folder or path
