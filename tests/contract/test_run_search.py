"""Searching runs: random filters and orders, held against a plain reading of what the language means."""

import math
import random
from typing import Any

import pytest

from tests.contract.searched_runs import ORDERS, World, filters, holds, ordered
from trackback.entities import ANYONE, Run, ViewType
from trackback.errors import InvalidParameter
from trackback.search import RUNS, parse_filter, parse_order_by
from trackback.search.order import MAX_ORDERS
from trackback.storage import Storage, run_candidates, run_search
from trackback.storage.run_candidates import Candidates


@pytest.fixture
async def world(storage: Storage) -> World:
    world = World(storage)
    await world.fill(random.Random(3), 80)
    return world


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[Candidates | None]:
    """What each search chose, from the first: the candidates of a term, or None, a walk over the runs."""
    choices: list[Candidates | None] = []

    def find_candidates(*arguments: Any) -> Candidates | None:
        choices.append(run_candidates.find_candidates(*arguments))
        return choices[-1]

    monkeypatch.setattr(run_search, "find_candidates", find_candidates)
    return choices


# What of the plan is set, and how many of the 250 searches then find candidates, at the least and at the most.
PLANS: dict[str, tuple[dict[str, Any], int, int]] = {
    "rarest term first": ({"TERMS_SAMPLED": 0}, 50, 250),
    "values of a key": ({"TERMS_COUNTED": 0, "SAMPLE": 1, "pace": lambda *_: 1e9}, 50, 250),
    "entries of a key": ({"TERMS_COUNTED": 0, "SAMPLE": 1, "MOST_VALUES": 0, "pace": lambda *_: math.inf}, 50, 250),
    "walk": ({"TERMS_COUNTED": 0, "TERMS_SAMPLED": 0}, 0, 0),
}


