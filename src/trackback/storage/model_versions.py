"""Versions of registered models, and their tags; ``version_data`` keeps what they were registered with."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from trackback.entities import Metric, ModelParam, ModelVersion, ModelVersionStatus, Stage, Tag
from trackback.storage.interface import Transaction
from trackback.storage.names import by_owner, numbered

MODEL_NAME = "(SELECT m.name FROM registered_models m WHERE m.id = v.model)"
"""The name of the model of a row ``v``. Not by a join, which PostgreSQL may begin with the model's many versions."""

MODEL_VERSION_COLUMNS = (
    f"v.id, v.model, {MODEL_NAME}, v.version, v.description, v.user_id, v.source, v.location, v.digest, v.run_id,"
    " v.run_link, v.logged_model, v.stage, v.status, v.status_message, v.created_ms, v.updated_ms"
)
"""The columns of a ModelVersionRecord, of ``model_versions v``."""

_SELECT = f"SELECT {MODEL_VERSION_COLUMNS} FROM model_versions v"
_STAGES = " UNION ALL ".join(f"SELECT '{stage}' AS stage" for stage in Stage)
_NEWEST = (
    "SELECT w.id FROM model_versions w WHERE w.model = n.id AND w.stage = s.stage AND w.deleted_ms IS NULL"
    " ORDER BY w.version DESC LIMIT 1"
)


class ModelVersionRecord(NamedTuple):
    """A row of model_versions, and the name of its model.

    ``id`` is the short key inside, ``model`` that of the registered model, ``version`` the number within it.
    ``logged_model`` and ``run_id`` are the ids outside, or empty.
    """

    id: int
    model: int
    name: str
    version: int
    description: str
    user_id: str
    source: str
    location: str
    digest: str | None
    run_id: str
    run_link: str
    logged_model: str
    stage: str
    status: str
    status_message: str
    created_ms: int
    updated_ms: int


class NewModelVersion(NamedTuple):
    """A version to be, without its number. ``copied_from`` is the row of the version that it is a copy of."""

    source: str
    location: str
    digest: str | None = None
    status_message: str = ""
    run_id: str = ""
    logged_model: str = ""
    copied_from: int | None = None
    description: str = ""
    user_id: str = ""
    run_link: str = ""


def find(tx: Transaction, name: str, version: int) -> ModelVersionRecord | None:
    row = tx.row(
        f"{_SELECT} JOIN registered_models m ON m.id = v.model"
        " WHERE m.name = ? AND m.deleted_ms IS NULL AND v.version = ? AND v.deleted_ms IS NULL",
        name,
        version,
    )
    return ModelVersionRecord(*row) if row else None


def find_by_id(tx: Transaction, model_version: int) -> ModelVersionRecord | None:
    """The version, deleted or not."""
    row = tx.row(f"{_SELECT} WHERE v.id = ?", model_version)
    return ModelVersionRecord(*row) if row else None


def newest(tx: Transaction, model: int) -> ModelVersionRecord | None:
    """The version with the highest number."""
    row = tx.row(f"{_SELECT} WHERE v.model = ? AND v.deleted_ms IS NULL ORDER BY v.version DESC LIMIT 1", model)
    return ModelVersionRecord(*row) if row else None


def newest_of_source(tx: Transaction, model: int, run_id: str, source: str) -> ModelVersionRecord | None:
    """The version with the highest number among those of a run and a source."""
    row = tx.row(
        f"{_SELECT} WHERE v.run_id = ? AND v.model = ? AND v.source = ? AND v.deleted_ms IS NULL"
        " ORDER BY v.version DESC LIMIT 1",
        run_id,
        model,
        source,
    )
    return ModelVersionRecord(*row) if row else None


def latest(tx: Transaction, models: Sequence[int]) -> list[ModelVersionRecord]:
    """The newest version of each stage of some models, by number: each is one look into an index."""
    tx.trust_indexes()
    newest = tx.rows(
        f"SELECT ({_NEWEST}) FROM registered_models n CROSS JOIN ({_STAGES}) s WHERE n.id {{ints}}", list(models)
    )
    ids = [version for (version,) in newest if version is not None]
    found = [ModelVersionRecord(*row) for row in tx.rows(f"{_SELECT} WHERE v.id {{ints}}", ids)]
    return sorted(found, key=lambda record: (record.model, record.version))


def add(tx: Transaction, model: int, version: int, new: NewModelVersion, created_ms: int) -> int:
    """The id of a new version's row."""
    number: int = tx.rows(
        "INSERT INTO model_versions (model, version, description, user_id, source, location, digest, run_id, run_link,"
        " logged_model, copied_from, stage, status, status_message, created_ms, updated_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        model,
        version,
        new.description,
        new.user_id,
        new.source,
        new.location,
        new.digest,
        new.run_id,
        new.run_link,
        new.logged_model,
        new.copied_from,
        Stage.NONE.value,
        ModelVersionStatus.READY.value,
        new.status_message,
        created_ms,
        created_ms,
    )[0][0]
    return number


