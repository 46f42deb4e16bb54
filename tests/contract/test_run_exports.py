"""Runs as files, what a filter is offered while it is typed, and tables of experiments, on every database."""

import pytest

from tests.contract.run_table_world import NOBODY, RunTableWorld, open_world
from trackback.entities import ANYONE, Actor, Grants, Permission
from trackback.search import Kind
from trackback.services.experiment_tables import ExperimentTables
from trackback.services.experiments import Experiments
from trackback.services.run_columns import Fact
from trackback.services.run_exports import PIECE
from trackback.services.run_tables import Query
from trackback.storage import Storage


@pytest.fixture
async def world(storage: Storage) -> RunTableWorld:
    return await open_world(storage)


# Exports


async def test_an_export_has_each_run_once_in_order_also_of_those_that_come_meanwhile(world: RunTableWorld) -> None:
    for n in range(PIECE + 3):
        await world.run(f"r{n}", params=[("n", str(n))])
    export = await world.exports.begin(ANYONE, world.experiment, Query(order_by=("start_time ASC",)))
    sizes: list[int] = []
    found: list[str] = []
    async for piece in world.exports.pieces(ANYONE, export):
        sizes.append(len(piece))
        found.extend(row.params["n"] for row in piece)
        await world.run("later")

    assert sizes == [PIECE, 3]
    assert found == [str(n) for n in range(PIECE + 3)]


async def test_an_export_of_all_columns_has_every_key_of_the_experiment(world: RunTableWorld) -> None:
    await world.run("a", metrics=[("m b", 1.0), ("ma", 1.0)], tags=[("t", "1")])
    await world.run("b", params=[("p", "1")])

    export = await world.exports.begin(ANYONE, world.experiment, Query("run_name = 'b'"))

    spelled = [column.spelled for column in export.columns]
    assert spelled[len(Fact) :] == ["metrics.`m b`", "metrics.ma", "params.p", "tags.mlflow.runName", "tags.t"]
    assert len(export.numbers) == 1


async def test_an_export_of_selected_runs_takes_none_of_another_experiment(
    world: RunTableWorld, storage: Storage
) -> None:
    a, b = await world.run("a"), await world.run("b")
    home, world.experiment = world.experiment, await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "two")
    elsewhere = await world.run("elsewhere")

    export = await world.exports.begin(ANYONE, home, Query(), run_ids=[b, elsewhere, a, b])
    pieces = [[row.info.run_name for row in piece] async for piece in world.exports.pieces(ANYONE, export)]

    assert pieces == [["b", "a"]]


# Completion


async def offered(world: RunTableWorld, text: str) -> list[str]:
    found = await world.completion.complete(ANYONE, world.experiment, text, len(text))
    return [candidate.text for candidate in found.candidates]


async def test_names_and_values_are_offered_that_the_experiments_runs_have(
    world: RunTableWorld, storage: Storage
) -> None:
    await world.run("night 1", metrics=[("val loss", 1.0)], params=[("solver", "sag"), ("solver 2", "it's")])
    await world.run("night 2", params=[("solver", "saga")])
    home, world.experiment = world.experiment, await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "two")
    await world.run("elsewhere", params=[("solver", "sad"), ("solving", "1")])
    world.experiment = home

    assert await offered(world, "solv") == ["params.solver", "params.`solver 2`"]
    assert await offered(world, "metrics.`va") == ["metrics.`val loss`"]
    assert await offered(world, "params.solver = 'sa") == ["'sag'", "'saga'"]
    assert await offered(world, "params.`solver 2` = ") == ['"it\'s"']
    assert await offered(world, "run_name LIKE 'ni") == ["'night 1'", "'night 2'"]
    assert await offered(world, "status = 'fi") == ["'FINISHED'"]
    assert await offered(world, "params.none = ") == []
    assert await offered(world, "metrics.loss >") == [">", ">="]


async def test_names_are_told_by_kind(world: RunTableWorld) -> None:
    await world.run("a", metrics=[("loss", 1.0), ("acc", 1.0)], params=[("lr", "1")])

    names = await world.completion.names(ANYONE, world.experiment)

    assert (names[Kind.METRIC], names[Kind.PARAM]) == (["acc", "loss"], ["lr"])


# Experiments


async def test_experiments_tell_how_many_runs_they_have_and_how_the_latest_stands(world: RunTableWorld) -> None:
    await world.run("a")
    gone = await world.run("b")
    await world.runs.delete(ANYONE, gone)
    experiments = Experiments(world.storage, "mlflow-artifacts:/")
    found = [await experiments.get(ANYONE, world.experiment)]

    (row,) = await ExperimentTables(world.storage).rows(ANYONE, found)

    assert (row.runs, row.last_status, row.last_start_ms) == (1, "RUNNING", 1001)
    reader = Actor("bob", grants=Grants(frozenset((Permission.READ,))))
    assert len(await ExperimentTables(world.storage).rows(reader, found)) == 1
    assert await ExperimentTables(world.storage).rows(NOBODY, found) == []
