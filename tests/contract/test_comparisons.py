"""Comparing many runs: all of what was logged to them and went into them, by name and run, on each database."""

import hashlib
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.delivery_world import COMMIT, STRONG, WEAK, World
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission, Points, Tag
from trackback.errors import InvalidParameter
from trackback.search import Aggregate
from trackback.services.code_comparison import LineKind
from trackback.services.comparisons import Comparisons, Selection
from trackback.services.run_pairs import RunPairs
from trackback.storage import Storage


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    world = World(storage, blobs)
    await world.begin()
    yield world
    await blobs.close()


@pytest.fixture
def comparisons(storage: Storage) -> Comparisons:
    return Comparisons(storage)


async def run_with(world: World, loss: float, **params: str) -> str:
    run_id = await world.run(params=params)
    points = Points(["loss", "loss"], [0, 1], [1, 2], [1.0, loss])
    await world.run_log.log(ANYONE, run_id, points=points, tags=[("team", "red")])
    return run_id


async def test_values_stand_at_the_place_of_their_run_in_the_order_asked_for(
    world: World, comparisons: Comparisons
) -> None:
    a, b = await run_with(world, 0.5, solver="sag", depth="3"), await run_with(world, 0.25, solver="lbfgs")
    found = await comparisons.logged(ANYONE, Selection([b, a]))
    assert [run.run_id for run in found.runs] == [b, a]
    assert found.parts["params"] == {"depth": {1: "3"}, "solver": {0: "lbfgs", 1: "sag"}}
    assert found.parts["metrics"] == {"loss": {0: 0.25, 1: 0.5}}
    assert found.parts["tags"]["team"] == {0: "red", 1: "red"}


@pytest.mark.parametrize(("aggregate", "value"), [("last", 0.5), ("min", 0.5), ("max", 1.0)])
async def test_metrics_are_their_last_least_or_greatest_values(
    world: World, comparisons: Comparisons, aggregate: str, value: float
) -> None:
    run_id = await run_with(world, 0.5)
    found = await comparisons.logged(ANYONE, Selection([run_id]), parts=("metrics",), aggregate=Aggregate(aggregate))
    assert found.parts == {"metrics": {"loss": {0: value}}}


async def test_only_what_is_named_is_read(world: World, comparisons: Comparisons) -> None:
    run_id = await run_with(world, 0.5, solver="sag", depth="3")
    names = {"params": ["depth", "none"], "metrics": []}
    found = await comparisons.logged(ANYONE, Selection([run_id]), parts=("params", "metrics"), names=names)
    assert found.parts == {"params": {"depth": {0: "3"}}, "metrics": {}}


async def test_a_last_point_that_is_nan_is_that(world: World, comparisons: Comparisons) -> None:
    found = await comparisons.logged(ANYONE, Selection([await run_with(world, math.nan)]), parts=("metrics",))
    assert math.isnan(found.parts["metrics"]["loss"][0])


async def test_runs_are_found_by_a_filter_in_its_order_after_those_that_are_named(
    world: World, comparisons: Comparisons
) -> None:
    named = await run_with(world, 9.0, solver="other")
    found_by = [await run_with(world, loss, solver="sag") for loss in (0.3, 0.1, 0.2)]
    found = await comparisons.logged(
        ANYONE, Selection([named, found_by[0]], ["0"], "params.solver = 'sag'", ["metrics.loss ASC"])
    )
    assert [run.run_id for run in found.runs] == [named, found_by[0], found_by[1], found_by[2]]
    assert not found.more


async def test_what_is_not_there_is_said_and_the_rest_compared(world: World, comparisons: Comparisons) -> None:
    run_id = await run_with(world, 0.5)
    found = await comparisons.logged(ANYONE, Selection(["f" * 32, run_id]))
    assert ([run.run_id for run in found.runs], found.missing) == ([run_id], ["f" * 32])
    assert found.parts["metrics"] == {"loss": {0: 0.5}}


async def test_who_may_not_read_a_run_is_told_the_same_as_if_it_were_not_there(
    world: World, comparisons: Comparisons
) -> None:
    run_id = await run_with(world, 0.5)
    stranger = Actor("eve", grants=Grants(experiments={7: frozenset((Permission.READ,))}))
    found = await comparisons.logged(stranger, Selection([run_id], ["0"]))
    assert (found.runs, found.missing, found.parts["params"]) == ([], [run_id], {})