def set_description(tx: Transaction, model_version: int, description: str, updated_ms: int) -> None:
    tx.run(
        "UPDATE model_versions SET description = ?, updated_ms = ? WHERE id = ?", description, updated_ms, model_version
    )


def set_stage(tx: Transaction, model_version: int, stage: Stage, updated_ms: int) -> None:
    tx.run("UPDATE model_versions SET stage = ?, updated_ms = ? WHERE id = ?", stage.value, updated_ms, model_version)


def archive_others(tx: Transaction, record: ModelVersionRecord, stage: Stage, updated_ms: int) -> None:
    """Move all other versions of the model that are in a stage to Archived."""
    tx.run(
        "UPDATE model_versions SET stage = ?, updated_ms = ?"
        " WHERE model = ? AND stage = ? AND id <> ? AND deleted_ms IS NULL",
        Stage.ARCHIVED.value,
        updated_ms,
        record.model,
        stage.value,
        record.id,
    )


def delete(tx: Transaction, model_version: int, deleted_ms: int) -> None:
    """Mark the version deleted; its number stays taken."""
    tx.run("UPDATE model_versions SET deleted_ms = ? WHERE id = ?", deleted_ms, model_version)


def delete_some(tx: Transaction, model: int, deleted_ms: int, most: int) -> int:
    """Mark so many versions of a model deleted at most; how many."""
    return tx.run(
        "UPDATE model_versions SET deleted_ms = ? WHERE id IN"
        " (SELECT id FROM model_versions WHERE model = ? AND deleted_ms IS NULL LIMIT ?)",
        deleted_ms,
        model,
        most,
    )


def set_tags(tx: Transaction, model_version: int, tags: Mapping[str, str]) -> None:
    keys, values = numbered(tx, tags)
    tx.insert_columns(
        "INSERT INTO model_version_tags (model_version, key, value) {columns bigint, bigint, text}"
        " ON CONFLICT (model_version, key) DO UPDATE SET value = excluded.value",
        [model_version] * len(keys),
        keys,
        values,
    )


def delete_tag(tx: Transaction, model_version: int, key: str) -> bool:
    """Whether there was such a tag."""
    number = tx.known_name_ids([key]).get(key)
    return tx.run("DELETE FROM model_version_tags WHERE model_version = ? AND key = ?", model_version, number) > 0


def load(tx: Transaction, records: Sequence[ModelVersionRecord]) -> list[ModelVersion]:
    """The versions with their tags and aliases; a fixed number of statements, however many versions."""
    ids = [record.id for record in records]
    tags = by_owner(
        tx,
        tx.rows(
            "SELECT model_version, key, value FROM model_version_tags WHERE model_version {ints}"
            " ORDER BY model_version, key",
            ids,
        ),
        lambda key, row: Tag(key, row[2]),
    )
    aliases: defaultdict[int, list[str]] = defaultdict(list)
    for model_version, alias in sorted(
        tx.rows(
            "SELECT v.id, a.alias FROM model_versions v"
            " JOIN registered_model_aliases a ON a.model = v.model AND a.version = v.version WHERE v.id {ints}",
            ids,
        )
    ):
        aliases[model_version].append(alias)
    return [_entity(record, tags.get(record.id, ()), aliases.get(record.id, ())) for record in records]


def load_whole(tx: Transaction, record: ModelVersionRecord) -> ModelVersion:
    """A version with its params and metrics too."""
    params = by_owner(
        tx,
        tx.rows(
            "SELECT model_version, key, value FROM model_version_params WHERE model_version = ? ORDER BY key", record.id
        ),
        lambda key, row: ModelParam(key, row[2]),
    )
    metrics = by_owner(
        tx,
        tx.rows(
            "SELECT model_version, key, value, is_nan, step, timestamp_ms FROM model_version_metrics"
            " WHERE model_version = ? ORDER BY key",
            record.id,
        ),
        lambda key, row: Metric(key=key, value=math.nan if row[3] else row[2], timestamp=row[5], step=row[4]),
    )
    return msgspec.structs.replace(
        load(tx, [record])[0],
        model_params=tuple(params.get(record.id, ())),
        model_metrics=tuple(metrics.get(record.id, ())),
    )


def _entity(record: ModelVersionRecord, tags: Sequence[Tag], aliases: Sequence[str]) -> ModelVersion:
    """As MLflow's server does, texts that are empty are given so, and not left out."""
    return ModelVersion(
        name=record.name,
        version=str(record.version),
        creation_timestamp=record.created_ms,
        last_updated_timestamp=record.updated_ms,
        current_stage=Stage(record.stage),
        status=ModelVersionStatus(record.status),
        source=record.source,
        user_id=record.user_id or None,
        description=record.description,
        run_id=record.run_id,
        run_link=record.run_link,
        status_message=record.status_message or None,
        model_id=record.logged_model or None,
        digest=record.digest,
        tags=tuple(tags),
        aliases=tuple(aliases),
    )
