"""Tables of runs: their columns, and runs in runs, on every database."""

import math

import pytest

from tests.contract.run_table_world import NOBODY, RunTableWorld, open_world
from trackback.entities import ANYONE, Dataset, DatasetInput, Tag
from trackback.errors import InvalidParameter, NotFound
from trackback.search import Field, Kind
from trackback.services.inputs import Inputs
from trackback.services.logged_models import LoggedModels
from trackback.services.run_columns import Fact, parse_columns, parse_group
from trackback.services.run_tables import MOST_CHILDREN, OF_A_KIND, Query
from trackback.storage import Storage


@pytest.fixture
async def world(storage: Storage) -> RunTableWorld:
    return await open_world(storage)


# Columns


async def test_a_table_without_chosen_columns_has_what_most_of_its_runs_have(world: RunTableWorld) -> None:
    await world.run("a", metrics=[("loss", 1.0), ("rare", 2.0)], params=[("lr", "1")], tags=[("team", "red")])
    await world.run("b", metrics=[("loss", 3.0)], params=[("lr", "2")])

    table = await world.tables.page(ANYONE, world.experiment, Query())

    assert [column.spelled for column in table.columns] == [
        *("status", "start_time", "duration"),
        *("metrics.loss", "metrics.rare", "params.lr", "tags.team"),
    ]
    assert [row.info.run_name for row in table.rows.items] == ["b", "a"]
    assert table.left_out == 0


async def test_what_the_table_is_ordered_by_has_a_column_and_what_is_too_much_is_counted(world: RunTableWorld) -> None:
    await world.run("a", params=[(f"p{n:02}", "x") for n in range(OF_A_KIND + 3)], metrics=[("loss", 1.0)])

    table = await world.tables.page(ANYONE, world.experiment, Query(order_by=("params.p14", "min(metrics.loss)")))

    params = [column.label for column in table.columns if column.group == "params"]
    assert params == ["p14", *(f"p{n:02}" for n in range(OF_A_KIND - 1))]
    assert table.columns[-1].spelled == "min(metrics.loss)"
    assert table.left_out == 3


async def test_metrics_have_their_last_least_and_greatest_value(world: RunTableWorld) -> None:
    await world.run("a", metrics=[("loss", 3.0), ("loss", 1.0), ("loss", 2.0), ("nan", math.nan)])

    columns = parse_columns(["max(metrics.loss)", "metrics.nan"])
    (row,) = (await world.tables.page(ANYONE, world.experiment, Query(), columns=columns)).rows.items

    assert row.metrics["loss"] == (2.0, 1.0, 3.0, 2)
    assert math.isnan(row.metrics["nan"].last)
    assert (row.metrics["nan"].least, row.params) == (None, {})


async def test_data_sets_and_models_of_runs_are_shown_where_there_are_any(world: RunTableWorld) -> None:
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


async def test_who_may_not_read_the_experiment_is_told_that_there_is_none(world: RunTableWorld) -> None:
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


async def test_rows_come_as_they_are_asked_for_without_those_that_are_not_there(world: RunTableWorld) -> None:
    a, b = await world.run("a", params=[("p", "1")]), await world.run("b")

    rows = await world.tables.rows(ANYONE, [b, "0" * 32, a], parse_columns(["params.p"]))

    assert [(row.info.run_name, row.params.get("p")) for row in rows] == [("b", None), ("a", "1")]


async def test_what_a_run_has_without_a_column_is_told_until_its_kind_is_full(world: RunTableWorld) -> None:
    run = await world.run("a", metrics=[("loss", 1.0), ("acc", 1.0)], params=[("lr", "1")], tags=[("mlflow.user", "u")])
    shown = parse_columns(["status", "start_time", "duration", "metrics.loss"])
    full = parse_columns([f"metrics.m{n}" for n in range(OF_A_KIND)])

    lacking = await world.tables.lacking(ANYONE, [run], shown)
    beyond = await world.tables.lacking(ANYONE, [run], [*shown[:3], *full])

    assert [column.spelled for column in lacking] == ["user_id", "metrics.acc", "params.lr"]
    assert [column.spelled for column in beyond] == ["user_id", "params.lr"]
    assert await world.tables.lacking(NOBODY, [run], shown) == []


# Runs in runs


async def test_runs_that_are_in_no_other_count_those_that_are_in_them(world: RunTableWorld) -> None:
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


async def test_a_filter_holds_for_runs_in_a_run_too(world: RunTableWorld) -> None:
    parent = await world.run("parent")
    for n in range(3):
        await world.run(f"child {n}", inside=parent, params=[("n", str(n))])

    inside = await world.tables.page(ANYONE, world.experiment, Query("params.n = '0' OR params.n = '2'", parent=parent))

    assert [row.info.run_name for row in inside.rows.items] == ["child 2", "child 0"]


async def test_children_are_counted_no_further_than_a_page_needs(world: RunTableWorld) -> None:
    parent = await world.run("parent")
    for n in range(MOST_CHILDREN + 1):
        await world.run(f"child {n}", inside=parent)

    (row,) = (await world.tables.page(ANYONE, world.experiment, Query(top_only=True), count_children=True)).rows.items

    assert row.children == MOST_CHILDREN
