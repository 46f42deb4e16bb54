"""Webhooks, what they subscribe to, and what was delivered."""

from enum import StrEnum
from typing import Any

from trackback.entities.base import Entity


class WebhookEntity(StrEnum):
    """In the order of MLflow's protocol, which also names them by number; ours come last."""

    REGISTERED_MODEL = "REGISTERED_MODEL"
    MODEL_VERSION = "MODEL_VERSION"
    MODEL_VERSION_TAG = "MODEL_VERSION_TAG"
    MODEL_VERSION_ALIAS = "MODEL_VERSION_ALIAS"
    PROMPT = "PROMPT"
    PROMPT_VERSION = "PROMPT_VERSION"
    PROMPT_TAG = "PROMPT_TAG"
    PROMPT_VERSION_TAG = "PROMPT_VERSION_TAG"
    PROMPT_ALIAS = "PROMPT_ALIAS"
    BUDGET_POLICY = "BUDGET_POLICY"
    PROMOTION = "PROMOTION"


class WebhookAction(StrEnum):
    """In the order of MLflow's protocol."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    SET = "SET"
    EXCEEDED = "EXCEEDED"


class WebhookStatus(StrEnum):
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class WebhookTarget(StrEnum):
    """What is at a webhook's URL, and so what it is sent."""

    PLAIN = "plain"
    GITHUB = "github"
    GITLAB = "gitlab"
    GOCD = "gocd"


class WebhookEvent(Entity, frozen=True):
    entity: WebhookEntity
    action: WebhookAction

    def __str__(self) -> str:
        return f"{self.entity}.{self.action}".lower()


class Webhook(Entity, frozen=True):
    """``signed``: it has a secret, which nobody is told. ``options`` are its target's own.

    ``stream``, ``models/<id>`` or ``experiments/<id>``, and ``environment``: the only ones whose promotions it is told.
    """

    webhook_id: str
    name: str
    url: str
    events: tuple[WebhookEvent, ...]
    status: WebhookStatus
    creation_timestamp: int
    last_updated_timestamp: int
    description: str | None = None
    target: WebhookTarget = WebhookTarget.PLAIN
    options: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
    stream: str | None = None
    environment: str | None = None
    signed: bool = False


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(Entity, frozen=True):
    """Something that a webhook is told: ``attempts`` so far, and how the last one ended.

    ``seq`` is the number of the promotion that it tells of; ``replay_of`` the id of the delivery that it repeats.
    ``error`` says what was wrong where there was no answer. ``body``, what is sent, is left out of lists.
    """

    id: str
    webhook_id: str
    event: str
    status: DeliveryStatus
    created: int
    attempts: int = 0
    seq: int | None = None
    replay_of: str | None = None
    attempted: int | None = None
    finished: int | None = None
    response_status: int | None = None
    response_body: str | None = None
    error: str | None = None
    body: dict[str, Any] | None = None


class WebhookTestResult(Entity, frozen=True):
    """What a webhook's receiver answered to an example."""

    success: bool
    response_status: int | None = None
    response_body: str | None = None
    error_message: str | None = None
