"""A long log of promotions, put into a server's database directly: by HTTP it would take most of an hour, and it is not
what is measured.

Half of them are of one model, to production; half of runs of the experiment 0, by a tag to staging. The server, which
has started once, is stopped meanwhile, since nobody else may open its SQLite file.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anyio

from benchmarks import registered
from trackback.storage import Storage, Transaction, open_storage

MODEL = registered.NAME
VERSIONS = 1000

_CHUNK = 5000
_FIRST_MS = 1_760_000_000_000
_RUNS = (
    "INSERT INTO runs (uuid, experiment, name, user_id, status, start_ms, end_ms, lifecycle, artifact_uri)"
    " {columns text, bigint, text, text, text, bigint, bigint, text, text}"
)
_METRICS = (
    "INSERT INTO latest_metrics (run, key, experiment, value, is_nan, timestamp_ms, step)"
    " {columns bigint, bigint, bigint, double precision, smallint, bigint, bigint}"
)
_TAGS = "INSERT INTO tags (run, key, experiment, value) {columns bigint, bigint, bigint, text}"
_PROMOTIONS = (
    "INSERT INTO promotions (seq, stream, environment, kind, model_version, run, digest, replaced, actor, time_ms,"
    " reason, origin, overridden, unverified, basis) {columns bigint, text, text, text, bigint, bigint, text, bigint,"
    " text, bigint, text, text, bigint, bigint, text}"
)


def run_id(number: int) -> str:
    return f"ab{number:030x}"


def load(database: str, promotions: int) -> None:
    """Fill the database of a server that has started once, and is stopped, with a log of so many entries."""
    registered.load(database, VERSIONS)
    anyio.run(_load, database, promotions)


async def _load(database: str, promotions: int) -> None:
    storage = open_storage(database)
    try:
        model, metric, tag = await storage.write(_known)
        for first in range(1, promotions + 1, _CHUNK):
            numbers = range(first, min(first + _CHUNK, promotions + 1))
            await _add(storage, model, metric, tag, numbers)
        await storage.write(lambda tx: _count(tx, promotions))
    finally:
        await storage.close()


def _known(tx: Transaction) -> tuple[int, int, int]:
    """The model, and the numbers of the metric's and the tag's names."""
    metric, tag = tx.name_ids(["auc", "promote"])
    return int(tx.rows("SELECT id FROM registered_models WHERE name = ?", MODEL)[0][0]), metric, tag


async def _add(storage: Storage, model: int, metric: int, tag: int, numbers: range) -> None:
    tagged = [number for number in numbers if number % 2 == 0]
    noise = random.Random(numbers.start)

    def operation(tx: Transaction) -> None:
        tx.insert_columns(_RUNS, *_columns([_run(number) for number in tagged]))
        ids: dict[str, int] = dict(
            tx.rows("SELECT uuid, id FROM runs WHERE uuid {texts}", [run_id(each) for each in tagged])
        )
        runs = {number: ids[run_id(number)] for number in tagged}
        metrics = [(run, metric, 0, noise.random(), 0, _FIRST_MS, 1) for run in runs.values()]
        tx.insert_columns(_METRICS, *_columns(metrics))
        tx.insert_columns(_TAGS, *_columns([(run, tag, 0, "true") for run in runs.values()]))
        tx.insert_columns(_PROMOTIONS, *_columns([_promotion(model, runs, number) for number in numbers]))

    await storage.write(operation)


def _run(number: int) -> tuple[Any, ...]:
    start_ms = _FIRST_MS + number * 1000
    uri = f"mlflow-artifacts:/0/{run_id(number)}/artifacts"
    return (run_id(number), 0, f"run-{number}", "ada", "FINISHED", start_ms, start_ms + 500, "active", uri)


def _promotion(model: int, runs: Mapping[int, int], number: int) -> tuple[Any, ...]:
    """Odd ones are of a version, even ones of a run."""
    time_ms, replaced = _FIRST_MS + number * 1000, number - 2 if number > 2 else None
    place: tuple[Any, ...]
    if number % 2:
        version = 1 + number // 2 % VERSIONS
        place = (f"models/{model}", "production", "promoted", version, None, f"{version:064x}", replaced)
        return (number, *place, "ada", time_ms, "better", "request", 0, 0, "{}")
    place = ("experiments/0", "staging", "promoted", None, runs[number], None, replaced)
    return (number, *place, "ada", time_ms, "", "tag", 0, 1, "{}")


def _count(tx: Transaction, promotions: int) -> None:
    last_ms = _FIRST_MS + promotions * 1000
    tx.run("UPDATE promotion_counter SET last_seq = ?, last_ms = ?", promotions, last_ms)


def _columns(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[Any]]:
    return (list(column) for column in zip(*rows, strict=True))
