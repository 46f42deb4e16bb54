"""Artifacts that jobs of GoCD publish: each a run that says which job it was, and a version of a registered model.

A job begins, uploads its files into the run's folder, and says at the end what it has uploaded. All of it may be
repeated: the same job has the same run, and the same files the same version.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from trackback import limits
from trackback.artifacts import paths
from trackback.entities import PROVENANCE_PATH, Actor, ModelVersion, Permission, Run, RunStatus, listing_digest
from trackback.errors import AlreadyExists, Conflict, InvalidParameter, InvalidState
from trackback.limits import shown
from trackback.services import access
from trackback.services.artifacts import Artifacts
from trackback.services.experiments import Experiments
from trackback.services.gocd.jobs import TAGS, Job, provenance_of, read_job, run_id_of, tags_of
from trackback.services.gocd.packages import find_experiment, find_experiment_named
from trackback.services.model_versions import ModelVersions
from trackback.services.registered_models import RegisteredModels
from trackback.services.runs import Runs, writable_run
from trackback.storage import Storage, Transaction, experiments, registered_models, runs, snapshots

FOLDER = "model"
"""Where the files lie in the run, so that what else the run has is no part of the version."""

MODEL_TAG = "trackback.gocd.model"
NOTE_TAG = "mlflow.note.content"
FAULTS_NAMED = 10


class Published(NamedTuple):
    """What a job wants to publish. ``experiment`` is an id or a name; without one it is named as the pipeline."""

    model: str
    variables: Mapping[str, str]
    experiment: str = ""
    description: str = ""
    artifact: str = ""


class UploadedFile(msgspec.Struct, frozen=True):
    path: str
    size: int
    sha256: str


class Begun(msgspec.Struct, frozen=True):
    """``upload_url`` is relative to the server; a file's path comes behind it."""

    run_id: str
    upload_url: str


class _Run(NamedTuple):
    """A run that was begun here: what it is to be, and the digests of the files in its folder."""

    model: str
    description: str
    tags: list[tuple[str, str]]
    files: dict[str, str]


