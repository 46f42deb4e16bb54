"""Purged versions: their files are gone, their numbers and rows stay, and a tombstone keeps their digest."""

from typing import NamedTuple

from trackback.entities import Actor, Tombstone
from trackback.storage.interface import Transaction


class VersionRow(NamedTuple):
    """A version, deleted or not."""

    id: int
    model: int
    name: str
    version: int
    digest: str | None


class Uses(NamedTuple):
    """What refers to a version: an entry of the promotion log, a promotion that waits, a deployment; one of each."""

    promotion: int | None
    waiting: int | None
    deployment: int | None


def find_version(tx: Transaction, name: str, version: int) -> VersionRow | None:
    """The version of the model that has this name, else of that which had it last."""
    row = tx.row(
        "SELECT v.id, m.id, m.name, v.version, v.digest FROM registered_models m"
        " JOIN model_versions v ON v.model = m.id WHERE m.name = ? AND v.version = ?"
        " ORDER BY CASE WHEN m.deleted_ms IS NULL THEN 0 ELSE 1 END, m.id DESC LIMIT 1",
        name,
        version,
    )
    return VersionRow(*row) if row else None


def hold(tx: Transaction, version: VersionRow) -> None:
    """Wait for whoever deploys the version or its files, and have others who are about to wait."""
    tx.rows("SELECT id FROM model_versions WHERE id = ? {for_update}", version.id)
    tx.rows("SELECT digest FROM snapshots WHERE digest = ? {for_update}", version.digest)


def uses(tx: Transaction, version: VersionRow) -> Uses:
    return Uses(
        _first(tx, "SELECT max(seq) FROM promotions WHERE model_version = ?", version.id),
        _first(tx, "SELECT max(id) FROM pending_promotions WHERE model_version = ? AND outcome IS NULL", version.id),
        _first(tx, "SELECT max(id) FROM deployments WHERE model_version = ? OR digest = ?", version.id, version.digest),
    )


def add(tx: Transaction, version: VersionRow, actor: Actor, reason: str, now_ms: int) -> None:
    """Write the tombstone. The version is deleted from now on, if it was not, and its row has no digest."""
    tx.run("DELETE FROM registered_model_aliases WHERE model = ? AND version = ?", version.model, version.version)
    tx.run(
        "UPDATE model_versions SET digest = NULL, deleted_ms = COALESCE(deleted_ms, ?), updated_ms = ? WHERE id = ?",
        now_ms,
        now_ms,
        version.id,
    )
    tx.run(
        "INSERT INTO purges (model_version, digest, actor, address, reason, time_ms) VALUES (?, ?, ?, ?, ?, ?)",
        version.id,
        version.digest,
        actor.name,
        actor.address,
        reason,
        now_ms,
    )


def find(tx: Transaction, version: VersionRow) -> Tombstone | None:
    row = tx.row("SELECT time_ms, actor, reason, digest FROM purges WHERE model_version = ?", version.id)
    return Tombstone(version.name, str(version.version), *row) if row else None


def _first(tx: Transaction, sql: str, *values: object) -> int | None:
    row = tx.row(sql, *values)
    return row[0] if row else None
