"""Runs, their params and their tags."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trackback.entities import LifecycleStage, Metric, Param, Run, RunData, RunInfo, RunInputs, RunStatus, Tag
from trackback.storage import inputs
from trackback.storage.interface import Transaction
from trackback.storage.names import by_owner, numbered

RUN_COLUMNS = (
    "r.id, r.uuid, r.experiment, r.name, r.user_id, r.status, r.start_ms, r.end_ms, r.lifecycle, r.artifact_uri"
)
"""The columns of a RunRecord, of ``runs r``."""


class RunRecord(NamedTuple):
    """A row of runs: ``id`` is the short key inside, ``uuid`` the id outside."""

    id: int
    uuid: str
    experiment: int
    name: str
    user_id: str
    status: str
    start_ms: int
    end_ms: int | None
    lifecycle: str
    artifact_uri: str

    @property
    def info(self) -> RunInfo:
        return RunInfo(
            run_id=self.uuid,
            run_uuid=self.uuid,
            run_name=self.name,
            experiment_id=str(self.experiment),
            user_id=self.user_id,
            status=RunStatus(self.status),
            start_time=self.start_ms,
            end_time=self.end_ms,
            artifact_uri=self.artifact_uri,
            lifecycle_stage=LifecycleStage(self.lifecycle),
        )


def find(tx: Transaction, run_id: str) -> RunRecord | None:
    row = tx.row(f"SELECT {RUN_COLUMNS} FROM runs r WHERE r.uuid = ?", run_id)
    return RunRecord(*row) if row else None


def find_by_number(tx: Transaction, run: int) -> RunRecord | None:
    row = tx.row(f"SELECT {RUN_COLUMNS} FROM runs r WHERE r.id = ?", run)
    return RunRecord(*row) if row else None


def creator(tx: Transaction, run: int) -> str:
    """Who signed in to make the run; empty where nobody did."""
    name: str = tx.rows("SELECT creator FROM runs WHERE id = ?", run)[0][0]
    return name


def is_named(tx: Transaction, run_id: str) -> bool:
    """Whether a version came from a run of this id, which need not be here."""
    return tx.row("SELECT 1 FROM model_versions WHERE run_id = ? LIMIT 1", run_id) is not None


def find_many(tx: Transaction, run_ids: Sequence[str]) -> list[RunRecord]:
    """Those of ``run_ids`` that exist."""
    rows = tx.rows(f"SELECT {RUN_COLUMNS} FROM runs r WHERE r.uuid {{texts}}", list(run_ids))
    return [RunRecord(*row) for row in rows]


def add(
    tx: Transaction,
    uuid: str,
    experiment: int,
    name: str,
    user_id: str,
    start_ms: int,
    artifact_uri: str,
    creator: str = "",
) -> RunRecord:
    """A run that begins: RUNNING and active. ``user_id`` is what its client says, ``creator`` who signed in."""
    status, lifecycle = RunStatus.RUNNING.value, LifecycleStage.ACTIVE.value
    row = tx.row(
        "INSERT INTO runs (uuid, experiment, name, user_id, status, start_ms, lifecycle, artifact_uri, creator)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        uuid,
        experiment,
        name,
        user_id,
        status,
        start_ms,
        lifecycle,
        artifact_uri,
        creator,
    )
    assert row is not None
    return RunRecord(row[0], uuid, experiment, name, user_id, status, start_ms, None, lifecycle, artifact_uri)


def update(tx: Transaction, run: int, status: str | None, end_ms: int | None, name: str | None) -> None:
    """Change what is not None."""
    tx.run(
        "UPDATE runs SET status = COALESCE(?, status), end_ms = COALESCE(?, end_ms), name = COALESCE(?, name)"
        " WHERE id = ?",
        status,
        end_ms,
        name,
        run,
    )


def set_status(tx: Transaction, run: int, status: str, end_ms: int | None) -> None:
    """Of a run without an ``end_ms`` it is not known when it ended."""
    tx.run("UPDATE runs SET status = ?, end_ms = ? WHERE id = ?", status, end_ms, run)


def set_lifecycle(tx: Transaction, run: int, stage: LifecycleStage, deleted_ms: int | None) -> None:
    tx.run("UPDATE runs SET lifecycle = ?, deleted_ms = ? WHERE id = ?", stage.value, deleted_ms, run)


def set_lifecycle_of_experiment(
    tx: Transaction, experiment: int, stage: LifecycleStage, deleted_ms: int | None
) -> None:
    """Every run of the experiment, whatever its stage is now."""
    tx.run("UPDATE runs SET lifecycle = ?, deleted_ms = ? WHERE experiment = ?", stage.value, deleted_ms, experiment)


def hold(tx: Transaction, run: int) -> None:
    """In a write: others that hold the run, or change its row, wait until the transaction ends."""
    tx.rows("SELECT id FROM runs WHERE id = ? {for_update}", run)


def add_params(tx: Transaction, run: RunRecord, params: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Keep each param that is not there yet; those there with another value, as key -> (kept, refused)."""
    keys, values = numbered(tx, params)
    added = tx.insert_columns(
        "INSERT INTO params (run, key, experiment, value) {columns bigint, bigint, bigint, text}"
        " ON CONFLICT DO NOTHING",
        [run.id] * len(keys),
        keys,
        [run.experiment] * len(keys),
        values,
    )
    if added == len(keys):
        return {}
    kept: dict[int, str] = dict(tx.rows("SELECT key, value FROM params WHERE run = ? AND key {ints}", run.id, keys))
    names = zip(tx.names(keys), keys, strict=True)
    return {name: (kept[key], params[name]) for name, key in names if kept[key] != params[name]}


