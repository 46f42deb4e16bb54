"""The events that webhooks can subscribe to, each with an example of what is told."""

from collections.abc import Mapping
from typing import Any

from trackback.entities import WebhookAction, WebhookEntity, WebhookEvent
from trackback.entities.streams import model_stream

_MODEL = {"name": "example_model"}
_VERSION = {**_MODEL, "version": "1"}
_PROMPT = {"name": "example_prompt"}
_PROMPT_VERSION = {**_PROMPT, "version": "1"}
_KEY = {"key": "example_key"}
_TAG = {**_KEY, "value": "example_value"}
_ALIAS = {"alias": "example_alias"}
_WORDS = {"tags": {"example_key": "example_value"}, "description": "An example"}
_SOURCE = {"source": "models:/m-00000000000000000000000000000000", "run_id": "00000000000000000000000000000000"}
_PROMOTION = {
    "seq": 0,
    "stream": model_stream(0),
    "environment": "staging",
    "kind": "promoted",
    "time": 0,
    "actor": "example",
    "origin": "request",
    "reason": "An example, which is in no log",
    "digest": "0" * 64,
}

EXAMPLES: Mapping[WebhookEvent, Mapping[str, Any]] = {
    WebhookEvent(entity, action): data
    for entity, action, data in (
        (WebhookEntity.REGISTERED_MODEL, WebhookAction.CREATED, {**_MODEL, **_WORDS}),
        (WebhookEntity.MODEL_VERSION, WebhookAction.CREATED, {**_VERSION, **_SOURCE, **_WORDS}),
        (WebhookEntity.MODEL_VERSION_TAG, WebhookAction.SET, {**_VERSION, **_TAG}),
        (WebhookEntity.MODEL_VERSION_TAG, WebhookAction.DELETED, {**_VERSION, **_KEY}),
        (WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.CREATED, {**_VERSION, **_ALIAS}),
        (WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.DELETED, {**_MODEL, **_ALIAS}),
        (WebhookEntity.PROMPT, WebhookAction.CREATED, {**_PROMPT, **_WORDS}),
        (WebhookEntity.PROMPT_VERSION, WebhookAction.CREATED, {**_PROMPT_VERSION, "template": "Hi {{name}}", **_WORDS}),
        (WebhookEntity.PROMPT_TAG, WebhookAction.SET, {**_PROMPT, **_TAG}),
        (WebhookEntity.PROMPT_TAG, WebhookAction.DELETED, {**_PROMPT, **_KEY}),
        (WebhookEntity.PROMPT_VERSION_TAG, WebhookAction.SET, {**_PROMPT_VERSION, **_TAG}),
        (WebhookEntity.PROMPT_VERSION_TAG, WebhookAction.DELETED, {**_PROMPT_VERSION, **_KEY}),
        (WebhookEntity.PROMPT_ALIAS, WebhookAction.CREATED, {**_PROMPT_VERSION, **_ALIAS}),
        (WebhookEntity.PROMPT_ALIAS, WebhookAction.DELETED, {**_PROMPT, **_ALIAS}),
        (WebhookEntity.PROMOTION, WebhookAction.CREATED, {**_PROMOTION, **_VERSION}),
    )
}