class Publications:
    def __init__(
        self,
        storage: Storage,
        experiments: Experiments,
        runs: Runs,
        artifacts: Artifacts,
        models: RegisteredModels,
        versions: ModelVersions,
    ) -> None:
        self._storage = storage
        self._experiments = experiments
        self._runs = runs
        self._artifacts = artifacts
        self._models = models
        self._versions = versions

    async def begin(self, actor: Actor, asked: Published) -> Begun:
        """The run that the job publishes by, and where to upload to. Model and experiment are made if need be.

        Raises InvalidParameter for bad values, and for an experiment whose clients keep its files themselves;
        PermissionDenied if the actor may not write there; Conflict if another actor has begun it.
        """
        limits.check_registered_model_name(asked.model)
        limits.check_length(asked.description, "description", limits.TAG_VALUE_LENGTH)
        limits.check_length(asked.artifact, "artifact", limits.DELIVERY_NAME_LENGTH)
        job = read_job(asked.variables)
        experiment = await self._experiment(actor, asked.experiment, job)
        await self._ensure_model(actor, asked.model)
        run = await self._begin_run(actor, experiment, job, asked)
        folder = paths.proxy_path(run.info.artifact_uri)
        assert folder is not None
        await self._keep_provenance(actor, job, folder)
        return Begun(run.info.run_id, f"/api/2.0/mlflow-artifacts/artifacts/{quote(f'{folder}/{FOLDER}')}/")

    async def _begin_run(self, actor: Actor, experiment: str, job: Job, asked: Published) -> Run:
        tags = [*tags_of(job).items(), (MODEL_TAG, asked.model)]
        if asked.description:
            tags.append((NOTE_TAG, asked.description))
        try:
            return await self._runs.create(
                actor,
                experiment,
                user_id=job.variables.get("GO_TRIGGER_USER", "")[: limits.USER_ID_LENGTH],
                run_name=job.place[: limits.RUN_NAME_LENGTH],
                tags=tags,
                run_id=run_id_of(job, experiment, asked.model, asked.artifact),
            )
        except AlreadyExists:
            raise Conflict(
                f"The job {job.place} has begun to publish {shown(asked.model)} as somebody else than {actor.name}. "
                "Run the stage again: that is another run."
            ) from None

    async def finish(self, actor: Actor, run_id: str, files: Sequence[UploadedFile]) -> ModelVersion:
        """Register what was uploaded, once: a repeat answers the version that there is.

        Raises InvalidState if what has arrived is not what was sent, or the run was not begun here; Conflict if the
        run's version has other files.
        """
        digests = _checked_files(files)
        begun = await self._storage.read(lambda tx: _begun(tx, actor, run_id))
        _check_arrived(digests, begun.files)
        version = await self._versions.create(
            actor,
            begun.model,
            f"runs:/{run_id}/{FOLDER}",
            run_id=run_id,
            description=begun.description,
            tags=begun.tags,
            once=True,
        )
        if version.digest != listing_digest(digests.items()):
            raise Conflict(
                f"The run {run_id} was published before, as version {version.version} of {begun.model}, with other "
                "files. Run the stage again: that is another run."
            )
        await self._runs.update(actor, run_id, status=RunStatus.FINISHED)
        return version

    async def _experiment(self, actor: Actor, named: str, job: Job) -> str:
        """The id of the experiment that is named, or else of the pipeline's, which is made if it is not there."""
        if not named:
            await self._ensure_experiment(actor, job.pipeline)

        def look(tx: Transaction) -> str:
            record = find_experiment(tx, actor, named) if named else find_experiment_named(tx, actor, job.pipeline)
            access.require(actor, Permission.WRITE, experiment=record.id)
            if paths.proxy_path(record.artifact_location) is None:
                raise InvalidParameter(
                    f"The files of the experiment {shown(record.name)} lie at {shown(record.artifact_location)}, which "
                    "agents don't reach through this server. Set Experiment to another."
                )
            return str(record.id)

        return await self._storage.look_up(look)

    async def _ensure_experiment(self, actor: Actor, name: str) -> None:
        if await self._storage.look_up(lambda tx: experiments.find_by_name(tx, name)):
            return
        with suppress(AlreadyExists):  # by another job of the pipeline, meanwhile
            await self._experiments.create(actor, name)

    async def _ensure_model(self, actor: Actor, name: str) -> None:
        def look(tx: Transaction) -> bool:
            record = registered_models.find(tx, name)
            if record is None or not access.may_read(actor, model=record.id):
                return False
            access.require(actor, Permission.WRITE, model=record.id)
            return True

        if await self._storage.look_up(look):
            return
        try:
            await self._models.create(actor, name)
        except AlreadyExists:
            if not await self._storage.look_up(look):
                raise

    async def _keep_provenance(self, actor: Actor, job: Job, folder: str) -> None:
        if record := provenance_of(job):
            await self._artifacts.put(actor, f"{folder}/{PROVENANCE_PATH}", _once(msgspec.json.encode(record)))


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _begun(tx: Transaction, actor: Actor, run_id: str) -> _Run:
    run = writable_run(tx, actor, limits.check_run_id(run_id))
    (whole,) = runs.load(tx, [run])
    tags = {tag.key: tag.value for tag in whole.data.tags}
    folder = paths.proxy_path(run.artifact_uri)
    if MODEL_TAG not in tags or folder is None:
        raise InvalidState(f"The run {run_id} was not begun by artifact/begin, so it is not known what it publishes.")
    root, inner = paths.split_root(f"{folder}/{FOLDER}")
    return _Run(
        model=tags[MODEL_TAG],
        description=tags.get(NOTE_TAG, ""),
        tags=[(key, value) for key, value in tags.items() if key.startswith(TAGS)],
        files={file.path: file.digest for file in snapshots.files_below(tx, root, inner)},
    )


def _checked_files(files: Sequence[UploadedFile]) -> dict[str, str]:
    if not files:
        raise InvalidParameter("Missing value for required parameter 'files': there is nothing to publish.")
    digests: dict[str, str] = {}
    for number, file in enumerate(files):
        digest = limits.find_sha256(file.sha256)
        if digest is None:
            raise InvalidParameter(f"Invalid value for 'files[{number}].sha256': it must be 64 hex digits.")
        digests[paths.check_path(file.path)] = digest
    return digests


def _check_arrived(sent: Mapping[str, str], arrived: Mapping[str, str]) -> None:
    faults = [
        *(f"{path} has not arrived" for path in sorted(sent.keys() - arrived.keys())),
        *(f"{path} was not sent" for path in sorted(arrived.keys() - sent.keys())),
        *(
            f"{path} has the SHA-256 {arrived[path]}, not {sent[path]}"
            for path in sorted(sent.keys() & arrived.keys())
            if sent[path] != arrived[path]
        ),
    ]
    if faults:
        more = f"; and {len(faults) - FAULTS_NAMED} more" if len(faults) > FAULTS_NAMED else ""
        raise InvalidState(
            f"What has arrived is not what was sent: {'; '.join(faults[:FAULTS_NAMED])}{more}. Upload the files again; "
            "of another set of files, run the stage again."
        )
