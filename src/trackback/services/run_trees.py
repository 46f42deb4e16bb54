"""What a run made, as trees of files: its own, those of its logged models, and each folder with an MLmodel in it.

Clients since MLflow 3 keep models apart from their run's files, as logged models; those before keep them in folders.
"""

from collections.abc import Mapping
from typing import NamedTuple

from trackback import limits
from trackback.artifacts import paths
from trackback.entities import PromotedSnapshot
from trackback.limits import shown
from trackback.services import snapshots
from trackback.services.snapshots import Tree
from trackback.storage import Transaction, logged_models, runs
from trackback.storage.runs import RunRecord
from trackback.storage.snapshots import SnapshotFile, digest_of

MAIN_MODEL_TAG = "trackback.promote.model"
_MLMODEL = "MLmodel"


class RunTree(NamedTuple):
    """The files of a run (``path`` and ``model_id`` are None), of a folder of its, or of a logged model.

    ``names`` are those by which a tag can call it the main one.
    """

    digest: str
    files: list[SnapshotFile]
    path: str | None = None
    model_id: str | None = None
    names: tuple[str, ...] = ()


class RunTrees(NamedTuple):
    """``main`` is the model that the run was about, if that is clear; ``faults`` say which files can't be had."""

    trees: list[RunTree]
    main: RunTree | None
    faults: list[str]

    @property
    def digest(self) -> str | None:
        """That of the main model, else of the run's own files."""
        if self.main:
            return self.main.digest
        return next((tree.digest for tree in self.trees if tree.path is None and tree.model_id is None), None)


def uris(tx: Transaction, run: RunRecord) -> list[str]:
    """Where the files of a run and of its logged models lie."""
    return [run.artifact_uri, *(model.artifact_uri for model in logged_models.of_run(tx, run.uuid))]


def collect(tx: Transaction, run: RunRecord, prepared: Mapping[str, Tree]) -> RunTrees:
    """The trees as they are now. Those outside our storage must have been ``prepared``, by their URI."""
    faults: list[str] = []
    own = _files(tx, run.artifact_uri, prepared, faults)
    trees = [RunTree(digest_of(own), own)] if own else []
    models = [*_folders(own), *_logged_models(tx, run, prepared, faults)]
    wanted = runs.find_tag(tx, run.id, MAIN_MODEL_TAG)
    main = models[0] if len(models) == 1 else None
    if wanted:
        main = next((model for model in models if wanted in model.names), None)
        if main is None:
            known = ", ".join(name for model in models for name in model.names) or "it has none"
            faults.append(f"The tag {MAIN_MODEL_TAG} names {shown(wanted)}, which is no model of the run: {known}.")
    return RunTrees([*trees, *models], main, faults)


def freeze(tx: Transaction, found: RunTrees, now_ms: int) -> tuple[PromotedSnapshot, ...]:
    """Keep the trees for good."""
    return tuple(
        PromotedSnapshot(
            digest=snapshots.freeze_files(tx, tree.files, now_ms).digest,
            main=tree is found.main,
            path=tree.path,
            model_id=tree.model_id,
        )
        for tree in found.trees
    )


def _files(tx: Transaction, uri: str, prepared: Mapping[str, Tree], faults: list[str]) -> list[SnapshotFile]:
    tree = prepared.get(uri) or _proxied(uri)
    if tree.fault:
        faults.append(tree.fault)
    files = snapshots.files_of(tx, tree)
    if len(files) > limits.SNAPSHOT_FILES:
        faults.append(f"There are more than {limits.SNAPSHOT_FILES} files at {shown(uri)}.")
        return []
    return files


def _proxied(uri: str) -> Tree:
    if (path := paths.proxy_path(uri)) is not None:
        return snapshots.proxied(uri, path)
    return Tree(uri, fault=f"The files at {shown(uri)} lie outside this server's storage and were not taken in.")


def _folders(own: list[SnapshotFile]) -> list[RunTree]:
    folders = [file.path.removesuffix(f"/{_MLMODEL}") for file in own if file.path.endswith(f"/{_MLMODEL}")]
    trees = []
    for folder in folders:
        inside = [
            file._replace(path=file.path.removeprefix(f"{folder}/"))
            for file in own
            if file.path.startswith(f"{folder}/")
        ]
        trees.append(RunTree(digest_of(inside), inside, path=folder, names=(folder,)))
    return trees


def _logged_models(tx: Transaction, run: RunRecord, prepared: Mapping[str, Tree], faults: list[str]) -> list[RunTree]:
    trees = []
    for model in logged_models.of_run(tx, run.uuid):
        if files := _files(tx, model.artifact_uri, prepared, faults):
            trees.append(RunTree(digest_of(files), files, model_id=model.uuid, names=(model.uuid, model.name)))
    return trees
