"""Tables of runs: columns, groups, runs in runs, exports and completions, on every database."""

import math
from collections.abc import Sequence

import pytest

from trackback.entities import ANYONE, Actor, Dataset, DatasetInput, Grants, Permission, Points, Tag, ViewType
from trackback.errors import InvalidParameter, NotFound
from trackback.search import Field, Kind
from trackback.services.experiment_tables import ExperimentTables
from trackback.services.experiments import Experiments
from trackback.services.inputs import Inputs
from trackback.services.logged_models import LoggedModels
from trackback.services.run_columns import Fact, parse_columns, parse_group
from trackback.services.run_completion import RunCompletion
from trackback.services.run_exports import PIECE, RunExports
from trackback.services.run_groups import MOST_COUNTED, RunGroups
from trackback.services.run_log import RunLog
from trackback.services.run_tables import MOST_CHILDREN, OF_A_KIND, PARENT_TAG, Query, RunTables
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage


class World:
    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.runs = Runs(storage)
        self.log = RunLog(storage, Sealer(storage))
        self.tables = RunTables(storage)
        self.groups = RunGroups(storage)
        self.exports = RunExports(storage)
        self.completion = RunCompletion(storage)
        self.experiment = ""
        self._started = 1000

    async def run(
        self,
        name: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        tags: Sequence[tuple[str, str]] = (),
        metrics: Sequence[tuple[str, float]] = (),
        inside: str = "",
    ) -> str:
        """A run that began after those before; a metric with several values has them at steps 0, 1, …"""
        self._started += 1
        run = await self.runs.create(ANYONE, self.experiment, user_id="", run_name=name, start_time_ms=self._started)
        run_id = run.info.run_id
        keys = [key for key, _ in metrics]
        steps = [keys[:place].count(key) for place, key in enumerate(keys)]
        points = Points(keys, steps, [1] * len(keys), [value for _, value in metrics])
        kept = [*tags, (PARENT_TAG, inside)] if inside else tags
        await self.log.log(ANYONE, run_id, points=points, params=params, tags=kept)
        return run_id


@pytest.fixture
async def world(storage: Storage) -> World:
    made = World(storage)
    made.experiment = await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "one")
    return made


NOBODY = Actor("nobody", grants=Grants())


# Columns


async def test_a_table_without_chosen_columns_has_what_most_of_its_runs_have(world: World) -> None:
    await world.run("a", metrics=[("loss", 1.0), ("rare", 2.0)], params=[("lr", "1")], tags=[("team", "red")])
    await world.run("b", metrics=[("loss", 3.0)], params=[("lr", "2")])

    table = await world.tables.page(ANYONE, world.experiment, Query())

    assert [column.spelled for column in table.columns] == [
        *("status", "start_time", "duration"),
        *("metrics.loss", "metrics.rare", "params.lr", "tags.team"),
    ]
    assert [row.info.run_name for row in table.rows.items] == ["b", "a"]
    assert table.left_out == 0


async def test_what_the_table_is_ordered_by_has_a_column_and_what_is_too_much_is_counted(world: World) -> None:
    await world.run("a", params=[(f"p{n:02}", "x") for n in range(OF_A_KIND + 3)], metrics=[("loss", 1.0)])

    table = await world.tables.page(ANYONE, world.experiment, Query(order_by=("params.p14", "min(metrics.loss)")))

    params = [column.label for column in table.columns if column.group == "params"]
    assert params == ["p14", *(f"p{n:02}" for n in range(OF_A_KIND - 1))]
    assert table.columns[-1].spelled == "min(metrics.loss)"
    assert table.left_out == 3


async def test_metrics_have_their_last_least_and_greatest_value(world: World) -> None:
    await world.run("a", metrics=[("loss", 3.0), ("loss", 1.0), ("loss", 2.0), ("nan", math.nan)])

    columns = parse_columns(["max(metrics.loss)", "metrics.nan"])
    (row,) = (await world.tables.page(ANYONE, world.experiment, Query(), columns=columns)).rows.items

    assert row.metrics["loss"] == (2.0, 1.0, 3.0, 2)
    assert math.isnan(row.metrics["nan"].last)
    assert (row.metrics["nan"].least, row.params) == (None, {})


