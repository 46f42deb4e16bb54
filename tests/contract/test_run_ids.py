"""Runs whose client has chosen their id: begun once, however often that is asked for, and taken from nobody."""

import asyncio

import pytest

from tests.contract.registered import register_model, register_version
from trackback.entities import ANYONE, Actor, Grants, Points, Role, RunStatus
from trackback.errors import AlreadyExists, InvalidParameter, NotFound, PermissionDenied
from trackback.services.experiments import Experiments
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage

RUN_ID = "0123456789abcdef0123456789abcdef"


class World:
    """Two experiments, and people who may write to both, to one, or read alone."""

    def __init__(self, storage: Storage, here: str, elsewhere: str) -> None:
        self.storage = storage
        self.runs = Runs(storage)
        self.run_log = RunLog(storage, Sealer(storage))
        self.here = here
        self.elsewhere = elsewhere
        self.ann, self.bob = self.person("ann", here, elsewhere), self.person("bob", here, elsewhere)
        self.eve = self.person("eve", here)

    def person(self, name: str, *experiments: str, role: Role = Role.WRITER) -> Actor:
        return Actor(name, grants=Grants(experiments={int(each): role.permissions for each in experiments}))

    async def refusal(self, actor: Actor, experiment: str, run_id: str = RUN_ID) -> str:
        """How an id that is another's is refused."""
        with pytest.raises(AlreadyExists) as refused:
            await self.runs.create(actor, experiment, run_id=run_id)
        return refused.value.message


@pytest.fixture
async def world(storage: Storage) -> World:
    experiments = Experiments(storage, "mlflow-artifacts:/")
    return World(storage, await experiments.create(ANYONE, "here"), await experiments.create(ANYONE, "elsewhere"))


async def test_a_run_has_the_id_that_its_client_chose(world: World) -> None:
    created = await world.runs.create(world.ann, world.here, run_id=RUN_ID, run_name="offline")
    assert created.info.run_id == RUN_ID
    assert created.info.artifact_uri == f"mlflow-artifacts:/{world.here}/{RUN_ID}/artifacts"
    assert (await world.runs.get(world.ann, RUN_ID)).info == created.info


async def test_begun_again_it_is_the_run_that_is_there_as_it_is(world: World) -> None:
    await world.runs.create(world.ann, world.here, run_id=RUN_ID, run_name="first")
    await world.run_log.log(world.ann, RUN_ID, points=Points(["loss"], [1], [1], [0.5]), params=[("p", "1")])
    await world.runs.update(world.ann, RUN_ID, status=RunStatus.FINISHED, end_time_ms=5)
    there = await world.runs.get(world.ann, RUN_ID)
    again = await world.runs.create(
        world.ann, world.here, run_id=RUN_ID, run_name="second", start_time_ms=7, tags=[("new", "tag")]
    )
    assert again == there == await world.runs.get(world.ann, RUN_ID)


async def test_begun_again_by_many_at_once_it_is_one_run(world: World) -> None:
    created = await asyncio.gather(
        *(world.runs.create(world.ann, world.here, run_id=RUN_ID, run_name=f"r{i}") for i in range(12))
    )
    assert len({run.info for run in created}) == 1
    assert len((await world.runs.search(world.ann, [world.here])).items) == 1


async def test_without_accounts_everybody_is_the_same(world: World) -> None:
    created = await world.runs.create(ANYONE, world.here, run_id=RUN_ID)
    assert (await world.runs.create(ANYONE, world.here, run_id=RUN_ID)).info == created.info


async def test_an_id_that_is_anothers_is_refused_in_the_same_words_whatever_the_run_is(world: World) -> None:
    theirs, hidden = RUN_ID, RUN_ID[::-1]
    await world.runs.create(world.ann, world.here, run_id=theirs, run_name="secret")
    await world.runs.create(world.ann, world.elsewhere, run_id=hidden, run_name="secret")
    refusals = {
        await world.refusal(world.bob, world.here),
        await world.refusal(world.ann, world.elsewhere),
        await world.refusal(world.eve, world.here),
        (await world.refusal(world.eve, world.here, hidden)).replace(hidden, theirs),
    }
    assert refusals == {f"The run ID {RUN_ID} is taken, by a run of somebody else or elsewhere. Choose another."}


async def test_an_id_that_a_version_names_of_a_run_elsewhere_is_not_to_be_had(world: World) -> None:
    """What is logged to a run here would count as what that version came from."""
    await register_version(world.storage, await register_model(world.storage, "churn"), run_id=RUN_ID)
    assert "is taken" in await world.refusal(world.ann, world.here)


async def test_a_deleted_run_keeps_its_id(world: World) -> None:
    await world.runs.create(world.ann, world.here, run_id=RUN_ID)
    await world.runs.delete(world.ann, RUN_ID)
    assert (await world.runs.create(world.ann, world.here, run_id=RUN_ID)).info.lifecycle_stage == "deleted"
    assert "is taken" in await world.refusal(world.bob, world.here)


async def test_who_may_not_write_to_the_experiment_learns_nothing_of_an_id(world: World) -> None:
    await world.runs.create(world.ann, world.elsewhere, run_id=RUN_ID)
    for run_id in (RUN_ID, "f" * 32):
        with pytest.raises(NotFound, match=f"No Experiment with id={world.elsewhere} exists"):
            await world.runs.create(world.eve, world.elsewhere, run_id=run_id)
        with pytest.raises(PermissionDenied, match="lacks the permission 'write'"):
            await world.runs.create(
                world.person("rob", world.elsewhere, role=Role.READER), world.elsewhere, run_id=run_id
            )


@pytest.mark.parametrize(
    "run_id", ["", "run", "A" * 32, "0" * 31, "0" * 33, f"m-{'0' * 30}", "٣" * 32, f"{'0' * 32}\n"]
)
async def test_an_id_looks_like_those_that_servers_choose(world: World, run_id: str) -> None:
    with pytest.raises(InvalidParameter, match=r"Invalid run ID: .* must be 32 hex digits in lower case"):
        await world.runs.create(world.ann, world.here, run_id=run_id)
