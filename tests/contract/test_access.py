"""What somebody may do who has a role for one experiment only, all through tracking, on each database.

Each operation is tried on three places: one that the actor has a role for, one that it has none for, and one that is
not there. The last two must not be told apart.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract.test_artifacts import contents, stream
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import (
    ANYONE,
    Actor,
    Dataset,
    DatasetInput,
    Grants,
    LoggedModelStatus,
    ModelOutput,
    Permission,
    Points,
    Role,
)
from trackback.errors import NotFound, PermissionDenied, TrackbackError
from trackback.services.artifacts import Artifacts
from trackback.services.experiments import Experiments
from trackback.services.heartbeats import Heartbeats
from trackback.services.inputs import Inputs
from trackback.services.logged_models import LoggedModels
from trackback.services.metrics import Metrics
from trackback.services.run_log import ModelOfPoint, RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.services.snapshots import Snapshots, freeze
from trackback.storage import Storage

NOBODY = Actor("nobody", grants=Grants())


class Place(NamedTuple):
    """An experiment with a run and a model, that have files, and the path of a file in each."""

    name: str
    experiment: str
    run: str
    model: str
    run_file: str
    model_file: str


class World:
    def __init__(self, storage: Storage, blobs: BlobStore) -> None:
        self.storage = storage
        self.experiments = Experiments(storage, "mlflow-artifacts:/")
        self.runs = Runs(storage)
        sealer = Sealer(storage)
        self.log = RunLog(storage, sealer)
        self.heartbeats = Heartbeats(storage)
        self.metrics = Metrics(storage, sealer)
        self.inputs = Inputs(storage)
        self.models = LoggedModels(storage)
        self.artifacts = Artifacts(storage, blobs, "mlflow-artifacts:/")
        self.snapshots = Snapshots(blobs, "mlflow-artifacts:/")
        self.places: list[Place] = []

    async def place(self, name: str) -> Place:
        experiment = await self.experiments.create(ANYONE, name, tags=[("team", name)])
        run = (await self.runs.create(ANYONE, experiment, tags=[("team", name)])).info
        model = (await self.models.create(ANYONE, experiment, name=name, tags=[("team", name)])).info
        files = [f"{uri.removeprefix('mlflow-artifacts:/')}/f.txt" for uri in (run.artifact_uri, model.artifact_uri)]
        place = Place(name, experiment, run.run_id, model.model_id, *files)
        for file in files:
            await self.artifacts.put(ANYONE, file, stream(name.encode()))
        await self.log.log(ANYONE, run.run_id, points=point())
        await self.inputs.log_inputs(ANYONE, run.run_id, [DatasetInput(Dataset("wine", "d1", "local", "x"))])
        self.places.append(place)
        return place


def point() -> Points:
    return Points(["loss"], [1], [1], [0.5])


def missing(place: Place) -> Place:
    """A place that is not there, whose ids look like those of one that is."""
    run, model = "f" * 32, f"m-{'e' * 32}"
    return Place(
        "missing",
        "777",
        run,
        model,
        place.run_file.replace(place.run, run).replace(place.experiment, "777", 1),
        place.model_file.replace(place.model, model).replace(place.experiment, "777", 1),
    )


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "blobs"))
    yield World(storage, blobs)
    await blobs.close()


def having(role: Role, *places: Place) -> Actor:
    """Somebody with a role for some experiments."""
    return Actor("ann", "192.0.2.1", Grants(experiments={int(place.experiment): role.permissions for place in places}))


def everywhere(role: Role) -> Actor:
    return Actor("ann", "192.0.2.1", Grants(everywhere=role.permissions))


Operation = Callable[[World, Actor, Place], Awaitable[object]]


async def read_history(world: World, actor: Actor, place: Place) -> object:
    return (await world.metrics.history(actor, place.run, "loss")).items


async def read_file(world: World, actor: Actor, path: str) -> bytes:
    return await contents(await world.artifacts.open(actor, path))


async def read_run_file(world: World, actor: Actor, place: Place) -> bytes:
    return await contents(await world.artifacts.open_of_run(actor, place.run, "f.txt"))


async def read_model_file(world: World, actor: Actor, place: Place) -> bytes:
    return await contents(await world.artifacts.open_of_model(actor, place.model, "f.txt"))


READS: dict[str, Operation] = {
    "experiment": lambda world, actor, place: world.experiments.get(actor, place.experiment),
    "experiment by name": lambda world, actor, place: world.experiments.get_by_name(actor, place.name),
    "run": lambda world, actor, place: world.runs.get(actor, place.run),
    "model": lambda world, actor, place: world.models.get(actor, place.model),
    "deleted model": lambda world, actor, place: world.models.get(actor, place.model, allow_deleted=True),
    "history": read_history,
    "histories": lambda world, actor, place: world.metrics.bulk_history(actor, [place.run], "loss", 10),
    "sample": lambda world, actor, place: world.metrics.sampled_history(actor, [place.run], "loss"),
    "run's files": lambda world, actor, place: world.artifacts.list_run(actor, place.run, ""),
    "run's file": read_run_file,
    "model's files": lambda world, actor, place: world.artifacts.list_model(actor, place.model, ""),
    "model's file": read_model_file,
    "file of a run by path": lambda world, actor, place: read_file(world, actor, place.run_file),
    "file of a model by path": lambda world, actor, place: read_file(world, actor, place.model_file),
    "directory of a run": lambda world, actor, place: world.artifacts.list_directory(
        actor, place.run_file.removesuffix("/f.txt")
    ),
    "directory of an experiment": lambda world, actor, place: world.artifacts.list_directory(actor, place.experiment),
    "search of runs": lambda world, actor, place: world.runs.search(actor, [place.experiment]),
    "search of models": lambda world, actor, place: world.models.search(actor, [place.experiment]),
    "search of data sets": lambda world, actor, place: world.inputs.search_datasets(actor, [place.experiment]),
}
WRITES: dict[str, Operation] = {
    "tag an experiment": lambda world, actor, place: world.experiments.set_tag(actor, place.experiment, "k", "v"),
    "untag an experiment": lambda world, actor, place: world.experiments.delete_tag(actor, place.experiment, "team"),
    "create a run": lambda world, actor, place: world.runs.create(actor, place.experiment),
    "create a run of an id": lambda world, actor, place: world.runs.create(actor, place.experiment, run_id="0" * 32),
    "update a run": lambda world, actor, place: world.runs.update(actor, place.run, run_name="new"),
    "log": lambda world, actor, place: world.log.log(actor, place.run, points=point(), params=[("p", "1")]),
    "log points": lambda world, actor, place: world.log.log_points(actor, place.run, point()),
    "send a heartbeat": lambda world, actor, place: world.heartbeats.hear(actor, place.run, timeout_s=60),
    "untag a run": lambda world, actor, place: world.log.delete_tag(actor, place.run, "team"),
    "log a model": lambda world, actor, place: world.log.log_model(
        actor, place.run, '{"artifact_path": "m", "flavors": {}, "utc_time_created": "", "run_id": ""}'
    ),
    "log inputs": lambda world, actor, place: world.inputs.log_inputs(actor, place.run),
    "log outputs": lambda world, actor, place: world.inputs.log_outputs(
        actor, place.run, [ModelOutput(place.model, 1)]
    ),
    "create a model": lambda world, actor, place: world.models.create(actor, place.experiment),
    "finalize a model": lambda world, actor, place: world.models.finalize(actor, place.model, LoggedModelStatus.READY),
    "add params": lambda world, actor, place: world.models.add_params(actor, place.model, [("p", "1")]),
    "tag a model": lambda world, actor, place: world.models.set_tags(actor, place.model, [("k", "v")]),
    "untag a model": lambda world, actor, place: world.models.delete_tag(actor, place.model, "team"),
    "put to a run": lambda world, actor, place: world.artifacts.put_to_run(actor, place.run, "g.txt", stream(b"x")),
    "put by path": lambda world, actor, place: world.artifacts.put(actor, f"{place.run_file}2", stream(b"x")),
    "put by path of a model": lambda world, actor, place: world.artifacts.put(
        actor, f"{place.model_file}2", stream(b"x")
    ),
    "delete a file": lambda world, actor, place: world.artifacts.delete(actor, place.run_file),
    "delete a model": lambda world, actor, place: world.models.delete(actor, place.model),
    "delete a run": lambda world, actor, place: world.runs.delete(actor, place.run),
    "restore a run": lambda world, actor, place: world.runs.restore(actor, place.run),
    "delete an experiment": lambda world, actor, place: world.experiments.delete(actor, place.experiment),
}


async def outcome(world: World, operation: Operation, actor: Actor, place: Place) -> str:
    """What came of it: the answer, or the error with its message; ids are left out."""
    try:
        found = repr(await operation(world, actor, place))
    except TrackbackError as error:
        found = f"{type(error).__name__}: {error.message}"
    for each in (place.run, place.model, place.name):
        found = found.replace(each, "<id>")
    return re.sub(rf"\b{place.experiment}\b", "<id>", found)


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_what_one_may_not_read_can_not_be_told_from_what_is_not_there(world: World, name: str) -> None:
    operation = (READS | WRITES)[name]
    mine, theirs = await world.place("mine"), await world.place("theirs")
    for actor in (having(Role.WRITER, mine), having(Role.READER, mine), NOBODY):
        hidden = await outcome(world, operation, actor, theirs)

        assert hidden == await outcome(world, operation, actor, missing(theirs))
        assert "theirs" not in hidden


@pytest.mark.parametrize("name", READS)
async def test_who_may_read_an_experiment_reads_all_that_belongs_to_it(world: World, name: str) -> None:
    operation = READS[name]
    mine = await world.place("mine")
    unlimited = await outcome(world, operation, ANYONE, mine)
    assert "Error" not in unlimited

    if name == "directory of an experiment":  # above what roles are given for
        assert await outcome(world, operation, everywhere(Role.READER), mine) == unlimited
    else:
        assert await outcome(world, operation, having(Role.READER, mine), mine) == unlimited


@pytest.mark.parametrize("name", WRITES)
async def test_who_may_only_read_is_refused_each_change_and_who_may_write_is_not(world: World, name: str) -> None:
    mine = await world.place("mine")
    for reader in (having(Role.READER, mine), everywhere(Role.READER), having(Role.PROMOTER, mine)):
        with pytest.raises(PermissionDenied):
            await WRITES[name](world, reader, mine)

    await WRITES[name](world, having(Role.WRITER, mine), mine)


async def test_searches_over_all_find_what_one_may_read(world: World) -> None:
    mine, theirs = await world.place("mine"), await world.place("theirs")
    ids = [mine.experiment, theirs.experiment]
    ann = having(Role.READER, mine)

    experiments = (await world.experiments.search(ann, max_results=10)).items
    runs = (await world.runs.search(ann, ids)).items
    models = (await world.models.search(ann, ids)).items
    assert [each.experiment_id for each in experiments] == [mine.experiment]
    assert [each.info.run_id for each in runs] == [mine.run]
    assert [each.info.model_id for each in models] == [mine.model]
    assert [each.experiment_id for each in await world.inputs.search_datasets(ann, ids)] == [mine.experiment]
    assert (await world.experiments.search(NOBODY, max_results=10)).items == []


async def test_pages_of_a_search_hold_as_many_as_were_asked_for(world: World) -> None:
    places = [await world.place(f"place {number}") for number in range(6)]
    ann = having(Role.READER, *places[::2])
    found = []
    token: str | None = ""
    while token is not None:
        items, token = await world.experiments.search(ann, max_results=2, page_token=token)
        found.append([each.name for each in items])

    assert sorted(map(len, found)) == [1, 2]
    assert sorted(name for page in found for name in page) == ["place 0", "place 2", "place 4"]


async def test_what_is_new_or_has_a_name_for_all_needs_the_role_everywhere(world: World) -> None:
    mine = await world.place("mine")
    for actor in (having(Role.WRITER, mine), having(Role.ADMIN, mine), everywhere(Role.READER)):
        with pytest.raises(PermissionDenied):
            await world.experiments.create(actor, "theirs")
        with pytest.raises(PermissionDenied):
            await world.experiments.rename(actor, mine.experiment, "theirs")
        with pytest.raises(PermissionDenied):
            await world.artifacts.put(actor, "free/place.txt", stream(b"x"))
        with pytest.raises(PermissionDenied):
            await world.artifacts.delete(actor, mine.experiment)

    assert await world.experiments.create(everywhere(Role.WRITER), "theirs")


async def test_a_point_is_logged_for_no_model_that_one_may_not_write(world: World) -> None:
    mine, theirs = await world.place("mine"), await world.place("theirs")
    of_model = [ModelOfPoint(0, theirs.model, "", "")]

    with pytest.raises(NotFound):
        await world.log.log(having(Role.WRITER, mine), mine.run, points=point(), models=of_model)
    both = Grants(
        experiments={
            int(mine.experiment): Role.WRITER.permissions,
            int(theirs.experiment): frozenset((Permission.READ,)),
        }
    )
    with pytest.raises(PermissionDenied):
        await world.log.log(Actor("ann", None, both), mine.run, points=point(), models=of_model)


async def test_an_experiment_that_lies_in_anothers_files_opens_none_of_them(world: World) -> None:
    """Its artifact location leads into a run's folder; what counts is whose folder that is."""
    theirs = await world.place("theirs")
    inside = f"mlflow-artifacts:/{theirs.run_file.removesuffix('f.txt')}deep"
    experiment = await world.experiments.create(ANYONE, "trap", artifact_location=inside)
    run = (await world.runs.create(ANYONE, experiment)).info
    ann = Actor("ann", None, Grants(experiments={int(experiment): Role.WRITER.permissions}))

    with pytest.raises(PermissionDenied):
        await world.artifacts.put_to_run(ann, run.run_id, "x.txt", stream(b"x"))
    await world.artifacts.put_to_run(ANYONE, run.run_id, "x.txt", stream(b"x"))
    with pytest.raises(NotFound):
        await world.artifacts.open_of_run(ann, run.run_id, "x.txt")