async def test_more_runs_than_can_be_compared_are_refused_by_id_and_cut_by_filter(
    world: World, comparisons: Comparisons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackback.limits.COMPARED_RUNS", 2)
    ids = [await run_with(world, 0.5) for _ in range(3)]
    with pytest.raises(InvalidParameter, match="At most 2 runs can be compared at once, and these are 3"):
        await comparisons.logged(ANYONE, Selection(ids))
    found = await comparisons.logged(ANYONE, Selection(experiment_ids=["0"]))
    assert (len(found.runs), found.more) == (2, True)


async def test_what_went_into_runs_is_compared_from_their_documents_and_from_their_tags(
    world: World, comparisons: Comparisons
) -> None:
    documented, tagged, unknown = await world.run(), await world.run(commit=COMMIT), await world.run()
    await world.put_document(
        documented,
        code={"commit": "f" * 40, "branch": "main", "command": ["python", "train.py"]},
        environment={"python": "3.11.4", "os": "Debian", "packages": {"numpy": "2.0.0", "scipy": "1.14"}},
        datasets=[{"name": "train", "sha256": STRONG, "context": "training"}],
    )
    await world.use(tagged, "train")
    await world.put(tagged, "model/requirements.txt", b"numpy==1.26.0\n")
    found = await comparisons.made_of(ANYONE, Selection([documented, tagged, unknown]))
    assert found.parts["code"] == {
        "branch": {0: "main"},
        "command": {0: "python train.py"},
        "commit": {0: "f" * 40, 1: COMMIT},
    }
    assert found.parts["data"] == {"train": {1: WEAK}, "train (training)": {0: STRONG}}
    assert found.parts["packages"]["numpy"] == {0: "2.0.0", 1: "1.26.0"}
    assert found.parts["packages"]["scipy"] == {0: "1.14"}
    assert found.parts["environment"] == {"os": {0: "Debian"}, "python": {0: "3.11.4"}}


async def test_many_runs_are_told_the_same_as_each_by_itself(world: World, comparisons: Comparisons) -> None:
    runs = [await world.run(commit=COMMIT) for _ in range(3)]
    await world.put_document(runs[0], environment={"python": "3.12.1", "packages": {"pandas": "2.2"}})
    await world.put(runs[1], "a/requirements.txt", b"pandas>=2\n")
    await world.put(runs[1], "b/requirements.txt", b"pandas==2.1\n")
    await world.use(runs[2], "train")
    found = await comparisons.made_of(ANYONE, Selection(runs))
    for place, run_id in enumerate(runs):
        known = await world.known_of(run_id)
        assert {name: column[place] for name, column in found.parts["packages"].items() if place in column} == {
            each.name: each.version or each.specifier for each in known.packages
        }
        assert known.code is not None
        assert found.parts["code"]["commit"][place] == known.code.commit
    assert found.parts["packages"]["pandas"][1] == "2.1"  # the file that says a version counts


async def test_scripts_are_read_side_by_side(world: World) -> None:
    pairs = RunPairs(world.provenance, world.artifacts)
    runs = [await world.run(), await world.run()]
    for run_id, depth in zip(runs, (3, 4), strict=True):
        script = f"import trackback\ndepth = {depth}\nfit(depth)\n".encode()
        await world.put(run_id, "trackback/train.py", script)
        record = {"path": "trackback/train.py", "sha256": hashlib.sha256(script).hexdigest()}
        await world.put_document(run_id, code={"script": record})
    (script_file,) = await pairs.code(ANYONE, *runs)
    assert [line.kind for line in script_file.lines] == [LineKind.EQUAL, LineKind.CHANGED, LineKind.EQUAL]
    changed = script_file.lines[1]
    assert (changed.left, changed.right) == ((2, "depth = 3"), (2, "depth = 4"))
    assert not script_file.is_equal


async def test_a_file_that_is_lost_costs_only_itself(world: World) -> None:
    pairs = RunPairs(world.provenance, world.artifacts)
    runs = [await world.run(), await world.run()]
    for run_id in runs:
        await world.put_document(run_id, code={"notebook": {"path": "trackback/notebook.ipynb"}})
    (notebook,) = await pairs.code(ANYONE, *runs)
    assert len(notebook.problems) == 2
    assert "trackback/notebook.ipynb: No such artifact" in notebook.problems[0]


async def test_columns_of_data_that_differs_are_told_by_name(world: World) -> None:
    pairs = RunPairs(world.provenance, world.artifacts)
    runs = [await world.run(), await world.run()]
    for run_id, digest, kind in zip(runs, ("1" * 64, "2" * 64), ("int64", "double"), strict=True):
        columns = [{"name": "age", "type": kind}, {"name": "id", "type": "string"}]
        dataset = {"name": "train", "sha256": digest, "rows": 10, "schema": {"columns": columns}}
        await world.put_document(run_id, datasets=[dataset])
    found = await pairs.columns(ANYONE, *runs)
    assert found["train: column age"] == {0: "int64", 1: "double"}
    assert found["train: rows"] == {0: 10, 1: 10}


async def test_tags_are_those_of_now(world: World, comparisons: Comparisons) -> None:
    run_id = await run_with(world, 0.5)
    await world.run_log.log(ANYONE, run_id, tags=[("team", "blue")])
    found = await comparisons.logged(ANYONE, Selection([run_id]), parts=("tags",))
    assert found.parts["tags"]["team"] == {0: "blue"}
    assert Tag("team", "blue") in (await world.runs.get(ANYONE, run_id)).data.tags
