"""Searching runs: random filters and orders, held against a plain reading of what the language means."""

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from trackback.entities import ANYONE, Dataset, DatasetInput, Points, Run, RunStatus, Tag, ViewType
from trackback.errors import InvalidParameter
from trackback.search import (
    RUNS,
    Aggregate,
    And,
    Comparison,
    Field,
    Kind,
    Node,
    Operator,
    Order,
    parse_filter,
    parse_order_by,
)
from trackback.search.order import MAX_ORDERS
from trackback.services.experiments import Experiments
from trackback.services.inputs import Inputs
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage, run_candidates, run_search
from trackback.storage.run_candidates import Candidates

TEXTS = [
    "a",
    "A",
    "ab",
    "Ab_",
    "b%",
    "Straße",
    "STRASSE",
    "ΟΔΟΣ",
    "οδος",
    "İ",
    "",
    "x" * 300,
    "x" * 299 + "y",
    "\\",
    "a'b",
]
NUMBERS = [-1.5, 0.0, 0.5, 1.0, 2.0, math.nan, math.inf]
PATTERNS = ["%", "a%", "%b", "_b", "A%", "strasse", "straße", "%δος", "x%", "\\", "%\\%", "a_", ""]


class World:
    """Runs in two experiments, and what is known of each."""

    def __init__(self, storage: Storage) -> None:
        self.runs = Runs(storage)
        self.series: dict[str, dict[str, list[float]]] = {}
        self.all: list[Run] = []
        self.experiments: list[str] = []
        self._storage = storage

    async def fill(self, chance: random.Random, count: int) -> None:
        experiments, inputs = Experiments(self._storage, "mlflow-artifacts:/"), Inputs(self._storage)
        run_log = RunLog(self._storage, Sealer(self._storage))
        self.experiments = [await experiments.create(ANYONE, name) for name in ("one", "two")]
        for _ in range(count):
            run = await self.runs.create(
                ANYONE,
                chance.choice(self.experiments),
                user_id=chance.choice(["ann", "bob"]),
                run_name=chance.choice(["", "n", "N"]),
                start_time_ms=chance.randrange(5),
            )
            run_id = run.info.run_id
            self.series[run_id] = {
                key: chance.choices(NUMBERS, k=chance.randrange(1, 4)) for key in "lm" if chance.random() < 0.7
            }
            points = [
                (key, step, value) for key, values in self.series[run_id].items() for step, value in enumerate(values)
            ]
            await run_log.log(
                ANYONE,
                run_id,
                points=Points(
                    [key for key, _, _ in points],
                    [step for _, step, _ in points],
                    [1] * len(points),
                    [v for *_, v in points],
                ),
                params=[(key, chance.choice(TEXTS)) for key in ("p", "q r") if chance.random() < 0.7],
                tags=[(key, chance.choice(TEXTS)) for key in ("t",) if chance.random() < 0.7],
            )
            if chance.random() < 0.5:
                dataset = Dataset(chance.choice("de"), chance.choice("01"), "local", "{}")
                tags = (Tag("mlflow.data.context", chance.choice(["train", "test"])),)
                await inputs.log_inputs(ANYONE, run_id, [DatasetInput(dataset, tags)])
            if chance.random() < 0.5:
                await self.runs.update(
                    ANYONE, run_id, status=chance.choice(list(RunStatus)), end_time_ms=chance.randrange(5, 9)
                )
            self.all.append(await self.runs.get(ANYONE, run_id))

    def values(self, run: Run, field: Field) -> Sequence[Any]:
        """All values that ``field`` has for a run: none where it is missing, several only for data sets."""
        info, data = run.info, run.data
        match field.kind:
            case Kind.ATTRIBUTE:
                value = getattr(info, field.key)
                return [] if value is None else [value]
            case Kind.PARAM:
                return [param.value for param in data.params if param.key == field.key]
            case Kind.TAG:
                return [tag.value for tag in data.tags if tag.key == field.key]
            case Kind.DATASET if field.key == "context":
                return [tag.value for each in run.inputs.dataset_inputs for tag in each.tags]
            case Kind.DATASET:
                return [getattr(each.dataset, field.key) for each in run.inputs.dataset_inputs]
        series = self.series[info.run_id].get(field.key, [])
        series = [math.copysign(1.7976931348623157e308, each) if math.isinf(each) else each for each in series]
        if field.aggregate is Aggregate.LAST:
            return series[-1:]
        numbers = [each for each in series if not math.isnan(each)]
        return [min(numbers) if field.aggregate is Aggregate.MIN else max(numbers)] if numbers else []


def holds(world: World, run: Run, node: Node | None) -> bool:
    if node is None:
        return True
    if isinstance(node, Comparison):
        values = world.values(run, node.field)
        if node.operator is Operator.IS_NULL:
            return not values
        if node.operator is Operator.IS_NOT_NULL:
            return bool(values)
        return any(_TESTS[node.operator](value, node.value) for value in values)
    return (all if isinstance(node, And) else any)(holds(world, run, child) for child in node.children)


