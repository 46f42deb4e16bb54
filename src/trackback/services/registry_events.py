"""What MLflow's webhooks are told of the registry: its events, with the fields that it gives them.

MLflow keeps prompts as registered models with a tag, and has events of their own for them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from trackback.services import events
from trackback.storage import Transaction, registered_models, webhooks
from trackback.storage.registry_search import PROMPT

_PROMPT_TEXT = "mlflow.prompt.text"
_PROMPT_INTERNALS = (PROMPT.key, "_mlflow_prompt_type", _PROMPT_TEXT)

_Data = Mapping[str, Any]


class _Events(NamedTuple):
    """The event of a model, and that of a prompt; an empty one is none."""

    model: str
    prompt: str


_CREATED = _Events("registered_model.created", "prompt.created")
_VERSION_CREATED = _Events("model_version.created", "prompt_version.created")
_TAG_SET = _Events("", "prompt_tag.set")
_TAG_DELETED = _Events("", "prompt_tag.deleted")
_VERSION_TAG_SET = _Events("model_version_tag.set", "prompt_version_tag.set")
_VERSION_TAG_DELETED = _Events("model_version_tag.deleted", "prompt_version_tag.deleted")
_ALIAS_CREATED = _Events("model_version_alias.created", "prompt_alias.created")
_ALIAS_DELETED = _Events("model_version_alias.deleted", "prompt_alias.deleted")


def model_created(
    tx: Transaction, model: int, name: str, description: str, tags: Mapping[str, str], now_ms: int
) -> None:
    data = {"name": name, "tags": tags, "description": description}
    _tell(tx, model, _CREATED, data, now_ms, {**data, "tags": _for_people(tags)})


def model_tag_set(tx: Transaction, model: int, name: str, key: str, value: str, now_ms: int) -> None:
    _tell(tx, model, _TAG_SET, {"name": name, "key": key, "value": value}, now_ms)


def model_tag_deleted(tx: Transaction, model: int, name: str, key: str, now_ms: int) -> None:
    _tell(tx, model, _TAG_DELETED, {"name": name, "key": key}, now_ms)


def version_created(
    tx: Transaction,
    model: int,
    name: str,
    version: int,
    source: str,
    run_id: str,
    tags: Mapping[str, str],
    description: str,
    now_ms: int,
) -> None:
    named = {"name": name, "version": str(version)}
    data = {**named, "source": source, "run_id": run_id or None, "tags": tags, "description": description or None}
    prompt = {
        **named,
        "template": tags.get(_PROMPT_TEXT),
        "tags": _for_people(tags),
        "description": description or None,
    }
    _tell(tx, model, _VERSION_CREATED, data, now_ms, prompt)


def version_tag_set(tx: Transaction, model: int, name: str, version: int, key: str, value: str, now_ms: int) -> None:
    data = {"name": name, "version": str(version), "key": key, "value": value}
    _tell(tx, model, _VERSION_TAG_SET, data, now_ms)


def version_tag_deleted(tx: Transaction, model: int, name: str, version: int, key: str, now_ms: int) -> None:
    _tell(tx, model, _VERSION_TAG_DELETED, {"name": name, "version": str(version), "key": key}, now_ms)


def alias_created(tx: Transaction, model: int, name: str, alias: str, version: int, now_ms: int) -> None:
    _tell(tx, model, _ALIAS_CREATED, {"name": name, "alias": alias, "version": str(version)}, now_ms)


def alias_deleted(tx: Transaction, model: int, name: str, alias: str, now_ms: int) -> None:
    _tell(tx, model, _ALIAS_DELETED, {"name": name, "alias": alias}, now_ms)


def _tell(
    tx: Transaction,
    model: int,
    happened: _Events,
    data: _Data,
    now_ms: int,
    prompt_data: _Data | None = None,
) -> None:
    subscriptions = webhooks.subscriptions(tx, [event for event in happened if event])
    if not subscriptions:
        return
    is_prompt = registered_models.find_tag(tx, model, PROMPT.key) == "true"
    event = happened.prompt if is_prompt else happened.model
    told = prompt_data if is_prompt and prompt_data is not None else data
    events.tell(tx, [each for each in subscriptions if each.event == event], told, now_ms)


def _for_people(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in _PROMPT_INTERNALS}
