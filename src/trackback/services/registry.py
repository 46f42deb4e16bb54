"""What the services of the registry share: how they find a model or a version, check its tags and note changes."""

from collections.abc import Sequence
from typing import Any

from trackback import limits
from trackback.entities import Actor, Permission
from trackback.entities.streams import model_stream
from trackback.errors import InvalidParameter, NotFound
from trackback.services import access
from trackback.storage import Transaction, audit, model_versions, registered_models
from trackback.storage.model_versions import ModelVersionRecord
from trackback.storage.registered_models import RegisteredModelRecord

NEWEST = "latest"
"""In the place of an alias, in any case, it names the version with the highest number."""


def readable_model(tx: Transaction, actor: Actor, name: str) -> RegisteredModelRecord:
    """The model; to who may not read it, it is not there."""
    return _readable(actor, registered_models.find(tx, name), name)


def held_model(tx: Transaction, actor: Actor, name: str) -> RegisteredModelRecord:
    """The model, which the actor may write, and nobody deletes, renames or touches before this write ends."""
    return _writable(actor, registered_models.hold(tx, name), name)


def touched_model(tx: Transaction, actor: Actor, name: str, now_ms: int) -> RegisteredModelRecord:
    """The model, which the actor may write, held likewise, with the note that it changes now."""
    return _writable(actor, registered_models.touch(tx, name, now_ms), name)


def _readable(actor: Actor, record: RegisteredModelRecord | None, name: str) -> RegisteredModelRecord:
    if record is None or not access.may_read(actor, model=record.id):
        raise NotFound(f"Registered Model with name={name} not found")
    return record


def _writable(actor: Actor, record: RegisteredModelRecord | None, name: str) -> RegisteredModelRecord:
    readable = _readable(actor, record, name)
    access.require(actor, Permission.WRITE, model=readable.id)
    return readable


def readable_version(tx: Transaction, actor: Actor, name: str, version: int) -> ModelVersionRecord:
    """The version; to who may not read it, it is not there."""
    record = model_versions.find(tx, name, version)
    if record is None or not access.may_read(actor, model=record.model):
        raise NotFound(f"Model Version (name={name}, version={version}) not found")
    return record


def writable_version(tx: Transaction, actor: Actor, name: str, version: int) -> ModelVersionRecord:
    """The version, which the actor may write. Nobody deletes it before this write ends if its model is held."""
    record = readable_version(tx, actor, name, version)
    access.require(actor, Permission.WRITE, model=record.model)
    return record


def version_by_alias(tx: Transaction, actor: Actor, name: str, alias: str) -> ModelVersionRecord:
    """The version that an alias names. Raises InvalidParameter, as MLflow does, if it names none."""
    model = readable_model(tx, actor, name)
    if alias.lower() == NEWEST:
        if newest := model_versions.newest(tx, model.id):
            return newest
        raise NotFound(f"Latest version not found for model {name}.")
    number = registered_models.find_alias(tx, model.id, alias)
    if number is None:
        raise InvalidParameter(f"Registered model alias {alias} not found.")
    return readable_version(tx, actor, name, number)


def checked_tags(tags: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Tags of a registered model or a version; of a key that comes twice the last value stays."""
    limits.check_count(len(tags), "tags", limits.REGISTRY_TAGS_PER_REQUEST)
    return {
        limits.check_key(key, f"tags[{i}].key"): limits.check_length(
            value, f"tags[{i}].value", limits.REGISTRY_TAG_VALUE_LENGTH
        )
        for i, (key, value) in enumerate(tags)
    }


def note(tx: Transaction, actor: Actor, action: str, model: int, now_ms: int, **details: Any) -> None:
    """Note a change of a model, or of a version of it, in the audit log."""
    audit.record(tx, actor, action, model_stream(model), details, time_ms=now_ms)
