"""Registered models, their tags and their aliases."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trackback.entities import Alias, RegisteredModel, Tag
from trackback.storage import model_versions
from trackback.storage.interface import Transaction
from trackback.storage.names import by_owner, numbered

REGISTERED_MODEL_COLUMNS = "m.id, m.name, m.description, m.created_ms, m.updated_ms"
"""The columns of a RegisteredModelRecord, of ``registered_models m``."""

_RETURNED = REGISTERED_MODEL_COLUMNS.replace("m.", "")


class RegisteredModelRecord(NamedTuple):
    """A row of registered_models; ``id`` is never given again, and stays when the model is renamed."""

    id: int
    name: str
    description: str
    created_ms: int
    updated_ms: int


def find(tx: Transaction, name: str) -> RegisteredModelRecord | None:
    row = tx.row(
        f"SELECT {REGISTERED_MODEL_COLUMNS} FROM registered_models m WHERE m.name = ? AND m.deleted_ms IS NULL", name
    )
    return RegisteredModelRecord(*row) if row else None


def find_by_id(tx: Transaction, model: int) -> RegisteredModelRecord | None:
    """The model, deleted or not."""
    row = tx.row(f"SELECT {REGISTERED_MODEL_COLUMNS} FROM registered_models m WHERE m.id = ?", model)
    return RegisteredModelRecord(*row) if row else None


def hold(tx: Transaction, name: str) -> RegisteredModelRecord | None:
    """``find``, in a write: nobody deletes, renames or otherwise changes the model before the transaction ends."""
    row = tx.row(
        f"SELECT {REGISTERED_MODEL_COLUMNS} FROM registered_models m WHERE m.name = ? AND m.deleted_ms IS NULL"
        " {for_share}",
        name,
    )
    return RegisteredModelRecord(*row) if row else None


def touch(tx: Transaction, name: str, updated_ms: int) -> RegisteredModelRecord | None:
    """Note that the model changes. Until the transaction ends it is held: others that hold or touch it wait."""
    row = tx.row(
        f"UPDATE registered_models SET updated_ms = ? WHERE name = ? AND deleted_ms IS NULL RETURNING {_RETURNED}",
        updated_ms,
        name,
    )
    return RegisteredModelRecord(*row) if row else None


def add(tx: Transaction, name: str, description: str, created_ms: int) -> RegisteredModelRecord | None:
    """A new model; None if the name is taken."""
    row = tx.row(
        "INSERT INTO registered_models (name, description, created_ms, updated_ms, last_version) VALUES (?, ?, ?, ?, 0)"
        f" ON CONFLICT (name) WHERE deleted_ms IS NULL DO NOTHING RETURNING {_RETURNED}",
        name,
        description,
        created_ms,
        created_ms,
    )
    return RegisteredModelRecord(*row) if row else None


def next_version(tx: Transaction, model: int) -> int:
    """A number for a new version, which was never given before; the model is held."""
    number: int = tx.rows(
        "UPDATE registered_models SET last_version = last_version + 1 WHERE id = ? RETURNING last_version", model
    )[0][0]
    return number


def set_description(tx: Transaction, model: int, description: str) -> None:
    tx.run("UPDATE registered_models SET description = ? WHERE id = ?", description, model)


def rename(tx: Transaction, model: int, name: str) -> None:
    tx.run("UPDATE registered_models SET name = ? WHERE id = ?", name, model)


def delete(tx: Transaction, model: int, deleted_ms: int) -> None:
    """Mark the model deleted, which hides its versions too, and forget its aliases."""
    tx.run("UPDATE registered_models SET deleted_ms = ? WHERE id = ?", deleted_ms, model)
    tx.run("DELETE FROM registered_model_aliases WHERE model = ?", model)


def set_tags(tx: Transaction, model: int, tags: Mapping[str, str]) -> None:
    keys, values = numbered(tx, tags)
    tx.insert_columns(
        "INSERT INTO registered_model_tags (model, key, value) {columns bigint, bigint, text}"
        " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
        [model] * len(keys),
        keys,
        values,
    )


def find_tag(tx: Transaction, model: int, key: str) -> str | None:
    """The value of a tag."""
    number = tx.known_name_ids([key]).get(key)
    row = tx.row("SELECT value FROM registered_model_tags WHERE model = ? AND key = ?", model, number)
    return row[0] if row else None


def delete_tag(tx: Transaction, model: int, key: str) -> bool:
    """Whether there was such a tag."""
    number = tx.known_name_ids([key]).get(key)
    return tx.run("DELETE FROM registered_model_tags WHERE model = ? AND key = ?", model, number) > 0


def find_alias(tx: Transaction, model: int, alias: str) -> int | None:
    """The number of the version that has the alias."""
    row = tx.row("SELECT version FROM registered_model_aliases WHERE model = ? AND alias = ?", model, alias)
    return row[0] if row else None


def set_alias(tx: Transaction, model: int, alias: str, version: int) -> None:
    tx.run(
        "INSERT INTO registered_model_aliases (model, alias, version) VALUES (?, ?, ?)"
        " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
        model,
        alias,
        version,
    )


def delete_alias(tx: Transaction, model: int, alias: str) -> bool:
    """Whether there was such an alias."""
    return tx.run("DELETE FROM registered_model_aliases WHERE model = ? AND alias = ?", model, alias) > 0


def delete_aliases(tx: Transaction, model: int, version: int) -> None:
    """Forget all aliases of a version."""
    tx.run("DELETE FROM registered_model_aliases WHERE model = ? AND version = ?", model, version)


def load(tx: Transaction, records: Sequence[RegisteredModelRecord]) -> list[RegisteredModel]:
    """The models with their tags, their aliases and the newest version of each stage.

    A fixed number of statements, however many models, and none that looks at all versions of one.
    """
    ids = [record.id for record in records]
    tags = by_owner(
        tx,
        tx.rows("SELECT model, key, value FROM registered_model_tags WHERE model {ints} ORDER BY model, key", ids),
        lambda key, row: Tag(key, row[2]),
    )
    aliases: dict[int, list[Alias]] = {record.id: [] for record in records}
    for model, alias, version in tx.rows(
        "SELECT model, alias, version FROM registered_model_aliases WHERE model {ints} ORDER BY model, alias", ids
    ):
        aliases[model].append(Alias(alias, str(version)))
    latest = model_versions.latest(tx, ids)
    versions = dict(zip((each.id for each in latest), model_versions.load(tx, latest), strict=True))
    return [
        RegisteredModel(
            name=record.name,
            id=str(record.id),
            creation_timestamp=record.created_ms,
            last_updated_timestamp=record.updated_ms,
            description=record.description or None,
            latest_versions=tuple(versions[each.id] for each in latest if each.model == record.id),
            tags=tuple(tags.get(record.id, ())),
            aliases=tuple(aliases[record.id]),
        )
        for record in records
    ]
