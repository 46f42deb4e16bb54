"""What people name, in rows: versions by number and by alias, models, and what was last promoted of a run."""

from typing import NamedTuple

from trackback.storage.interface import Transaction

_VERSIONS = (
    "SELECT v.id, m.id, m.name, v.version, v.digest, v.user_id, v.run_id, v.description"
    " FROM registered_models m JOIN model_versions v ON v.model = m.id"
)
_KEPT = "m.deleted_ms IS NULL AND v.deleted_ms IS NULL"


class ModelRecord(NamedTuple):
    """A registered model: ``id`` is what its stream is called by, ``last_version`` the last number that was given."""

    id: int
    name: str
    last_version: int


class VersionRecord(NamedTuple):
    """A version: ``id`` is its row's, ``version`` its number within the model ``name``, whose id is ``model``."""

    id: int
    model: int
    name: str
    version: int
    digest: str | None
    user_id: str
    run_id: str
    description: str


def find_model(tx: Transaction, name: str) -> ModelRecord | None:
    row = tx.row("SELECT id, name, last_version FROM registered_models WHERE name = ? AND deleted_ms IS NULL", name)
    return ModelRecord(*row) if row else None


def find_model_by_id(tx: Transaction, model: int) -> ModelRecord | None:
    """The model, deleted or not."""
    row = tx.row("SELECT id, name, last_version FROM registered_models WHERE id = ?", model)
    return ModelRecord(*row) if row else None


def find_version(tx: Transaction, name: str, version: int) -> VersionRecord | None:
    row = tx.row(f"{_VERSIONS} WHERE m.name = ? AND v.version = ? AND {_KEPT}", name, version)
    return VersionRecord(*row) if row else None


def find_version_by_id(tx: Transaction, model_version: int) -> VersionRecord | None:
    """The version, unless it or its model was deleted."""
    row = tx.row(f"{_VERSIONS} WHERE v.id = ? AND {_KEPT}", model_version)
    return VersionRecord(*row) if row else None


def find_version_by_alias(tx: Transaction, name: str, alias: str) -> VersionRecord | None:
    row = tx.row(
        f"{_VERSIONS} JOIN registered_model_aliases a ON a.model = m.id AND a.version = v.version"
        f" WHERE m.name = ? AND a.alias = ? AND {_KEPT}",
        name,
        alias,
    )
    return VersionRecord(*row) if row else None


def aliases_of(tx: Transaction, model: int) -> list[str]:
    return [
        alias
        for (alias,) in tx.rows("SELECT alias FROM registered_model_aliases WHERE model = ? ORDER BY alias", model)
    ]


def promoted_digest(tx: Transaction, run: int) -> str | None:
    """The digest under which a run was last promoted; None if it never was, or nothing of it was the main part."""
    row = tx.row("SELECT digest FROM promotions WHERE run = ? AND digest IS NOT NULL ORDER BY seq DESC LIMIT 1", run)
    return row[0] if row else None
