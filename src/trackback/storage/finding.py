"""What a word in the search box may name, each kind by an index: by how its id, digest or name begins, or among the
newest, which are read in the order of their numbers. Nothing here reads a table to its end.
"""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.storage.conditions import Fragment
from trackback.storage.indexed_terms import INDEXED_LENGTH, INDEXED_TEXT, successor
from trackback.storage.interface import Row, Transaction

NEWEST = 2000
"""Of each kind, that are read for names which have the text anywhere."""
VALUE_RUNS = 200
"""The newest runs, under whose keys values are looked for."""
VALUE_EXPERIMENTS = 50
VALUE_KEYS = 200

_NAME = f"lower(substr(r.name, 1, {INDEXED_LENGTH}))"
_RUN = "r.id, r.uuid, r.name, r.experiment, r.status, r.start_ms"
_ACTIVE = "r.lifecycle = 'active'"
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

Readable = frozenset[int] | None
"""The numbers of experiments, or models, that may be found; None: of all."""


class NamedRow(NamedTuple):
    """An experiment or a registered model."""

    id: int
    name: str


class FoundRun(NamedTuple):
    """``key`` and ``value``: of the param or tag that the run was found by."""

    id: int
    run_id: str
    name: str
    experiment: int
    status: str
    start_ms: int
    key: int | None = None
    value: str = ""


class FoundVersion(NamedTuple):
    model: int
    name: str
    version: int
    digest: str


class FoundLoggedModel(NamedTuple):
    model_id: str
    name: str
    experiment: int


class FoundDataset(NamedTuple):
    name: str
    digest: str


def folded(text: str) -> str:
    """As the index of runs' names has it: the letters that both databases fold alike."""
    return text.translate(_LOWER)


def begins(column: str, text: str) -> Fragment:
    """The column begins with the text, as a range of an index on it."""
    return Fragment(f"{column} >= ? AND {column} < ?", (text, successor(text)))


def experiments_named(tx: Transaction, text: str, readable: Readable, limit: int) -> list[NamedRow]:
    named, scope = begins("e.name", text), _within("e.id", readable)
    return _named(
        tx,
        f"SELECT e.id, e.name FROM experiments e WHERE {named.sql} AND e.lifecycle = 'active'{scope.sql}"
        " ORDER BY e.name LIMIT ?",
        *named.values,
        *scope.values,
        limit,
    )


def newest_experiments(tx: Transaction, readable: Readable) -> list[NamedRow]:
    scope = _within("e.id", readable)
    return _named(
        tx,
        f"SELECT e.id, e.name FROM experiments e WHERE e.lifecycle = 'active'{scope.sql} ORDER BY e.id DESC LIMIT ?",
        *scope.values,
        NEWEST,
    )


def experiment_names(tx: Transaction, numbers: Sequence[int]) -> dict[int, str]:
    return dict(tx.rows("SELECT id, name FROM experiments WHERE id {ints}", sorted(set(numbers))))


def models_named(tx: Transaction, text: str, readable: Readable, limit: int) -> list[NamedRow]:
    named, scope = begins("m.name", text), _within("m.id", readable)
    return _named(
        tx,
        f"SELECT m.id, m.name FROM registered_models m WHERE m.deleted_ms IS NULL AND {named.sql}{scope.sql}"
        " ORDER BY m.name LIMIT ?",
        *named.values,
        *scope.values,
        limit,
    )


def newest_models(tx: Transaction, readable: Readable) -> list[NamedRow]:
    """Those that were changed last."""
    scope = _within("m.id", readable)
    return _named(
        tx,
        f"SELECT m.id, m.name FROM registered_models m WHERE m.deleted_ms IS NULL{scope.sql}"
        " ORDER BY m.updated_ms DESC, m.name DESC LIMIT ?",
        *scope.values,
        NEWEST,
    )


def runs_with_id(tx: Transaction, text: str, readable: Readable, limit: int) -> list[FoundRun]:
    return _runs_where(tx, begins("r.uuid", text), readable, "r.uuid", limit)


def runs_named(tx: Transaction, text: str, readable: Readable, limit: int) -> list[FoundRun]:
    """Runs whose name begins so, whatever the case of its letters from A to Z."""
    return _runs_where(tx, begins(_NAME, folded(text)[:INDEXED_LENGTH]), readable, f"{_NAME}, r.id", limit)


def newest_runs(tx: Transaction) -> list[FoundRun]:
    """The newest runs of all: who asks for them sees which of them may be found."""
    rows = tx.rows(f"SELECT {_RUN}, r.lifecycle FROM runs r ORDER BY r.id DESC LIMIT ?", NEWEST)
    return [FoundRun(*row) for *row, lifecycle in rows if lifecycle == "active"]


def keys_of(tx: Transaction, table: str, runs: Sequence[int]) -> list[int]:
    """The keys of the params or tags (``table``) of some runs."""
    rows = tx.rows(f"SELECT DISTINCT key FROM {table} WHERE run {{ints}} LIMIT ?", list(runs), VALUE_KEYS)
    return [key for (key,) in rows]


