"""Runs to search in, and a plain reading of what the filter language means, to hold searches against."""

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from trackback.entities import ANYONE, Dataset, DatasetInput, Points, Run, RunStatus, Tag
from trackback.search import Aggregate, And, Comparison, Field, Kind, Node, Operator, Order
from trackback.services.experiments import Experiments
from trackback.services.inputs import Inputs
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage

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
PATTERNS = ["%", "a%", "%b", "_b", "A%", "strasse", "straße", "%δος", "x%", "%xy", "\\", "%\\%", "a_", ""]


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