async def test_data_sets_and_models_of_runs_are_shown_where_there_are_any(world: World) -> None:
    run = await world.run("a")
    dataset = DatasetInput(Dataset("wine", "d1", "local", "{}"), (Tag("mlflow.data.context", "training"),))
    await Inputs(world.storage).log_inputs(ANYONE, run, [dataset])
    model = await LoggedModels(world.storage).create(ANYONE, world.experiment, name="net", source_run_id=run)

    table = await world.tables.page(ANYONE, world.experiment, Query())

    (row,) = table.rows.items
    assert {Fact.DATASETS, Fact.MODELS} <= {column.fact for column in table.columns}
    assert [(used.name, used.digest, used.context) for used in row.datasets] == [("wine", "d1", "training")]
    assert [(made.model_id, made.name) for made in row.models] == [(model.info.model_id, "net")]


@pytest.mark.parametrize("text", ["nonsense", "run_name", "datasets.name", "curve(params.x)", "metrics.", "curve()"])
def test_what_is_no_column_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"There is no column .* A column is one of status"):
        parse_columns([text])


@pytest.mark.parametrize("text", ["metrics.loss", "status", "curve(metrics.loss)"])
def test_runs_are_grouped_by_params_and_tags_only(text: str) -> None:
    with pytest.raises(InvalidParameter, match="grouped by a param or a tag"):
        parse_group(text)


async def test_who_may_not_read_the_experiment_is_told_that_there_is_none(world: World) -> None:
    run = await world.run("a")
    with pytest.raises(NotFound):
        await world.tables.page(NOBODY, world.experiment, Query())
    with pytest.raises(NotFound):
        await world.groups.page(NOBODY, world.experiment, Field(Kind.PARAM, "p"), Query())
    with pytest.raises(NotFound):
        await world.exports.begin(NOBODY, world.experiment, Query())
    with pytest.raises(NotFound):
        await world.completion.complete(NOBODY, world.experiment, "", 0)
    assert await world.tables.rows(NOBODY, [run], []) == []


async def test_rows_come_as_they_are_asked_for_without_those_that_are_not_there(world: World) -> None:
    a, b = await world.run("a", params=[("p", "1")]), await world.run("b")

    rows = await world.tables.rows(ANYONE, [b, "0" * 32, a], parse_columns(["params.p"]))

    assert [(row.info.run_name, row.params.get("p")) for row in rows] == [("b", None), ("a", "1")]


# Runs in runs


async def test_runs_that_are_in_no_other_count_those_that_are_in_them(world: World) -> None:
    parent = await world.run("parent")
    for n in range(3):
        child = await world.run(f"child {n}", inside=parent)
    await world.run("grandchild", inside=child)
    await world.run("alone")

    table = await world.tables.page(ANYONE, world.experiment, Query(top_only=True), count_children=True)
    inside = await world.tables.page(ANYONE, world.experiment, Query(parent=parent), count_children=True)

    assert [(row.info.run_name, row.children) for row in table.rows.items] == [("alone", 0), ("parent", 3)]
    assert [(row.info.run_name, row.children) for row in inside.rows.items] == [
        ("child 2", 1),
        ("child 1", 0),
        ("child 0", 0),
    ]


async def test_a_filter_holds_for_runs_in_a_run_too(world: World) -> None:
    parent = await world.run("parent")
    for n in range(3):
        await world.run(f"child {n}", inside=parent, params=[("n", str(n))])

    inside = await world.tables.page(ANYONE, world.experiment, Query("params.n = '0' OR params.n = '2'", parent=parent))

    assert [row.info.run_name for row in inside.rows.items] == ["child 2", "child 0"]


async def test_children_are_counted_no_further_than_a_page_needs(world: World) -> None:
    parent = await world.run("parent")
    for n in range(MOST_CHILDREN + 1):
        await world.run(f"child {n}", inside=parent)

    (row,) = (await world.tables.page(ANYONE, world.experiment, Query(top_only=True), count_children=True)).rows.items

    assert row.children == MOST_CHILDREN


# Groups


async def test_groups_are_by_value_with_the_spread_of_their_metrics(world: World) -> None:
    for value, loss in (("b", 1.0), ("a", 2.0), ("a", 4.0), ("a", math.nan)):
        await world.run("r", params=[("p", value)], metrics=[("loss", loss)])
    await world.run("without")

    page = await world.groups.page(
        ANYONE, world.experiment, Field(Kind.PARAM, "p"), Query(), columns=parse_columns(["metrics.loss"])
    )

    assert [(group.value, group.runs, group.spreads["loss"]) for group in page.items] == [
        ("a", 3, (3.0, 2.0, 4.0)),
        ("b", 1, (1.0, 1.0, 1.0)),
    ]


