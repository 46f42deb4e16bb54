"""A registered model with many versions, put into a server's database directly: by HTTP it would take a quarter of an
hour, and it is not what is measured.

The server is stopped meanwhile, since nobody else may open its SQLite file.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import anyio

from trackback.storage import Storage, Transaction, open_storage

NAME = "churn"
TEAMS = 50
STAGED = {"Production": 7, "Staging": 11, "Archived": 13}  # the stage of so many of the oldest versions

_CHUNK = 5000
_DIGESTS = 1000
_FIRST_MS = 1_700_000_000_000
_KEYS = ("team", "commit", "alpha", "depth", "auc", "loss")

_VERSIONS = (
    "INSERT INTO model_versions (id, model, version, description, user_id, source, location, digest, run_id, run_link,"
    " logged_model, stage, status, status_message, created_ms, updated_ms) {columns bigint, bigint, bigint, text, text,"
    " text, text, text, text, text, text, text, text, text, bigint, bigint}"
)
_TEXTS = "INSERT INTO model_version_{table} (model_version, key, value) {{columns bigint, bigint, text}}"
_METRICS = (
    "INSERT INTO model_version_metrics (model_version, key, value, is_nan, step, timestamp_ms)"
    " {columns bigint, bigint, double precision, smallint, bigint, bigint}"
)


class Version(NamedTuple):
    number: int

    @property
    def team(self) -> str:
        return f"team-{self.number % TEAMS:02d}"

    @property
    def run_id(self) -> str:
        return f"{self.number:032x}"

    @property
    def source(self) -> str:
        return f"mlflow-artifacts:/1/{self.run_id}/artifacts/model"

    @property
    def stage(self) -> str:
        return next((stage for stage, last in STAGED.items() if self.number <= last), "None")


def load(database: str, versions: int) -> None:
    """Fill a database that has the schema, and no server, with one model of so many versions."""
    anyio.run(_load, database, versions)


async def _load(database: str, versions: int) -> None:
    storage = open_storage(database)
    try:
        model, keys = await storage.write(lambda tx: _begin(tx, versions))
        for first in range(1, versions + 1, _CHUNK):
            numbers = range(first, min(first + _CHUNK, versions + 1))
            await _add(storage, model, keys, [Version(number) for number in numbers])
    finally:
        await storage.close()


def _begin(tx: Transaction, versions: int) -> tuple[int, dict[str, int]]:
    for number in range(_DIGESTS):
        digest = _digest(number)
        (manifest,) = tx.rows("INSERT INTO manifests (root) VALUES (?) RETURNING id", f"versions/{digest}")[0]
        tx.run(
            "INSERT INTO snapshots (digest, manifest, files, bytes, created_ms) VALUES (?, ?, 1, 1, ?)",
            digest,
            manifest,
            _FIRST_MS,
        )
    (model,) = tx.rows(
        "INSERT INTO registered_models (name, description, created_ms, updated_ms, last_version)"
        " VALUES (?, '', ?, ?, ?) RETURNING id",
        NAME,
        _FIRST_MS,
        _FIRST_MS,
        versions,
    )[0]
    for alias in range(10):
        tx.run(
            "INSERT INTO registered_model_aliases (model, alias, version) VALUES (?, ?, ?)",
            model,
            f"alias-{alias}",
            versions - alias,
        )
    return model, dict(zip(_KEYS, tx.name_ids(_KEYS), strict=True))


async def _add(storage: Storage, model: int, keys: dict[str, int], versions: Sequence[Version]) -> None:
    noise = random.Random(versions[0].number)
    rows = [_row(model, version) for version in versions]
    texts = {
        "tags": [(each, "team", each.team) for each in versions] + [(each, "commit", each.run_id) for each in versions],
        "params": [(each, key, str(noise.random())) for each in versions for key in ("alpha", "depth")],
    }
    metrics = [
        (each.number, keys[key], noise.random(), 0, 1, _FIRST_MS) for each in versions for key in ("auc", "loss")
    ]

    def operation(tx: Transaction) -> None:
        tx.insert_columns(_VERSIONS, *_columns(rows))
        for table, values in texts.items():
            keyed = [(version.number, keys[key], value) for version, key, value in values]
            tx.insert_columns(_TEXTS.format(table=table), *_columns(keyed))
        tx.insert_columns(_METRICS, *_columns(metrics))

    await storage.write(operation)


def _row(model: int, version: Version) -> tuple[Any, ...]:
    created_ms = _FIRST_MS + version.number * 1000
    digest = _digest(version.number)
    texts = (f"version {version.number}", "ada", version.source, f"mlflow-artifacts:/versions/{digest}", digest)
    return (
        *(version.number, model, version.number, *texts, version.run_id, "", "", version.stage, "READY", ""),
        *(created_ms, created_ms),
    )


def _columns(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[Any]]:
    return (list(column) for column in zip(*rows, strict=True))


def _digest(number: int) -> str:
    return f"{number % _DIGESTS:064x}"