def like(value: str, pattern: str) -> bool:
    expression = "".join({"%": ".*", "_": "."}.get(mark, re.escape(mark)) for mark in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None


_TESTS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: lambda value, other: value == other,
    Operator.NOT_EQUAL: lambda value, other: value != other,
    Operator.LESS: lambda value, other: value < other,
    Operator.AT_MOST: lambda value, other: value <= other,
    Operator.GREATER: lambda value, other: value > other,
    Operator.AT_LEAST: lambda value, other: value >= other,
    Operator.IN: lambda value, others: value in others,
    Operator.NOT_IN: lambda value, others: value not in others,
    Operator.LIKE: like,
    Operator.NOT_LIKE: lambda value, pattern: not like(value, pattern),
    Operator.ILIKE: lambda value, pattern: like(value.lower(), pattern.lower()),
    Operator.NOT_ILIKE: lambda value, pattern: not like(value.lower(), pattern.lower()),
}


def ordered(world: World, runs: list[Run], orders: list[Order]) -> list[str]:
    """Ids in order: the weightiest criterion is sorted by last, since Python's sort is stable."""
    runs = sorted(runs, key=lambda run: run.info.run_id)
    if not any(order.field.key == "start_time" for order in orders):
        runs.sort(key=lambda run: run.info.start_time, reverse=True)
    for order in reversed(orders):
        texts = order.field.kind in (Kind.PARAM, Kind.TAG) or order.field.key in ("run_name", "status", "user_id")

        def value(run: Run, field: Field = order.field, texts: bool = texts) -> Any:
            (found,) = world.values(run, field)
            return found.encode() if texts else found

        def rank(run: Run, field: Field = order.field) -> int:
            found = world.values(run, field)
            if found:
                return 1 if isinstance(found[0], float) and math.isnan(found[0]) else 0
            only_nan = field.aggregate is not Aggregate.LAST and field.key in world.series[run.info.run_id]
            return 1 if only_nan else 2

        groups: list[list[Run]] = [[], [], []]
        for run in runs:
            groups[rank(run)].append(run)
        groups[0].sort(key=value, reverse=order.descending)
        runs = [run for group in groups for run in group]
    return [run.info.run_id for run in runs]


def terms(chance: random.Random) -> Iterator[str]:
    def quoted(choices: list[str]) -> str:
        return f"'{chance.choice([text for text in choices if chr(39) not in text])}'"

    while True:
        text = chance.choice(["params.p", "params.`q r`", "tags.t", "run_name", "params.missing"])
        number = chance.choice(["metrics.l", "metrics.m", "min(metrics.l)", "max(metrics.m)", "metrics.missing"])
        yield chance.choice(
            [
                f"{text} {chance.choice(['=', '!='])} {quoted(TEXTS)}",
                f"{text} {chance.choice(['LIKE', 'ILIKE', 'NOT LIKE', 'NOT ILIKE'])} {quoted(PATTERNS)}",
                f"{text} {chance.choice(['IN', 'NOT IN'])} ({quoted(TEXTS)}, {quoted(TEXTS)})",
                f"{number} {chance.choice(['=', '!=', '<', '<=', '>', '>='])} {chance.choice([-1.5, 0, 0.5, 1e308])}",
                f"{number} {chance.choice(['IN', 'NOT IN'])} (0, 0.5)",
                f"{chance.choice([number, 'params.p', 'tags.t'])} IS {chance.choice(['', 'NOT '])}NULL",
                f"status {chance.choice(['=', '!='])} 'FINISHED'",
                f"start_time {chance.choice(['<', '>=', '='])} {chance.randrange(5)}",
                f"end_time > {chance.randrange(5, 9)}",
                f"datasets.{chance.choice(['name', 'digest'])} = {quoted(['d', '0'])}",
                f"datasets.context {chance.choice(['=', '!=', 'LIKE'])} 'train'",
            ]
        )


def filters(chance: random.Random, depth: int = 0) -> str:
    if depth == 3 or chance.random() < 0.4:
        return next(terms(chance))
    joined = f" {chance.choice(['AND', 'AND', 'OR'])} ".join(
        filters(chance, depth + 1) for _ in range(chance.randrange(1, 4))
    )
    return f"NOT ({joined})" if chance.random() < 0.2 else f"({joined})"


ORDERS = [
    "metrics.l DESC",
    "metrics.l",
    "params.p DESC",
    "tags.t",
    "min(metrics.l) DESC",
    "max(metrics.m)",
    "start_time ASC",
    "start_time DESC",
    "end_time DESC",
    "run_name",
    "status",
    "user_id DESC",
    "metrics.missing",
    "params.missing DESC",
]


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
    "entries of a key": ({"TERMS_COUNTED": 0, "SAMPLE": 1, "pace": lambda *_: math.inf}, 50, 250),
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