@pytest.mark.parametrize(("settings", "least", "most"), PLANS.values(), ids=PLANS.keys())
async def test_random_filters_and_orders_mean_what_the_language_says(
    world: World,
    chosen: list[Candidates | None],
    settings: dict[str, Any],
    least: int,
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in settings.items():
        monkeypatch.setattr(run_candidates, name, value)
    chance = random.Random(11)
    matched = 0
    for _ in range(250):
        text = filters(chance)
        orders = chance.sample(ORDERS, chance.randrange(3))
        experiments = chance.sample(world.experiments, chance.randrange(1, 3))
        page = await world.runs.search(ANYONE, experiments, filter_text=text, order_by=orders)
        tree = parse_filter(text, RUNS)
        expected = [run for run in world.all if run.info.experiment_id in experiments and holds(world, run, tree)]
        found = [run.info.run_id for run in page.items]
        assert found == ordered(world, expected, parse_order_by(orders, RUNS)), (text, orders)
        matched += bool(found)
    assert matched > 100
    assert least <= len(chosen) - chosen.count(None) <= most


@pytest.mark.parametrize(
    ("filter_text", "size", "read"),
    [
        ("params.p LIKE '%no such text%'", 100, True),
        ("params.p != 'a'", 1, False),
        ("params.p LIKE '%'", 1, False),
        ("min(metrics.l) > 5", 100, True),
        ("params.p LIKE '%no such text%' OR tags.t = 'a'", 100, False),
    ],
)
async def test_a_keys_entries_are_read_where_a_walk_would_go_further(
    world: World,
    chosen: list[Candidates | None],
    filter_text: str,
    size: int,
    read: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_candidates, "SAMPLE", 20)
    await world.runs.search(
        ANYONE, world.experiments, filter_text=filter_text, order_by=["metrics.m"], max_results=size
    )
    assert [found is not None for found in chosen] == [read]


async def test_of_a_key_with_many_entries_not_all_are_read(
    world: World, chosen: list[Candidates | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_candidates, "SAMPLE", 20)
    monkeypatch.setattr(run_candidates, "ENTRIES", 20)
    await world.runs.search(
        ANYONE, world.experiments, filter_text="params.p LIKE '%no such text%'", order_by=["metrics.m"]
    )
    assert chosen == [None]


@pytest.mark.parametrize(("key", "read"), [("p", False), ("missing", True)])
async def test_where_reading_is_slower_than_walking_no_key_that_most_runs_have_is_read(
    world: World, chosen: list[Candidates | None], key: str, read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_candidates, "SAMPLE", 20)
    monkeypatch.setattr(run_candidates, "pace", lambda *_: 0.5)
    await world.runs.search(ANYONE, world.experiments, filter_text=f"params.{key} LIKE '%no such text%'")
    assert [found is not None for found in chosen] == [read]


@pytest.mark.parametrize(
    ("filter_text", "most", "experiments", "read"),
    [
        ("params.p LIKE '%xy'", 20, 1, True),
        ("params.p LIKE '%no such text%'", 20, 1, True),
        ("params.p NOT LIKE '%a%'", 20, 1, True),
        ("tags.t ILIKE '%STRASSE'", 20, 1, True),
        ("params.p LIKE '%xy'", 5, 1, False),
        ("params.p LIKE '%xy'", 20, 2, False),
        ("max(metrics.l) > 1", 20, 1, False),
    ],
    ids=["a long value", "no value", "most values", "a tag", "more values", "several experiments", "numbers"],
)
async def test_a_key_with_few_values_is_read_by_those_that_match(
    world: World,
    chosen: list[Candidates | None],
    filter_text: str,
    most: int,
    experiments: int,
    read: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"SAMPLE": 1, "ENTRIES": -1, "MOST_VALUES": most, "pace": lambda *_: 1e9}.items():
        monkeypatch.setattr(run_candidates, name, value)
    among = world.experiments[:experiments]
    page = await world.runs.search(ANYONE, among, filter_text=filter_text)
    tree = parse_filter(filter_text, RUNS)
    expected = {run.info.run_id for run in world.all if run.info.experiment_id in among and holds(world, run, tree)}
    assert {run.info.run_id for run in page.items} == expected
    assert [found is not None for found in chosen] == [read]


@pytest.mark.parametrize(("worth", "read"), [(1010.0, True), (900.0, False)])
async def test_no_values_are_looked_at_where_a_walk_is_soon_over(
    world: World, chosen: list[Candidates | None], worth: float, read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"SAMPLE": 1, "ENTRIES": -1, "WORTH_A_LOOK": 1000, "ENTRIES_A_VALUE": 10, "pace": lambda *_: worth / 101}
    for name, value in settings.items():
        monkeypatch.setattr(run_candidates, name, value)
    text = "params.p LIKE '%no such text%'"
    await world.runs.search(ANYONE, world.experiments[:1], filter_text=text, max_results=100)
    assert [found is not None for found in chosen] == [read]


async def test_of_several_terms_the_one_that_holds_of_the_fewest_runs_is_sought(
    world: World, chosen: list[Candidates | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_candidates, "SAMPLE", 20)
    text = "params.p LIKE '%' AND params.`q r` LIKE '%no such text%' AND params.p != 'no such text'"
    await world.runs.search(ANYONE, world.experiments, filter_text=text, order_by=["metrics.m"])
    assert [found and found.term.value for found in chosen] == ["%no such text%"]


async def test_a_term_that_turns_out_to_hold_of_many_runs_is_left_to_the_walk(
    world: World, chosen: list[Candidates | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_candidates, "FEW", 20)
    monkeypatch.setattr(run_candidates, "SAMPLE", 1)
    monkeypatch.setattr(run_candidates, "pace", lambda *_: math.inf)
    page = await world.runs.search(ANYONE, world.experiments, filter_text="params.p LIKE '%'")
    assert chosen == [None]
    assert len(page.items) == sum(any(param.key == "p" for param in run.data.params) for run in world.all)


@pytest.mark.parametrize(
    ("size", "order", "filter_text", "fetched"),
    [
        (2, [], "metrics.m > -1000", False),
        (1000, [], "metrics.m > -1000", True),
        (2, ["metrics.l"], "metrics.m > -1000", True),
        (2, [], "metrics.m > -1000 AND (params.p = 'a' OR metrics.m > 1)", True),
    ],
    ids=["soon full", "never full", "not along runs", "other tests"],
)
async def test_where_the_first_runs_say_that_a_walk_ends_soon_no_more_are_counted(
    world: World,
    chosen: list[Candidates | None],
    size: int,
    order: list[str],
    filter_text: str,
    fetched: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_candidates, "SAMPLE", 4)
    experiments = world.experiments[:1]
    await world.runs.search(ANYONE, experiments, filter_text=filter_text, order_by=order, max_results=size)
    assert [found is not None for found in chosen] == [fetched]


async def test_pages_put_together_are_the_whole_order(world: World) -> None:
    for order in ORDERS:
        whole = await world.runs.search(ANYONE, world.experiments, order_by=[order])
        found: list[str] = []
        token: str | None = ""
        while token is not None:
            page = await world.runs.search(ANYONE, world.experiments, order_by=[order], max_results=7, page_token=token)
            found.extend(run.info.run_id for run in page.items)
            token = page.next_page_token
        assert found == [run.info.run_id for run in whole.items]


async def test_a_run_is_found_in_its_own_experiment_only(world: World) -> None:
    run = world.all[0].info
    found = [
        await world.runs.search(ANYONE, [experiment], filter_text=f"run_id = '{run.run_id}'")
        for experiment in world.experiments
    ]
    assert [len(page.items) for page in found] == [each == run.experiment_id for each in world.experiments]


async def test_a_search_without_experiments_finds_nothing(world: World) -> None:
    assert (await world.runs.search(ANYONE, [])).items == []


async def test_a_found_run_has_all_that_the_run_itself_has(world: World) -> None:
    page = await world.runs.search(ANYONE, world.experiments)
    by_id = {run.info.run_id: run for run in page.items}
    for run in world.all:
        found = by_id[run.info.run_id]
        assert in_one_order(found) == in_one_order(run)
        assert repr((found.info, found.inputs, found.outputs)) == repr((run.info, run.inputs, run.outputs))


def in_one_order(run: Run) -> list[str]:
    """What was logged, in whatever order: by repr, since NaN differs from itself."""
    return sorted(map(repr, (*run.data.metrics, *run.data.params, *run.data.tags)))


async def test_views_tell_deleted_runs_from_active_ones(world: World) -> None:
    gone = world.all[0].info.run_id
    await world.runs.delete(ANYONE, gone)
    found = {
        view: {run.info.run_id for run in (await world.runs.search(ANYONE, world.experiments, view_type=view)).items}
        for view in ViewType
    }
    assert found[ViewType.DELETED_ONLY] == {gone}
    assert found[ViewType.ALL] - found[ViewType.ACTIVE_ONLY] == {gone}


async def test_eighty_terms_are_answered(world: World) -> None:
    text = " AND ".join(f"params.p != 'no{i}'" for i in range(80))
    found = (await world.runs.search(ANYONE, world.experiments, filter_text=text)).items
    assert len(found) == sum(any(param.key == "p" for param in run.data.params) for run in world.all)


async def test_the_longest_order_is_answered(world: World) -> None:
    orders = [f"metrics.missing{number}" for number in range(MAX_ORDERS - 1)]
    page = await world.runs.search(ANYONE, world.experiments, order_by=[*orders, "metrics.l"])
    shorter = await world.runs.search(ANYONE, world.experiments, order_by=["metrics.l"])
    assert [run.info for run in page.items] == [run.info for run in shorter.items]


@pytest.mark.parametrize("size", [0, -1, 50_001])
async def test_a_page_has_1_to_50_000_runs(world: World, size: int) -> None:
    with pytest.raises(InvalidParameter, match="max_results"):
        await world.runs.search(ANYONE, world.experiments, max_results=size)
