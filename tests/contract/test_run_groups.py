"""Runs in groups, by a param or a tag, on every database."""

import math

import pytest

from tests.contract.run_table_world import RunTableWorld, open_world
from trackback.entities import ANYONE, ViewType
from trackback.search import Field, Kind
from trackback.services.run_columns import parse_columns
from trackback.services.run_groups import MOST_COUNTED
from trackback.services.run_tables import Query
from trackback.storage import Storage


@pytest.fixture
async def world(storage: Storage) -> RunTableWorld:
    return await open_world(storage)


async def test_groups_are_by_value_with_the_spread_of_their_metrics(world: RunTableWorld) -> None:
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


async def test_groups_hold_what_the_filter_matches_and_follow_each_other(world: RunTableWorld) -> None:
    for n in range(6):
        await world.run("r", tags=[("t", f"v{n % 3}")], params=[("n", str(n))])
    by = Field(Kind.TAG, "t")

    first = await world.groups.page(ANYONE, world.experiment, by, Query("params.n != '1'"), max_results=2)
    last = await world.groups.page(ANYONE, world.experiment, by, Query(), max_results=2, after=first.next_page_token)
    none = await world.groups.page(ANYONE, world.experiment, by, Query("params.n = '9'"))

    assert [(group.value, group.runs) for group in first.items] == [("v0", 2), ("v1", 1)]
    assert [(group.value, group.runs) for group in last.items] == [("v2", 2)]
    assert (first.next_page_token, last.next_page_token, none.items) == ("v1", None, [])


async def test_a_group_is_counted_no_further_than_a_page_needs(world: RunTableWorld) -> None:
    for _ in range(MOST_COUNTED + 5):
        await world.run("r", params=[("p", "x")])

    (group,) = (await world.groups.page(ANYONE, world.experiment, Field(Kind.PARAM, "p"), Query())).items

    assert group.runs == MOST_COUNTED + 1


async def test_long_values_and_empty_ones_are_groups_too(world: RunTableWorld) -> None:
    for value in ("", "x" * 300, "x" * 300 + "y", "x" * 199):
        await world.run("r", params=[("p", value)])

    page = await world.groups.page(ANYONE, world.experiment, Field(Kind.PARAM, "p"), Query())

    assert [(len(group.value), group.runs, group.is_cut) for group in page.items] == [
        (0, 1, False),
        (199, 1, False),
        (200, 2, True),
    ]


async def test_deleted_runs_are_in_no_group_unless_they_are_asked_for(world: RunTableWorld) -> None:
    gone = await world.run("gone", params=[("p", "x")])
    await world.runs.delete(ANYONE, gone)
    by = Field(Kind.PARAM, "p")

    active = await world.groups.page(ANYONE, world.experiment, by, Query())
    deleted = await world.groups.page(ANYONE, world.experiment, by, Query(view=ViewType.DELETED_ONLY))

    assert (active.items, [group.runs for group in deleted.items]) == ([], [1])