def set_tags(tx: Transaction, run: RunRecord, tags: Mapping[str, str]) -> None:
    keys, values = numbered(tx, tags)
    tx.send_columns(
        "INSERT INTO tags (run, key, experiment, value) {columns bigint, bigint, bigint, text}"
        " ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
        [run.id] * len(keys),
        keys,
        [run.experiment] * len(keys),
        values,
    )


def find_tag(tx: Transaction, run: int, key: str) -> str | None:
    number = tx.known_name_ids([key]).get(key)
    row = tx.row("SELECT value FROM tags WHERE run = ? AND key = ?", run, number)
    return row[0] if row else None


def delete_tag(tx: Transaction, run: int, key: str) -> bool:
    """Whether there was such a tag."""
    number = tx.known_name_ids([key]).get(key)
    return tx.run("DELETE FROM tags WHERE run = ? AND key = ?", run, number) > 0


def load(tx: Transaction, records: Sequence[RunRecord]) -> list[Run]:
    """The runs with all they have; a fixed number of statements, however many runs."""
    ids = [record.id for record in records]
    latest = tx.rows("SELECT run, key, value, is_nan, timestamp_ms, step FROM latest_metrics WHERE run {ints}", ids)
    metrics = by_owner(tx, latest, lambda key, row: Metric(key, math.nan if row[3] else row[2], row[4], row[5]))
    params = by_owner(
        tx,
        tx.rows("SELECT run, key, value FROM params WHERE run {ints}", ids),
        lambda key, row: Param(key, row[2]),
    )
    tags = by_owner(
        tx,
        tx.rows("SELECT run, key, value FROM tags WHERE run {ints}", ids),
        lambda key, row: Tag(key, row[2]),
    )
    into = inputs.of_runs(tx, ids)
    out_of = inputs.outputs_of_runs(tx, ids)
    nothing = RunInputs()
    return [
        Run(
            info=record.info,
            data=RunData(
                metrics=tuple(metrics.get(record.id, ())),
                params=tuple(params.get(record.id, ())),
                tags=tuple(tags.get(record.id, ())),
            ),
            inputs=into.get(record.id, nothing),
            outputs=out_of.get(record.id),
        )
        for record in records
    ]
