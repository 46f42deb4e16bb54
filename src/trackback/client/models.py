"""Models on this machine: a URI becomes a folder of verified files."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from trackback.client.cache import Cache, Fetch, has_digest, sha256_of
from trackback.client.downloads import PartialFile
from trackback.client.places import Place, locate
from trackback.client.progress import Progress
from trackback.client.transfers import Meter, in_parallel
from trackback.client.trees import RemoteFile, RemoteTree, tree_at
from trackback.entities import ModelVersion, listing_digest
from trackback.errors import DataLoss, NotFound

if TYPE_CHECKING:
    from trackback.client.api.files import Files


@dataclass(frozen=True)
class LocalModel:
    """A model's files, each of which has the digest that it should.

    uri: where they came from, with an alias or a stage replaced by the version that it meant.
    path: the folder that they lie in; the file, where there is but one and the URI named it.
    digest: the SHA-256 of their listing, as a version has it.
    version: the version that they are, if they are one.
    """

    uri: str
    path: Path
    digest: str
    version: ModelVersion | None = None


def fetch_model(
    client: "Files",
    uri: str,
    destination: Path | None = None,
    *,
    cache: Cache | None = None,
    progress: Progress | None = None,
) -> LocalModel:
    """Have the files that a URI names on this machine: all URIs that ``locate`` knows. Local ones stay where they are.

    destination: the folder, or file, that they become; without one they lie in the cache, shared and not to be changed.
    cache: the one of ``TRACKBACK_CACHE_DIR``, if None.
    progress: is told of bytes done, and of how many; those that were here already count.

    What is here already, by digest, is not fetched again, and what was cut is gone on with. MLflow's server tells no
    digests: from there, files are fetched each time, and verified by what their own say only.

    NotFound: there is nothing there. InvalidParameter: it is no URI of a model. DataLoss: a file, or the whole, has
    another digest than it should, and is not kept. StorageFull: the disk is full. Unavailable: the server is gone.
    """
    place = locate(client, uri)
    if (local := place.local_path) is not None:
        return LocalModel(uri, local, local_digest(local))
    tree = tree_at(client, place)
    if not tree.files:
        raise NotFound(f"There are no files at {uri} ({place.artifact_uri}).")
    _check(place, tree.digest)
    meter = Meter(sum(file.size or 0 for file in tree.files), progress)
    cache = cache or Cache()
    if destination is not None:
        digest = _into(tree, destination, meter)
    elif tree.digest:
        digest = _into_cache(tree, tree.digest, cache, meter)
    else:
        digest = _unknown_into_cache(tree, cache, meter)
    _check(place, digest)
    folder = destination or cache.tree(digest)
    path = folder / tree.name if tree.is_file and destination is None else folder
    return LocalModel(place.uri, path, digest, place.version)


def local_digest(path: Path) -> str:
    """The digest of the listing of a folder's files, as a version of them would have; or that of a file alone."""
    if path.is_file():
        return listing_digest([(path.name, sha256_of(path))])
    files = [Path(above, name) for above, _, names in os.walk(path) for name in names]
    return listing_digest((file.relative_to(path).as_posix(), sha256_of(file)) for file in files)


def _check(place: Place, digest: str | None) -> None:
    expected = place.version.digest if place.version else None
    if digest is not None and expected not in (None, digest):
        raise DataLoss(
            f"The files of {place.uri} have the digest {digest} together, and the version is {expected}: they are not "
            "the ones that were registered. Don't use them; have the server's artifacts checked."
        )


def _into_cache(tree: RemoteTree, digest: str, cache: Cache, meter: Meter) -> str:
    folder = cache.tree(digest)
    jobs = [
        partial(cache.put, file, folder / (file.path or tree.name), _fetch(tree, file), meter.advance)
        for file in tree.files
    ]
    in_parallel(jobs, meter)
    cache.settle(folder, [file.path or tree.name for file in tree.files])
    return digest


def _unknown_into_cache(tree: RemoteTree, cache: Cache, meter: Meter) -> str:
    """Of files whose digests show when they are here."""

    def fetch(file: RemoteFile) -> str:
        arrived = cache.aside()
        with PartialFile(arrived, size=file.size, advance=meter.advance) as part:
            digest = tree.complete(file.path, part)
        cache.adopt(arrived, digest)
        return digest

    digests = in_parallel([partial(fetch, file) for file in tree.files], meter)
    named = [(file.path or tree.name, digest) for file, digest in zip(tree.files, digests, strict=True)]
    whole = listing_digest(named)
    for path, digest in named:
        cache.link(digest, cache.tree(whole) / path)
    cache.settle(cache.tree(whole), [path for path, _ in named])
    return whole


def _into(tree: RemoteTree, destination: Path, meter: Meter) -> str:
    """Where files of the same path and digest are already, they stay."""

    def fetch(file: RemoteFile) -> str:
        target = destination / file.path if file.path else destination
        if file.digest and has_digest(target, file.digest):
            meter.advance(file.size or 0)
            return file.digest
        with PartialFile(target, digest=file.digest, size=file.size, advance=meter.advance) as part:
            return tree.complete(file.path, part)

    digests = in_parallel([partial(fetch, file) for file in tree.files], meter)
    return listing_digest((file.path or tree.name, digest) for file, digest in zip(tree.files, digests, strict=True))


def _fetch(tree: RemoteTree, file: RemoteFile) -> Fetch:
    return lambda part: tree.complete(file.path, part)
