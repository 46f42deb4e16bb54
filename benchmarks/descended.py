"""Runs, versions that came from them, and what went into all, put into a server's database directly: by HTTP it would
take most of an hour, and it is not what is measured.

The server is stopped meanwhile, since nobody else may open its SQLite file. What versions descend from is not put
there: the server finds it when it starts.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import anyio

from trackback.storage import Storage, Transaction, open_storage

COMMON, RARE = "c0000000", "d{:07d}"
"""Digests of data sets: one that all runs used, and others that 100 runs used each."""
COMMON_PACKAGE, PACKAGE = "python==3.11.5", "numpy==1.26.{}"
"""A package that all runs had in one version, and one in a version a set."""
SETS = 50
MODELS = 50
SHARING = 100
"""Runs that share a rare data set; and those that share a commit."""
CHILDREN = 9
"""Runs that each tenth run is the parent of."""

_CHUNK = 5000
_FIRST_MS = 1_700_000_000_000
_EXPERIMENT = "descended"


def run_id(number: int) -> str:
    return f"de{number:030x}"


def commit(number: int) -> str:
    """The commit of a run."""
    return f"{random.Random(number // SHARING).getrandbits(160):040x}"


def image(number: int) -> str:
    """The digest of the image that a version is deployed as."""
    return f"sha256:{random.Random(f'image {number}').getrandbits(256):064x}"


def run_of(version: int, apart: int) -> int:
    """The run that a version came from: a child, in the middle of those between two."""
    return version * apart + apart // 2


def model_name(number: int) -> str:
    """The model that a version is of: each has a row of them."""
    return f"model-{number % MODELS:02d}"


def load(database: str, runs: int, versions: int) -> None:
    """Fill a database that has the schema, and no server."""
    anyio.run(_load, database, runs, versions)


async def _load(database: str, runs: int, versions: int) -> None:
    storage = open_storage(database)
    try:
        experiment = await storage.write(_add_experiment)
        datasets = await storage.write(lambda tx: _add_datasets(tx, experiment, runs // SHARING))
        sets = await storage.write(_add_package_sets)
        numbers: list[int] = []
        for first in range(0, runs, _CHUNK):
            chunk = range(first, min(first + _CHUNK, runs))
            numbers += await storage.write(lambda tx, chunk=chunk: _add_runs(tx, experiment, chunk))  # type: ignore[misc]
            await _describe(storage, chunk, numbers, datasets, sets)
        await storage.write(lambda tx: _add_versions(tx, runs, versions))
    finally:
        await storage.close()


def _add_experiment(tx: Transaction) -> int:
    number: int = tx.rows(
        "INSERT INTO experiments (name, artifact_location, lifecycle, created_ms, updated_ms)"
        " VALUES (?, 'mlflow-artifacts:/d', 'active', ?, ?) RETURNING id",
        _EXPERIMENT,
        _FIRST_MS,
        _FIRST_MS,
    )[0][0]
    return number


def _add_datasets(tx: Transaction, experiment: int, rare: int) -> list[int]:
    """The numbers of the data sets: the common one first."""
    digests = [COMMON, *map(RARE.format, range(rare))]
    tx.insert_columns(
        "INSERT INTO datasets (experiment, name, digest, source_type, source) {columns bigint, text, text, text, text}",
        *_columns([(experiment, f"data {digest}", digest, "local", "{}") for digest in digests]),
    )
    rows = tx.rows("SELECT digest, id FROM datasets WHERE experiment = ?", experiment)
    numbers: dict[str, int] = dict(rows)
    return [numbers[digest] for digest in digests]


def _add_package_sets(tx: Transaction) -> list[int]:
    """Sets of 100 packages; in each, one has a version of its own."""
    numbers = []
    for place in range(SETS):
        (number,) = tx.rows("INSERT INTO package_sets (digest) VALUES (?) RETURNING id", f"set {place}")[0]
        pins = [tuple(PACKAGE.format(place).split("==")), tuple(COMMON_PACKAGE.split("=="))]
        pins += [(f"package-{each}", "1.0") for each in range(98)]
        tx.insert_columns(
            "INSERT INTO package_set_members (package_set, name, version, specifier)"
            " {columns bigint, text, text, text}",
            *_columns([(number, name, version, "") for name, version in pins]),
        )
        numbers.append(number)
    return numbers


def _add_runs(tx: Transaction, experiment: int, chunk: Sequence[int]) -> list[int]:
    rows = [
        (run_id(each), experiment, f"run {each}", "ada", "FINISHED", _FIRST_MS + each, "active", "mlflow-artifacts:/d")
        for each in chunk
    ]
    tx.insert_columns(
        "INSERT INTO runs (uuid, experiment, name, user_id, status, start_ms, lifecycle, artifact_uri)"
        " {columns text, bigint, text, text, text, bigint, text, text}",
        *_columns(rows),
    )
    found: dict[str, int] = dict(
        tx.rows("SELECT uuid, id FROM runs WHERE uuid {texts}", [run_id(each) for each in chunk])
    )
    return [found[run_id(each)] for each in chunk]


async def _describe(
    storage: Storage, chunk: Sequence[int], numbers: list[int], datasets: list[int], sets: list[int]
) -> None:
    """Two data sets, a commit and packages for each run, and a parent for nine of ten."""
    used = [(numbers[each], dataset) for each in chunk for dataset in (datasets[0], datasets[1 + each // SHARING])]
    parents = [
        (numbers[each], "tags", "run", run_id(each - each % (CHILDREN + 1))) for each in chunk if each % (CHILDREN + 1)
    ]

    def operation(tx: Transaction) -> None:
        tx.insert_columns("INSERT INTO dataset_inputs (run, dataset) {columns bigint, bigint}", *_columns(used))
        tx.insert_columns(
            "INSERT INTO run_commits (run, origin, commit_id) {columns bigint, text, text}",
            *_columns([(numbers[each], "tags", commit(each)) for each in chunk]),
        )
        tx.insert_columns(
            "INSERT INTO run_packages (run, path, package_set) {columns bigint, text, bigint}",
            *_columns([(numbers[each], "model/requirements.txt", sets[each % SETS]) for each in chunk]),
        )
        tx.insert_columns(
            "INSERT INTO run_sources (run, origin, kind, value) {columns bigint, text, text, text}",
            *_columns(parents),
        )

    await storage.write(operation)


def _add_versions(tx: Transaction, runs: int, versions: int) -> None:
    """Versions of runs that lie apart, in rows of models; each is deployed."""
    tx.insert_columns(
        "INSERT INTO registered_models (name, description, created_ms, updated_ms, last_version)"
        " {columns text, text, bigint, bigint, bigint}",
        *_columns([(model_name(each), "", _FIRST_MS, _FIRST_MS, -(-versions // MODELS)) for each in range(MODELS)]),
    )
    models: dict[str, int] = dict(
        tx.rows(
            "SELECT name, id FROM registered_models WHERE name {texts}", [model_name(each) for each in range(MODELS)]
        )
    )
    for first in range(0, versions, _CHUNK):
        rows = [_version(models, each, runs // versions) for each in range(first, min(first + _CHUNK, versions))]
        tx.insert_columns(_VERSIONS, *_columns(rows))
    added: dict[str, int] = dict(tx.rows("SELECT source, id FROM model_versions WHERE source LIKE ?", "descended %"))
    numbers = [added[f"descended {each}"] for each in range(versions)]
    deployed = [
        (f"descended {each}", model_name(each), numbers[each], image(each), _FIRST_MS + each)
        for each in range(versions)
    ]
    _add_deployments(tx, models, deployed)


_VERSIONS = (
    "INSERT INTO model_versions (model, version, description, user_id, source, location, run_id, run_link,"
    " logged_model, stage, status, status_message, created_ms, updated_ms) {columns bigint, bigint, text, text, text,"
    " text, text, text, text, text, text, text, bigint, bigint}"
)
_DEPLOYMENTS = (
    "INSERT INTO deployments (key, environment, kind, locator, image, region, slot, stream, model_version, actor,"
    " reported_ms, started_ms) {columns text, text, text, text, text, text, text, text, bigint, text, bigint, bigint}"
)


def _version(models: dict[str, int], each: int, apart: int) -> tuple[Any, ...]:
    place = (models[model_name(each)], each // MODELS + 1)
    texts = ("", "ada", f"descended {each}", "", run_id(run_of(each, apart)), "", "", "None", "READY", "")
    return (*place, *texts, _FIRST_MS + each, _FIRST_MS + each)


def _add_deployments(tx: Transaction, models: dict[str, int], deployed: Iterable[tuple[Any, ...]]) -> None:
    rows = [
        (
            *(key, "production", "image", f"registry.example/{model}@{digest}", "", "", f"registry.example/{model}"),
            *(f"models/{models[model]}", number, "ada", time, time),
        )
        for key, model, number, digest, time in deployed
    ]
    tx.insert_columns(_DEPLOYMENTS, *_columns(rows))
    known: dict[str, int] = dict(tx.rows("SELECT locator, id FROM deployments"))
    names = [(row[3].partition("@")[2], known[row[3]]) for row in rows]
    tx.insert_columns("INSERT INTO deployment_names (name, deployment) {columns text, bigint}", *_columns(names))


def _columns(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[Any]]:
    return (list(column) for column in zip(*rows, strict=True))