def runs_with_value(
    tx: Transaction, table: str, text: str, experiments: Sequence[int], keys: Sequence[int], limit: int
) -> list[FoundRun]:
    """Runs of some experiments with a param or tag (``table``) of one of some keys, whose value begins so."""
    tx.trust_indexes()
    value = begins(INDEXED_TEXT, text[:INDEXED_LENGTH])
    rows = tx.rows(
        f"SELECT {_RUN}, f.key, f.value FROM (SELECT t.run, t.key, t.value FROM {table} t"
        f" WHERE t.experiment {{ints}} AND t.key {{ints}} AND {value.sql} LIMIT ?) f"
        f" JOIN runs r ON r.id = f.run WHERE {_ACTIVE} ORDER BY r.id DESC LIMIT ?",
        list(experiments),
        list(keys),
        *value.values,
        NEWEST,
        limit,
    )
    return [FoundRun(*row) for row in rows]


def versions_with_digest(tx: Transaction, text: str, readable: Readable, limit: int) -> list[FoundVersion]:
    digest, scope = begins("v.digest", text), _within("v.model", readable)
    rows = tx.rows(
        "SELECT v.model, m.name, v.version, v.digest FROM model_versions v JOIN registered_models m ON m.id = v.model"
        f" WHERE {digest.sql} AND v.deleted_ms IS NULL AND m.deleted_ms IS NULL{scope.sql} ORDER BY v.digest LIMIT ?",
        *digest.values,
        *scope.values,
        limit,
    )
    return [FoundVersion(*row) for row in rows]


def logged_models_with_id(tx: Transaction, text: str, readable: Readable, limit: int) -> list[FoundLoggedModel]:
    found, scope = begins("l.uuid", text), _within("l.experiment", readable)
    rows = tx.rows(
        f"SELECT l.uuid, l.name, l.experiment FROM logged_models l WHERE {found.sql} AND l.lifecycle = 'active'"
        f"{scope.sql} ORDER BY l.uuid LIMIT ?",
        *found.values,
        *scope.values,
        limit,
    )
    return [FoundLoggedModel(*row) for row in rows]


def newest_logged_models(tx: Transaction) -> list[FoundLoggedModel]:
    rows = tx.rows("SELECT uuid, name, experiment, lifecycle FROM logged_models ORDER BY id DESC LIMIT ?", NEWEST)
    return [FoundLoggedModel(*row) for *row, lifecycle in rows if lifecycle == "active"]


def deployments_named(tx: Transaction, text: str, limit: int) -> list[int]:
    """The deployments of which an image, URL, AMI id or workload begins so."""
    name = begins("name", text)
    rows = tx.rows(
        f"SELECT deployment FROM deployment_names WHERE {name.sql} ORDER BY name, deployment DESC LIMIT ?",
        *name.values,
        limit,
    )
    return [number for (number,) in rows]


def datasets_like(tx: Transaction, column: str, text: str, readable: Readable, limit: int) -> list[FoundDataset]:
    """Data sets of which the ``column``, ``name`` or ``digest``, begins so, of runs or their documents."""
    logged, logged_scope = begins(f"d.{column}", text), _within("d.experiment", readable)
    told, told_scope = begins(f"p.{column}", text), _within("r.experiment", readable)
    rows = tx.rows(
        f"SELECT DISTINCT name, digest FROM (SELECT d.name, d.digest FROM datasets d WHERE {logged.sql}"
        f"{logged_scope.sql} ORDER BY d.{column} LIMIT ?) a",
        *logged.values,
        *logged_scope.values,
        NEWEST,
    )
    rows += tx.rows(
        "SELECT DISTINCT name, digest FROM (SELECT p.name, p.digest FROM provenance_datasets p JOIN runs r"
        f" ON r.id = p.run WHERE {told.sql}{told_scope.sql} ORDER BY p.{column} LIMIT ?) b",
        *told.values,
        *told_scope.values,
        NEWEST,
    )
    return [FoundDataset(*row) for row in sorted(set(rows))[:limit]]


def _runs_where(tx: Transaction, condition: Fragment, readable: Readable, order: str, limit: int) -> list[FoundRun]:
    scope = _within("r.experiment", readable)
    rows = tx.rows(
        f"SELECT {_RUN} FROM runs r WHERE {condition.sql} AND {_ACTIVE}{scope.sql} ORDER BY {order} LIMIT ?",
        *condition.values,
        *scope.values,
        limit,
    )
    return [FoundRun(*row) for row in rows]


def _named(tx: Transaction, sql: str, *values: object) -> list[NamedRow]:
    rows: list[Row] = tx.rows(sql, *values)
    return [NamedRow(*row) for row in rows]


def _within(column: str, numbers: Readable) -> Fragment:
    return Fragment("") if numbers is None else Fragment(f" AND {column} {{ints}}", (sorted(numbers),))
