"""What tables of runs are made of, column by column: the keys that some runs have, and the values of some of them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import ViewType
from trackback.search import Kind
from trackback.storage.conditions import in_view
from trackback.storage.indexed_terms import INDEXED_LENGTH, INDEXED_TEXT
from trackback.storage.inputs import CONTEXT_TAG
from trackback.storage.interface import Row, Transaction
from trackback.storage.run_terms import TABLES


class Extremes(NamedTuple):
    """The last value of a metric, and the least and greatest, which are None where all are NaN; and the last step."""

    last: float
    least: float | None
    greatest: float | None
    step: int


class UsedData(NamedTuple):
    """A data set that went into a run; ``context`` says what for."""

    run: int
    name: str
    digest: str
    context: str


class MadeModel(NamedTuple):
    """A logged model of a run, which is named by its id outside."""

    run_id: str
    model_id: str
    name: str


def keys_of_runs(tx: Transaction, kind: Kind, runs: Sequence[int]) -> list[tuple[str, int]]:
    """The keys that any of some runs has, each with how many of them have it."""
    rows = tx.rows(f"SELECT key, count(*) FROM {TABLES[kind]} WHERE run {{ints}} GROUP BY key", list(runs))
    return list(zip(tx.names([key for key, _ in rows]), (count for _, count in rows), strict=True))


def texts(tx: Transaction, kind: Kind, runs: Sequence[int], keys: Sequence[int]) -> list[Row]:
    """(run, key, value) of params or tags."""
    if not keys:
        return []
    return tx.rows(f"SELECT run, key, value FROM {TABLES[kind]} WHERE run {{ints}} AND key {{ints}}", runs, keys)


def metrics(tx: Transaction, runs: Sequence[int], keys: Sequence[int]) -> list[tuple[int, int, Extremes]]:
    """(run, key, values) of metrics."""
    if not keys:
        return []
    rows = tx.rows(
        "SELECT run, key, value, is_nan, min, max, step FROM latest_metrics WHERE run {ints} AND key {ints}", runs, keys
    )
    return [
        (run, key, Extremes(math.nan if is_nan else value, least, greatest, step))
        for run, key, value, is_nan, least, greatest, step in rows
    ]


def datasets(tx: Transaction, runs: Sequence[int]) -> list[UsedData]:
    rows = tx.rows(
        "SELECT i.run, d.name, d.digest, t.value FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset"
        " LEFT JOIN dataset_input_tags t ON t.input = i.id AND t.key = ? WHERE i.run {ints} ORDER BY i.run, i.id",
        CONTEXT_TAG,
        runs,
    )
    return [UsedData(run, name, digest, context or "") for run, name, digest, context in rows]


def models(tx: Transaction, run_ids: Sequence[str]) -> list[MadeModel]:
    rows = tx.rows(
        "SELECT source_run, uuid, name FROM logged_models WHERE source_run {texts} AND lifecycle = 'active'"
        " ORDER BY created_ms, uuid",
        run_ids,
    )
    return [MadeModel(*row) for row in rows]


def count_having(tx: Transaction, kind: Kind, experiment: int, key: int, value: str, view: ViewType, most: int) -> int:
    """How many runs have a param or tag with a value, as far as the index has it; counted no further than ``most``."""
    seen = in_view("r.lifecycle", view)
    number: int = tx.rows(
        f"SELECT count(*) FROM (SELECT 1 FROM {TABLES[kind]} t CROSS JOIN runs r WHERE t.experiment = ? AND t.key = ?"
        f" AND {INDEXED_TEXT} = ? AND r.id = t.run AND {seen.sql} LIMIT ?) AS counted",
        experiment,
        key,
        value[:INDEXED_LENGTH],
        *seen.values,
        most,
    )[0][0]
    return number


def count_of_experiment(tx: Transaction, experiment: int, view: ViewType, most: int) -> int:
    """How many runs the experiment has, counted no further than ``most``."""
    seen = in_view("r.lifecycle", view)
    number: int = tx.rows(
        f"SELECT count(*) FROM (SELECT 1 FROM runs r WHERE r.experiment = ? AND {seen.sql} LIMIT ?) AS counted",
        experiment,
        *seen.values,
        most,
    )[0][0]
    return number


def newest_of_experiment(tx: Transaction, experiment: int) -> Row | None:
    """(status, start_ms) of the active run that began last."""
    return tx.row(
        "SELECT status, start_ms FROM runs WHERE experiment = ? AND lifecycle = 'active'"
        " ORDER BY start_ms DESC LIMIT 1",
        experiment,
    )
