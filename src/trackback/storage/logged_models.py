"""Logged models: their params, their tags, and the points that were logged for them."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trackback.entities import (
    LifecycleStage,
    LoggedModel,
    LoggedModelData,
    LoggedModelInfo,
    LoggedModelStatus,
    Metric,
    Param,
    Tag,
)
from trackback.storage.interface import Transaction
from trackback.storage.names import by_owner, numbered

MODEL_COLUMNS = (
    "m.id, m.uuid, m.experiment, m.name, m.model_type, m.source_run, m.status, m.status_message, m.artifact_uri,"
    " m.created_ms, m.updated_ms, m.lifecycle"
)
"""The columns of a LoggedModelRecord, of ``logged_models m``."""


class LoggedModelRecord(NamedTuple):
    """A row of logged_models: ``id`` is the short key inside, ``uuid`` the id outside."""

    id: int
    uuid: str
    experiment: int
    name: str
    model_type: str | None
    source_run: str | None
    status: str
    status_message: str | None
    artifact_uri: str
    created_ms: int
    updated_ms: int
    lifecycle: str

    def info(self, tags: Sequence[Tag]) -> LoggedModelInfo:
        return LoggedModelInfo(
            model_id=self.uuid,
            experiment_id=str(self.experiment),
            name=self.name,
            creation_timestamp_ms=self.created_ms,
            last_updated_timestamp_ms=self.updated_ms,
            artifact_uri=self.artifact_uri,
            status=LoggedModelStatus(self.status),
            model_type=self.model_type,
            source_run_id=self.source_run,
            status_message=self.status_message,
            tags=tuple(tags),
        )


class ModelPoint(NamedTuple):
    """A point of a run that belongs to a logged model too, and perhaps to a data set (else two empty texts)."""

    model: int
    key: int
    step: int
    timestamp_ms: int
    value: float
    is_nan: int
    run: str
    dataset_name: str
    dataset_digest: str


def find(tx: Transaction, model_id: str) -> LoggedModelRecord | None:
    """The model, deleted or not."""
    row = tx.row(f"SELECT {MODEL_COLUMNS} FROM logged_models m WHERE m.uuid = ?", model_id)
    return LoggedModelRecord(*row) if row else None


def find_many(tx: Transaction, model_ids: Sequence[str]) -> list[LoggedModelRecord]:
    """Those of ``model_ids`` that exist, deleted or not."""
    rows = tx.rows(f"SELECT {MODEL_COLUMNS} FROM logged_models m WHERE m.uuid {{texts}}", list(model_ids))
    return [LoggedModelRecord(*row) for row in rows]


def of_run(tx: Transaction, run_id: str) -> list[LoggedModelRecord]:
    """The models that a run has made and that are not deleted, the oldest first."""
    rows = tx.rows(
        f"SELECT {MODEL_COLUMNS} FROM logged_models m WHERE m.source_run = ? AND m.lifecycle = 'active' ORDER BY m.id",
        run_id,
    )
    return [LoggedModelRecord(*row) for row in rows]


def find_of_run(tx: Transaction, experiment: int, run_id: str, name: str) -> LoggedModelRecord | None:
    """The newest model of a name that a run has made, and that is not deleted."""
    row = tx.row(
        f"SELECT {MODEL_COLUMNS} FROM logged_models m WHERE m.experiment = ? AND m.name = ? AND m.source_run = ?"
        " AND m.lifecycle = ? ORDER BY m.created_ms DESC, m.id DESC LIMIT 1",
        experiment,
        name,
        run_id,
        LifecycleStage.ACTIVE.value,
    )
    return LoggedModelRecord(*row) if row else None


def add(
    tx: Transaction,
    uuid: str,
    experiment: int,
    name: str,
    model_type: str,
    source_run: str,
    artifact_uri: str,
    created_ms: int,
) -> LoggedModelRecord:
    row = tx.row(
        "INSERT INTO logged_models AS m (uuid, experiment, name, model_type, source_run, status, artifact_uri,"
        " created_ms, updated_ms, lifecycle) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'active')"
        f" RETURNING {MODEL_COLUMNS.replace('m.', '')}",
        uuid,
        experiment,
        name,
        model_type,
        source_run,
        LoggedModelStatus.PENDING.value,
        artifact_uri,
        created_ms,
        created_ms,
    )
    assert row is not None
    return LoggedModelRecord(*row)


def set_status(tx: Transaction, model: int, status: LoggedModelStatus, updated_ms: int) -> None:
    tx.run("UPDATE logged_models SET status = ?, updated_ms = ? WHERE id = ?", status.value, updated_ms, model)


def delete(tx: Transaction, model: int, deleted_ms: int) -> None:
    """Mark the model deleted, unless it is."""
    tx.run(
        "UPDATE logged_models SET lifecycle = ?, deleted_ms = ?, updated_ms = ? WHERE id = ? AND lifecycle = ?",
        LifecycleStage.DELETED.value,
        deleted_ms,
        deleted_ms,
        model,
        LifecycleStage.ACTIVE.value,
    )


def param_keys(tx: Transaction, model: int, keys: Sequence[str]) -> list[str]:
    """Those of ``keys`` that the model has params of."""
    numbers = tx.known_name_ids(keys)
    rows = tx.rows(
        "SELECT key FROM logged_model_params WHERE model = ? AND key {ints}", model, sorted(numbers.values())
    )
    return sorted(tx.names([number for (number,) in rows]))


def add_params(tx: Transaction, model: int, params: Mapping[str, str]) -> None:
    """Add params, of whose keys the model has none yet."""
    keys, values = numbered(tx, params)
    tx.insert_columns(
        "INSERT INTO logged_model_params (model, key, value) {columns bigint, bigint, text}",
        [model] * len(keys),
        keys,
        values,
    )


def set_tags(tx: Transaction, model: int, tags: Mapping[str, str]) -> None:
    keys, values = numbered(tx, tags)
    tx.insert_columns(
        "INSERT INTO logged_model_tags (model, key, value) {columns bigint, bigint, text}"
        " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
        [model] * len(keys),
        keys,
        values,
    )


def delete_tag(tx: Transaction, model: int, key: str) -> bool:
    """Whether there was such a tag."""
    number = tx.known_name_ids([key]).get(key)
    return tx.run("DELETE FROM logged_model_tags WHERE model = ? AND key = ?", model, number) > 0


def add_metrics(tx: Transaction, points: Sequence[ModelPoint]) -> None:
    """Keep points; one that is there already, the same in all it has, counts once."""
    tx.insert_columns(
        "INSERT INTO model_metrics (model, key, step, timestamp_ms, value, is_nan, run, dataset_name, dataset_digest)"
        " {columns bigint, bigint, bigint, bigint, double precision, smallint, text, text, text}"
        " ON CONFLICT DO NOTHING",
        *zip(*sorted(points), strict=True),
    )


def load(tx: Transaction, records: Sequence[LoggedModelRecord]) -> list[LoggedModel]:
    """The models with all they have, every point too; a fixed number of statements, however many models."""
    ids = [record.id for record in records]
    params = by_owner(
        tx,
        tx.rows("SELECT model, key, value FROM logged_model_params WHERE model {ints} ORDER BY model, key", ids),
        lambda key, row: Param(key, row[2]),
    )
    tags = by_owner(
        tx,
        tx.rows("SELECT model, key, value FROM logged_model_tags WHERE model {ints} ORDER BY model, key", ids),
        lambda key, row: Tag(key, row[2]),
    )
    metrics = _metrics(tx, records)
    return [
        LoggedModel(
            info=record.info(tags.get(record.id, ())),
            data=LoggedModelData(
                params=tuple(params.get(record.id, ())),
                metrics=tuple(metrics.get(record.id, ())),
            ),
        )
        for record in records
    ]


def _metrics(tx: Transaction, records: Sequence[LoggedModelRecord]) -> dict[int, list[Metric]]:
    uuids = {record.id: record.uuid for record in records}
    rows = tx.rows(
        "SELECT model, key, step, timestamp_ms, value, is_nan, run, dataset_name, dataset_digest FROM model_metrics"
        " WHERE model {ints} ORDER BY model, key, step, timestamp_ms, value",
        list(uuids),
    )
    return by_owner(
        tx,
        rows,
        lambda key, row: Metric(
            key=key,
            value=math.nan if row[5] else row[4],
            timestamp=row[3],
            step=row[2],
            run_id=row[6],
            model_id=uuids[row[0]],
            dataset_name=row[7] or None,
            dataset_digest=row[8] or None,
        ),
    )