async def test_groups_hold_what_the_filter_matches_and_follow_each_other(world: World) -> None:
    for n in range(6):
        await world.run("r", tags=[("t", f"v{n % 3}")], params=[("n", str(n))])
    by = Field(Kind.TAG, "t")

    first = await world.groups.page(ANYONE, world.experiment, by, Query("params.n != '1'"), max_results=2)
    last = await world.groups.page(ANYONE, world.experiment, by, Query(), max_results=2, after=first.next_page_token)
    none = await world.groups.page(ANYONE, world.experiment, by, Query("params.n = '9'"))

    assert [(group.value, group.runs) for group in first.items] == [("v0", 2), ("v1", 1)]
    assert [(group.value, group.runs) for group in last.items] == [("v2", 2)]
    assert (first.next_page_token, last.next_page_token, none.items) == ("v1", None, [])


async def test_a_group_is_counted_no_further_than_a_page_needs(world: World) -> None:
    for _ in range(MOST_COUNTED + 5):
        await world.run("r", params=[("p", "x")])

    (group,) = (await world.groups.page(ANYONE, world.experiment, Field(Kind.PARAM, "p"), Query())).items

    assert group.runs == MOST_COUNTED + 1


async def test_long_values_and_empty_ones_are_groups_too(world: World) -> None:
    for value in ("", "x" * 300, "x" * 300 + "y", "x" * 199):
        await world.run("r", params=[("p", value)])

    page = await world.groups.page(ANYONE, world.experiment, Field(Kind.PARAM, "p"), Query())

    assert [(len(group.value), group.runs, group.is_cut) for group in page.items] == [
        (0, 1, False),
        (199, 1, False),
        (200, 2, True),
    ]


async def test_deleted_runs_are_in_no_group_unless_they_are_asked_for(world: World) -> None:
    gone = await world.run("gone", params=[("p", "x")])
    await world.runs.delete(ANYONE, gone)
    by = Field(Kind.PARAM, "p")

    active = await world.groups.page(ANYONE, world.experiment, by, Query())
    deleted = await world.groups.page(ANYONE, world.experiment, by, Query(view=ViewType.DELETED_ONLY))

    assert (active.items, [group.runs for group in deleted.items]) == ([], [1])


# Exports


async def test_an_export_has_each_run_once_in_order_also_of_those_that_come_meanwhile(world: World) -> None:
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


async def test_an_export_of_all_columns_has_every_key_of_the_experiment(world: World) -> None:
    await world.run("a", metrics=[("m b", 1.0), ("ma", 1.0)], tags=[("t", "1")])
    await world.run("b", params=[("p", "1")])

    export = await world.exports.begin(ANYONE, world.experiment, Query("run_name = 'b'"))

    spelled = [column.spelled for column in export.columns]
    assert spelled[len(Fact) :] == ["metrics.`m b`", "metrics.ma", "params.p", "tags.mlflow.runName", "tags.t"]
    assert len(export.numbers) == 1


async def test_an_export_of_selected_runs_takes_none_of_another_experiment(world: World, storage: Storage) -> None:
    a, b = await world.run("a"), await world.run("b")
    home, world.experiment = world.experiment, await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "two")
    elsewhere = await world.run("elsewhere")

    export = await world.exports.begin(ANYONE, home, Query(), run_ids=[b, elsewhere, a, b])
    pieces = [[row.info.run_name for row in piece] async for piece in world.exports.pieces(ANYONE, export)]

    assert pieces == [["b", "a"]]


# Completion


async def offered(world: World, text: str) -> list[str]:
    found = await world.completion.complete(ANYONE, world.experiment, text, len(text))
    return [candidate.text for candidate in found.candidates]


async def test_names_and_values_are_offered_that_the_experiments_runs_have(world: World, storage: Storage) -> None:
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


async def test_names_are_told_by_kind(world: World) -> None:
    await world.run("a", metrics=[("loss", 1.0), ("acc", 1.0)], params=[("lr", "1")])

    names = await world.completion.names(ANYONE, world.experiment)

    assert (names[Kind.METRIC], names[Kind.PARAM]) == (["acc", "loss"], ["lr"])


# Experiments


async def test_experiments_tell_how_many_runs_they_have_and_how_the_latest_stands(world: World) -> None:
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
