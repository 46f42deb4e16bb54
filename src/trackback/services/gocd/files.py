"""The files that an agent fetches: of a promotion, of a version, or of a run, with the digest of each.

What was promoted or registered is fetched as it was then: from the snapshot. Only files that were never taken in, as
those that a client keeps in a bucket of its own, come from where they lie, without digests.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from trackback import limits
from trackback.artifacts import paths
from trackback.entities import Actor, FileInfo, Permission, Promotion
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import streams
from trackback.services.artifacts import Artifacts, Listing
from trackback.services.gocd.globs import compile_glob, looks_like_regex
from trackback.services.registry import readable_version
from trackback.services.runs import readable_run
from trackback.storage import Storage, Transaction, logged_models, promotion_log, snapshots

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
NAMED_WHEN_NONE_MATCH = 20

List = Callable[[str], Awaitable[Listing]]


class FetchedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """``url`` is relative to the server. ``sha256`` is None of a file that lies outside its storage."""

    path: str
    size: int
    url: str
    sha256: str | None = None


class FetchedTree(msgspec.Struct, frozen=True, omit_defaults=True):
    """``digest`` is that of all files of the model, not only of those that match."""

    name: str
    files: tuple[FetchedFile, ...]
    digest: str | None = None


class Wanted(NamedTuple):
    """One of: a promotion by its number, a version of a model, a run by its id."""

    promotion: int | None = None
    model: str = ""
    version: str = ""
    run_id: str = ""


class _Tree(NamedTuple):
    """Files that are known by digest; or, in a place that we don't keep, how to list that and link to a file of it."""

    name: str
    digest: str | None
    files: tuple[FetchedFile, ...] = ()
    foreign: tuple[List, Callable[[str], str]] | None = None


class Files:
    def __init__(self, storage: Storage, artifacts: Artifacts) -> None:
        self._storage = storage
        self._artifacts = artifacts

    async def find(self, actor: Actor, wanted: Wanted, pattern: str) -> FetchedTree:
        """The files that match, by path. NotFound if none does, or there is no such promotion, version or run."""
        matches = compile_glob(pattern).fullmatch
        tree = await self._storage.read(lambda tx: self._tree(tx, actor, wanted))
        known = list(tree.files)
        if tree.foreign:
            known += await _walk(*tree.foreign)
        found = sorted((file for file in known if matches(file.path)), key=lambda file: file.path)
        if not found:
            raise _none_matches(tree.name, pattern, known)
        return FetchedTree(tree.name, tuple(found), f"sha256:{tree.digest}" if tree.digest else None)

    def _tree(self, tx: Transaction, actor: Actor, wanted: Wanted) -> _Tree:
        if wanted.promotion is not None:
            return self._of_promotion(tx, actor, wanted.promotion)
        if wanted.model:
            return self._of_version(tx, actor, wanted.model, limits.check_version(wanted.version))
        if wanted.run_id:
            return self._of_run(tx, actor, wanted.run_id)
        raise InvalidParameter("Name what to fetch: a 'promotion', a 'model' and its 'version', or a 'run_id'.")

    def _of_promotion(self, tx: Transaction, actor: Actor, number: int) -> _Tree:
        found = promotion_log.load(tx, [limits.check_int64(number, "promotion")])
        if not found or not streams.may(actor, Permission.READ, found[0].stream):
            raise NotFound(f"There is no promotion {number}, or {actor.name} may not read it.")
        (promotion,) = found
        if promotion.name and promotion.version:
            if promotion.digest:
                name = f"models:/{promotion.name}/{promotion.version}"
                return _Tree(name, promotion.digest, _snapshot(tx, promotion.digest))
            return self._of_version(tx, actor, promotion.name, int(promotion.version))
        assert promotion.run_id
        if promotion.snapshots:
            return _Tree(f"runs:/{promotion.run_id}", promotion.digest, _promoted_run(tx, promotion))
        return self._of_run(tx, actor, promotion.run_id)

    def _of_version(self, tx: Transaction, actor: Actor, model: str, version: int) -> _Tree:
        record = readable_version(tx, actor, limits.check_registered_model_name(model), version)
        name = f"models:/{model}/{version}"
        if record.digest:
            return _Tree(name, record.digest, _snapshot(tx, record.digest))

        def link(path: str) -> str:
            query = urlencode({"name": model, "version": version, "path": path})
            return f"/model-versions/get-artifact?{query}"

        return _Tree(
            name, None, (), (lambda path: self._artifacts.list_version(actor, model, str(version), path), link)
        )

    def _of_run(self, tx: Transaction, actor: Actor, run_id: str) -> _Tree:
        run = readable_run(tx, actor, limits.check_run_id(run_id))
        kept: dict[str, FetchedFile] = {}
        for model in logged_models.of_run(tx, run.uuid):
            kept |= {file.path: file for file in _kept(tx, model.artifact_uri, model.name)}
        kept |= {file.path: file for file in _kept(tx, run.artifact_uri)}
        name = f"runs:/{run.uuid}"
        if paths.proxy_path(run.artifact_uri) is not None:
            return _Tree(name, None, tuple(kept.values()))

        def link(path: str) -> str:
            return f"/get-artifact?{urlencode({'run_id': run.uuid, 'path': path})}"

        foreign = (lambda path: self._artifacts.list_run(actor, run.uuid, path), link)
        return _Tree(name, None, tuple(kept.values()), foreign)


