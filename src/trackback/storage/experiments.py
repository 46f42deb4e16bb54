"""Experiments and their tags."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trackback.entities import Experiment, LifecycleStage, Tag, ViewType
from trackback.search import Comparison, Kind, Node, Order
from trackback.storage.conditions import Fragment, among, comparisons, compiled, in_view, joined, keyed, predicate
from trackback.storage.interface import Transaction
from trackback.storage.names import by_owner, numbered

_COLUMNS = "id, name, artifact_location, lifecycle, created_ms, updated_ms"
_ATTRIBUTES = {
    "experiment_id": "e.id",
    "name": "e.name",
    "creation_time": "e.created_ms",
    "last_update_time": "e.updated_ms",
}


class ExperimentRecord(NamedTuple):
    """A row of experiments; ``id`` is the number that is the id outside too."""

    id: int
    name: str
    artifact_location: str
    lifecycle: str
    created_ms: int
    updated_ms: int

    def artifact_uri(self, path: str) -> str:
        """Where artifacts lie of what belongs to the experiment: below its own location."""
        return f"{self.artifact_location.rstrip('/')}/{path}/artifacts"


class ExperimentQuery(NamedTuple):
    """``readable``: among which experiments; None for all."""

    view: ViewType
    condition: Node | None
    order: list[Order]
    limit: int
    offset: int
    readable: frozenset[int] | None = None


def find(tx: Transaction, experiment: int) -> ExperimentRecord | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM experiments WHERE id = ?", experiment)
    return ExperimentRecord(*row) if row else None


def hold(tx: Transaction, experiment: int) -> ExperimentRecord | None:
    """``find``, in a write: nobody deletes, restores or renames the experiment before the transaction ends."""
    row = tx.row(f"SELECT {_COLUMNS} FROM experiments WHERE id = ? {{for_share}}", experiment)
    return ExperimentRecord(*row) if row else None


def find_by_name(tx: Transaction, name: str) -> ExperimentRecord | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM experiments WHERE name = ?", name)
    return ExperimentRecord(*row) if row else None


def add(tx: Transaction, name: str, created_ms: int) -> int | None:
    """The number of a new experiment, which has no artifact location yet; None if the name is taken."""
    row = tx.row(
        "INSERT INTO experiments (name, artifact_location, lifecycle, created_ms, updated_ms)"
        " VALUES (?, '', 'active', ?, ?) ON CONFLICT (name) DO NOTHING RETURNING id",
        name,
        created_ms,
        created_ms,
    )
    return row[0] if row else None


def add_numbered(tx: Transaction, experiment: int, name: str, artifact_location: str, created_ms: int) -> None:
    """An experiment with a number given, unless the number or the name is taken."""
    tx.run(
        "INSERT INTO experiments (id, name, artifact_location, lifecycle, created_ms, updated_ms)"
        " VALUES (?, ?, ?, 'active', ?, ?) ON CONFLICT DO NOTHING",
        experiment,
        name,
        artifact_location,
        created_ms,
        created_ms,
    )


def set_artifact_location(tx: Transaction, experiment: int, artifact_location: str) -> None:
    tx.run("UPDATE experiments SET artifact_location = ? WHERE id = ?", artifact_location, experiment)


def rename(tx: Transaction, experiment: int, name: str, updated_ms: int) -> None:
    tx.run("UPDATE experiments SET name = ?, updated_ms = ? WHERE id = ?", name, updated_ms, experiment)


def set_lifecycle(tx: Transaction, experiment: int, stage: LifecycleStage, updated_ms: int) -> bool:
    """Whether the experiment was in another stage."""
    changed = tx.run(
        "UPDATE experiments SET lifecycle = ?, updated_ms = ? WHERE id = ? AND lifecycle <> ?",
        stage.value,
        updated_ms,
        experiment,
        stage.value,
    )
    return changed > 0


def set_tags(tx: Transaction, experiment: int, tags: Mapping[str, str]) -> None:
    keys, values = numbered(tx, tags)
    tx.insert_columns(
        "INSERT INTO experiment_tags (experiment, key, value) {columns bigint, bigint, text}"
        " ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
        [experiment] * len(keys),
        keys,
        values,
    )


def delete_tag(tx: Transaction, experiment: int, key: str) -> bool:
    """Whether there was such a tag."""
    number = tx.known_name_ids([key]).get(key)
    return tx.run("DELETE FROM experiment_tags WHERE experiment = ? AND key = ?", experiment, number) > 0


def count_tags(tx: Transaction, experiment: int, prefix: str) -> int:
    """How many tags the experiment has whose keys begin with ``prefix``."""
    rows = tx.rows("SELECT key FROM experiment_tags WHERE experiment = ?", experiment)
    return sum(key.startswith(prefix) for key in tx.names([number for (number,) in rows]))


def search(tx: Transaction, query: ExperimentQuery) -> list[ExperimentRecord]:
    """The experiments of a query, in order: its orders, then the highest id first; without orders the newest first."""
    keys = tx.known_name_ids([term.field.key for term in comparisons(query.condition)])

    def comparison(term: Comparison) -> Fragment:
        field, operator, value = term.field, term.operator, term.value
        if field.kind is Kind.ATTRIBUTE:
            return predicate(_ATTRIBUTES[field.key], operator, value)
        return keyed("experiment_tags", "experiment = e.id", "value", keys.get(field.key), operator, value)

    terms = [in_view("e.lifecycle", query.view), compiled(query.condition, comparison)]
    if query.readable is not None:
        terms.append(among("e.id", sorted(query.readable)))
    where = joined(terms, "AND")
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM experiments e WHERE {where.sql} ORDER BY {_ordering(query.order)} LIMIT ? OFFSET ?",
        *where.values,
        query.limit,
        query.offset,
    )
    return [ExperimentRecord(*row) for row in rows]


def _ordering(order: Sequence[Order]) -> str:
    if not order:
        return "e.created_ms DESC, e.id"
    ranks = [_ATTRIBUTES[each.field.key] + (" DESC" if each.descending else "") for each in order]
    return ", ".join([*ranks, "e.id DESC"])


def load(tx: Transaction, records: Sequence[ExperimentRecord]) -> list[Experiment]:
    """The experiments with their tags; a fixed number of statements, however many experiments."""
    rows = tx.rows(
        "SELECT experiment, key, value FROM experiment_tags WHERE experiment {ints} ORDER BY experiment, key",
        [record.id for record in records],
    )
    tags = by_owner(tx, rows, lambda key, row: Tag(key, row[2]))
    return [
        Experiment(
            experiment_id=str(record.id),
            name=record.name,
            artifact_location=record.artifact_location,
            lifecycle_stage=LifecycleStage(record.lifecycle),
            creation_time=record.created_ms,
            last_update_time=record.updated_ms,
            tags=tuple(tags.get(record.id, ())),
        )
        for record in records
    ]
