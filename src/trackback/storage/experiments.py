"""Experiments and their tags."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trackback.entities import Experiment, LifecycleStage, Tag
from trackback.storage.interface import Transaction

_COLUMNS = "id, name, artifact_location, lifecycle, created_ms, updated_ms"


class ExperimentRecord(NamedTuple):
    """A row of experiments; ``id`` is the number that is the id outside too."""

    id: int
    name: str
    artifact_location: str
    lifecycle: str
    created_ms: int
    updated_ms: int


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
    keys = sorted(zip(tx.name_ids(list(tags)), tags, strict=True))
    tx.insert_columns(
        "INSERT INTO experiment_tags (experiment, key, value) {columns bigint, bigint, text}"
        " ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
        [experiment] * len(keys),
        [number for number, _ in keys],
        [tags[key] for _, key in keys],
    )


def delete_tag(tx: Transaction, experiment: int, key: str) -> bool:
    """Whether there was such a tag."""
    number = tx.known_name_ids([key]).get(key)
    return tx.run("DELETE FROM experiment_tags WHERE experiment = ? AND key = ?", experiment, number) > 0


def load(tx: Transaction, records: Sequence[ExperimentRecord]) -> list[Experiment]:
    """The experiments with their tags, by two statements at most."""
    tags = _tags(tx, [record.id for record in records])
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


def _tags(tx: Transaction, experiments: list[int]) -> dict[int, list[Tag]]:
    rows = tx.rows("SELECT experiment, key, value FROM experiment_tags WHERE experiment {ints}", experiments)
    keys = tx.names([row[1] for row in rows])
    found: defaultdict[int, list[Tag]] = defaultdict(list)
    for (experiment, _, value), key in sorted(zip(rows, keys, strict=True), key=lambda each: each[1]):
        found[experiment].append(Tag(key, value))
    return found