def _promoted_run(tx: Transaction, promotion: Promotion) -> tuple[FetchedFile, ...]:
    """The run's own files, and those of its logged models as MLflow's clients see them: in folders of their names."""
    files: dict[str, FetchedFile] = {}
    for each in promotion.snapshots:
        if each.model_id is not None:
            model = logged_models.find(tx, each.model_id)
            folder = model.name if model else each.model_id
            files |= {file.path: file for file in _snapshot(tx, each.digest, folder)}
    for each in promotion.snapshots:
        if each.model_id is None and each.path is None:
            files |= {file.path: file for file in _snapshot(tx, each.digest)}
    return tuple(files.values())


def _snapshot(tx: Transaction, digest: str, folder: str = "") -> tuple[FetchedFile, ...]:
    return _files_below(tx, paths.snapshot_root(digest), folder)


def _kept(tx: Transaction, uri: str, folder: str = "") -> tuple[FetchedFile, ...]:
    """The files at an artifact URI as they are now; none if they lie elsewhere."""
    path = paths.proxy_path(uri)
    return _files_below(tx, path, folder) if path is not None else ()


def _files_below(tx: Transaction, path: str, folder: str) -> tuple[FetchedFile, ...]:
    above = f"{folder}/" if folder else ""
    return tuple(
        FetchedFile(above + file.path, file.size, f"{PROXY}/{quote(f'{path}/{file.path}')}", file.digest)
        for file in snapshots.files_below(tx, *paths.split_root(path))
    )


async def _walk(list_directory: List, link: Callable[[str], str]) -> list[FetchedFile]:
    """All files of a place that a client keeps files in."""
    found: list[FetchedFile] = []
    directories = [""]
    while directories:
        for each in (await list_directory(directories.pop())).files:
            if each.is_dir:
                directories.append(each.path)
            else:
                found.append(_linked(each, link))
        if len(found) > limits.SNAPSHOT_FILES:
            raise InvalidParameter(
                f"There are more than {limits.SNAPSHOT_FILES} files. Fetch them from where they lie."
            )
    return found


def _linked(file: FileInfo, link: Callable[[str], str]) -> FetchedFile:
    return FetchedFile(file.path, file.file_size or 0, link(file.path))


def _none_matches(name: str, pattern: str, known: list[FetchedFile]) -> NotFound:
    if not known:
        return NotFound(f"{name} has no files.")
    there = sorted(file.path for file in known)
    more = f" and {len(there) - NAMED_WHEN_NONE_MATCH} more" if len(there) > NAMED_WHEN_NONE_MATCH else ""
    hint = " It is no regular expression: write model/** for model/.*, say." if looks_like_regex(pattern) else ""
    return NotFound(
        f"No file of {name} matches {shown(pattern)}.{hint} It has {', '.join(there[:NAMED_WHEN_NONE_MATCH])}{more}."
    )