async def test_a_snapshot_is_for_those_who_may_read_a_model_that_has_it(world: World) -> None:
    mine = await world.place("mine")
    tree = await world.snapshots.prepare(f"mlflow-artifacts:/{mine.run_file.removesuffix('/f.txt')}")
    snapshot = await world.storage.write(lambda tx: freeze(tx, tree, 1))
    assert snapshot is not None
    path = f"versions/{snapshot.digest}/f.txt"
    models = [
        (
            await world.storage.write(
                lambda tx, name=name: tx.rows(  # type: ignore[misc]
                    "INSERT INTO registered_models (name, description, created_ms, updated_ms, last_version)"
                    " VALUES (?, '', 1, 1, 1) RETURNING id",
                    name,
                )
            )
        )[0][0]
        for name in ("with it", "without")
    ]
    await world.storage.write(
        lambda tx: tx.run(
            "INSERT INTO model_versions (model, version, description, user_id, source, location, digest, run_id,"
            " run_link, logged_model, stage, status, status_message, created_ms, updated_ms)"
            " VALUES (?, 1, '', '', '', '', ?, '', '', '', 'None', 'READY', '', 1, 1)",
            models[0],
            snapshot.digest,
        )
    )

    def reader_of(model: int) -> Actor:
        return Actor("ann", None, Grants(models={model: Role.READER.permissions}))

    assert await read_file(world, reader_of(models[0]), path) == b"mine"
    for actor in (reader_of(models[1]), having(Role.READER, mine), NOBODY):
        with pytest.raises(NotFound):
            await read_file(world, actor, path)
        assert await world.artifacts.list_directory(actor, f"versions/{snapshot.digest}") == []
