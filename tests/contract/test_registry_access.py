"""What somebody may do who has a role for one registered model only, on each database.

Each operation is tried on a model that the actor has a role for, on one that it has none for, and on one that is not
there. The last two must not be told apart.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.contract.registry_world import World
from tests.contract.test_artifacts import contents
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission, Role
from trackback.errors import PermissionDenied, TrackbackError
from trackback.storage import Storage

NOBODY = Actor("nobody", grants=Grants())


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    """With the models mine and theirs, and a version of each, from one run."""
    blobs = open_blobs(str(tmp_path / "blobs"))
    world = World(storage, blobs, str(tmp_path / "elsewhere"))
    await world.begin("mlflow-artifacts:/training")
    for name in ("mine", "theirs"):
        await world.models.create(ANYONE, name, tags=[("k", name)])
        await world.register(name, tags={"k": name})
        await world.models.set_alias(ANYONE, name, "chosen", "1")
    yield world
    await blobs.close()


async def number_of(world: World, name: str) -> int:
    return int((await world.models.get(ANYONE, name)).id)


async def having(world: World, *roles: Role, name: str = "mine", experiment: Role | None = None) -> Actor:
    """Somebody with roles for one model, and perhaps one for the experiment of the run."""
    permissions = frozenset[Permission]().union(*(role.permissions for role in roles))
    experiments = {int(world.experiment_id): experiment.permissions} if experiment else {}
    return Actor(
        "ann", "192.0.2.1", Grants(models={await number_of(world, name): permissions}, experiments=experiments)
    )


Operation = Callable[[World, Actor, str], Awaitable[object]]

READS: dict[str, Operation] = {
    "model": lambda world, actor, name: world.models.get(actor, name),
    "version": lambda world, actor, name: world.versions.get(actor, name, "1"),
    "version by alias": lambda world, actor, name: world.versions.get_by_alias(actor, name, "chosen"),
    "latest": lambda world, actor, name: world.versions.latest(actor, name),
    "download uri": lambda world, actor, name: world.versions.download_uri(actor, name, "1"),
    "search of models": lambda world, actor, name: world.models.search(actor, filter_text=f"name = '{name}'"),
    "search of versions": lambda world, actor, name: world.versions.search(actor, filter_text=f"name = '{name}'"),
}
WRITES: dict[str, Operation] = {
    "describe": lambda world, actor, name: world.models.update(actor, name, "new"),
    "tag": lambda world, actor, name: world.models.set_tag(actor, name, "k", "v"),
    "untag": lambda world, actor, name: world.models.delete_tag(actor, name, "k"),
    "alias": lambda world, actor, name: world.models.set_alias(actor, name, "other", "1"),
    "delete an alias": lambda world, actor, name: world.models.delete_alias(actor, name, "chosen"),
    "describe a version": lambda world, actor, name: world.versions.update(actor, name, "1", "new"),
    "tag a version": lambda world, actor, name: world.versions.set_tag(actor, name, "1", "k", "v"),
    "untag a version": lambda world, actor, name: world.versions.delete_tag(actor, name, "1", "k"),
    "archive": lambda world, actor, name: world.versions.transition_stage(actor, name, "1", "Archived"),
    "register": lambda world, actor, name: world.versions.create(actor, name, f"runs:/{world.run_id}/model"),
    "copy": lambda world, actor, name: world.versions.create(actor, name, "models:/mine/1"),
    "delete a version": lambda world, actor, name: world.versions.delete(actor, name, "1"),
    "delete": lambda world, actor, name: world.models.delete(actor, name),
}


async def outcome(world: World, operation: Operation, actor: Actor, name: str) -> str:
    """What came of it: the answer, or the error with its message, without the name."""
    try:
        return repr(await operation(world, actor, name)).replace(name, "<name>")
    except TrackbackError as error:
        return f"{type(error).__name__}: {error.message}".replace(name, "<name>")


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_a_model_that_one_may_not_read_can_not_be_told_from_one_that_is_not_there(
    world: World, name: str
) -> None:
    operation = (READS | WRITES)[name]
    for actor in (
        await having(world, Role.WRITER, experiment=Role.WRITER),
        await having(world, Role.READER, Role.PROMOTER),
        NOBODY,
    ):
        hidden = await outcome(world, operation, actor, "theirs")

        assert hidden == await outcome(world, operation, actor, "nothing")


@pytest.mark.parametrize("name", READS)
async def test_who_may_read_a_model_reads_all_of_it(world: World, name: str) -> None:
    reader = await having(world, Role.READER)
    unlimited = await outcome(world, READS[name], ANYONE, "mine")

    assert "Error" not in unlimited
    assert await outcome(world, READS[name], reader, "mine") == unlimited


@pytest.mark.parametrize("name", WRITES)
async def test_who_may_only_read_is_refused_each_change_and_who_may_write_is_not(world: World, name: str) -> None:
    for role in (Role.READER, Role.PROMOTER, Role.APPROVER):
        with pytest.raises(PermissionDenied):
            await WRITES[name](world, await having(world, role, experiment=Role.READER), "mine")

    await WRITES[name](world, await having(world, Role.WRITER, experiment=Role.READER), "mine")


async def test_searches_find_the_models_and_versions_that_one_may_read(world: World) -> None:
    ann = await having(world, Role.READER)

    assert [model.name for model in (await world.models.search(ann)).items] == ["mine"]
    assert [version.name for version in (await world.versions.search(ann)).items] == ["mine"]
    assert (await world.models.search(NOBODY)).items == []
    assert (await world.versions.search(NOBODY)).items == []


async def test_the_files_of_a_version_are_for_those_who_may_read_its_model(world: World) -> None:
    location = (await world.versions.download_uri(ANYONE, "mine", "1")).removeprefix("mlflow-artifacts:/")

    file = await world.artifacts.open(await having(world, Role.READER), f"{location}/MLmodel")
    assert await contents(file) == b"flavors: {}"
    with pytest.raises(TrackbackError, match="No such artifact"):
        await world.artifacts.open(NOBODY, f"{location}/MLmodel")


async def test_names_are_given_by_who_may_write_everything(world: World) -> None:
    for actor in (await having(world, Role.ADMIN), Actor("ann", None, Grants(everywhere=Role.READER.permissions))):
        with pytest.raises(PermissionDenied):
            await world.models.create(actor, "theirs")
        with pytest.raises(PermissionDenied):
            await world.models.rename(actor, "mine", "theirs")


async def test_a_version_comes_from_nowhere_that_one_may_not_read(world: World) -> None:
    ann = await having(world, Role.WRITER)
    run, theirs = f"runs:/{world.run_id}/model", "models:/theirs/1"
    for source, missing in (
        (run, f"runs:/{'f' * 32}/model"),
        (theirs, "models:/nothing/1"),
        (f"{world.run_uri}/model", f"{world.run_uri}/model".replace(world.run_id, "f" * 32)),
    ):
        answers = []
        for each in (source, missing):
            with pytest.raises(TrackbackError) as refused:
                await world.versions.create(ann, "mine", each)
            answers.append(f"{type(refused.value)}: {refused.value.message.replace(each, '…')}")
        assert answers[0].replace("theirs", "…") == answers[1].replace("nothing", "…")


async def test_a_place_outside_is_taken_in_only_as_that_of_a_run_or_by_who_may_write_everything(
    world: World, tmp_path: Path
) -> None:
    """The server reads it with credentials of its own, and others keep their files there, too."""
    ann = await having(world, Role.WRITER, experiment=Role.READER)
    with pytest.raises(PermissionDenied):
        await world.versions.create(ann, "mine", "hdfs://name/2/theirs/model")
    with pytest.raises(PermissionDenied):
        await world.versions.create(ann, "mine", "hdfs://name/2/theirs/model", run_id=world.run_id)

    everywhere = Actor("root", None, Grants(everywhere=Role.WRITER.permissions))
    elsewhere = await world.new_experiment("elsewhere", "hdfs://name/1")
    run = (await world.runs.create(ANYONE, elsewhere)).info
    of_run = Actor(
        "ann",
        None,
        Grants(
            models={await number_of(world, "mine"): Role.WRITER.permissions},
            experiments={int(elsewhere): Role.READER.permissions},
        ),
    )
    with pytest.raises(PermissionDenied):
        await world.versions.create(of_run, "mine", f"{run.artifact_uri}-of-others/model", run_id=run.run_id)
    for actor, run_id in ((everywhere, ""), (of_run, run.run_id)):
        made = await world.versions.create(actor, "mine", f"{run.artifact_uri}/model", run_id=run_id)
        assert made.digest is None  # this server reads no such place


@pytest.mark.parametrize("way", ["alias", "stage"])
async def test_to_promote_by_alias_or_stage_one_must_be_a_promoter_and_a_writer(world: World, way: str) -> None:
    async def promote(*roles: Role) -> None:
        actor = await having(world, *roles)
        if way == "alias":
            await world.models.set_alias(actor, "mine", "production", "1")
        else:
            await world.versions.transition_stage(actor, "mine", "1", "Production")

    for roles in ((Role.WRITER,), (Role.PROMOTER,), (Role.READER, Role.APPROVER)):
        with pytest.raises(PermissionDenied):
            await promote(*roles)

    await promote(Role.WRITER, Role.PROMOTER)
