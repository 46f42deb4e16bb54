"""Our API for webhooks: all of them, with targets of their own, what they were told, and having it told again."""

from enum import StrEnum
from typing import TypeVar

import msgspec

from trackback.entities import (
    Actor,
    DeliveryStatus,
    Permission,
    WebhookDelivery,
    WebhookEvent,
    WebhookStatus,
    WebhookTarget,
)
from trackback.errors import InvalidParameter
from trackback.limits import (
    WEBHOOK_DELIVERIES_PER_PAGE_DEFAULT,
    WEBHOOKS_PER_PAGE_DEFAULT,
    shown,
)
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.server.mlflow.webhooks import (
    TestWebhook,
    WebhookAnswer,
    WebhookRequest,
    WebhooksAnswer,
    delete,
    get,
    test,
)
from trackback.services import Services
from trackback.services.webhook_settings import PROMOTED, WebhookChange, WebhookSettings

S = TypeVar("S", bound=StrEnum)


class CreateWebhook(Message, frozen=True):
    """``secret`` signs what is sent; ``token`` is the target's. Neither is ever answered."""

    name: NonEmpty
    url: str = ""
    events: tuple[WebhookEvent, ...] = (PROMOTED,)
    description: str = ""
    secret: str = ""
    token: str = ""
    status: WebhookStatus = WebhookStatus.ACTIVE
    target: str = WebhookTarget.PLAIN.value
    options: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
    stream: str = ""
    environment: str = ""


class ListWebhooks(Message, frozen=True):
    max_results: Int64 = WEBHOOKS_PER_PAGE_DEFAULT
    page_token: str = ""


class UpdateWebhook(Message, frozen=True):
    """What is left out stays as it is; an empty text is none."""

    webhook_id: NonEmpty
    name: str | None = None
    url: str | None = None
    events: tuple[WebhookEvent, ...] = ()
    description: str | None = None
    secret: str | None = None
    token: str | None = None
    status: WebhookStatus | None = None
    options: dict[str, str] | None = None
    stream: str | None = None
    environment: str | None = None


class ListDeliveries(Message, frozen=True):
    webhook_id: NonEmpty
    status: str = ""
    max_results: Int64 = WEBHOOK_DELIVERIES_PER_PAGE_DEFAULT
    page_token: str = ""


class DeliveryRequest(Message, frozen=True):
    webhook_id: NonEmpty
    delivery_id: NonEmpty


class ReplayFrom(Message, frozen=True):
    webhook_id: NonEmpty
    from_seq: Int64


class DeliveryAnswer(msgspec.Struct):
    delivery: WebhookDelivery


class DeliveriesAnswer(msgspec.Struct, omit_defaults=True):
    deliveries: tuple[WebhookDelivery, ...] = ()
    next_page_token: str | None = None


class ReplayAnswer(msgspec.Struct, omit_defaults=True):
    """``next_seq`` is where to go on, if there is more."""

    replayed: int
    next_seq: int | None = None


async def create(services: Services, actor: Actor, request: CreateWebhook) -> WebhookAnswer:
    settings = WebhookSettings(
        name=request.name,
        url=request.url,
        events=request.events,
        description=request.description,
        secret=request.secret,
        credential=request.token,
        status=request.status,
        target=_one_of(WebhookTarget, request.target, "target"),
        options=request.options,
        stream=request.stream,
        environment=request.environment,
    )
    return WebhookAnswer(await services.webhooks.create(actor, settings))


async def search(services: Services, actor: Actor, request: ListWebhooks) -> WebhooksAnswer:
    page = await services.webhooks.search(actor, max_results=request.max_results, page_token=request.page_token)
    return WebhooksAnswer(tuple(page.items), page.next_page_token)


async def update(services: Services, actor: Actor, request: UpdateWebhook) -> WebhookAnswer:
    change = WebhookChange(
        name=request.name,
        description=request.description,
        url=request.url,
        events=request.events,
        secret=request.secret,
        credential=request.token,
        status=request.status,
        options=request.options,
        stream=request.stream,
        environment=request.environment,
    )
    return WebhookAnswer(await services.webhooks.update(actor, request.webhook_id, change))


async def search_deliveries(services: Services, actor: Actor, request: ListDeliveries) -> DeliveriesAnswer:
    page = await services.webhook_history.search(
        actor,
        request.webhook_id,
        status=_one_of(DeliveryStatus, request.status, "status") if request.status else None,
        max_results=request.max_results,
        page_token=request.page_token,
    )
    return DeliveriesAnswer(tuple(page.items), page.next_page_token)


async def get_delivery(services: Services, actor: Actor, request: DeliveryRequest) -> DeliveryAnswer:
    return DeliveryAnswer(await services.webhook_history.get(actor, request.webhook_id, request.delivery_id))


async def replay(services: Services, actor: Actor, request: DeliveryRequest) -> DeliveryAnswer:
    return DeliveryAnswer(await services.webhook_history.replay(actor, request.webhook_id, request.delivery_id))


async def replay_from(services: Services, actor: Actor, request: ReplayFrom) -> ReplayAnswer:
    return ReplayAnswer(*await services.webhook_history.replay_from(actor, request.webhook_id, request.from_seq))


def _one_of(choices: type[S], value: str, what: str) -> S:
    try:
        return choices(value)
    except ValueError:
        raise InvalidParameter(
            f"Invalid value {shown(value)} for parameter '{what}' supplied: it is one of {', '.join(choices)}."
        ) from None


_WEBHOOK = "webhooks/{webhook_id}"
_DELIVERY = f"{_WEBHOOK}/deliveries/{{delivery_id}}"

ROUTES = [
    *rpc("POST", "webhooks", Permission.ADMIN, CreateWebhook, create, under=API),
    *rpc("GET", "webhooks", Permission.ADMIN, ListWebhooks, search, under=API),
    *rpc("GET", _WEBHOOK, Permission.ADMIN, WebhookRequest, get, under=API),
    *rpc("PATCH", _WEBHOOK, Permission.ADMIN, UpdateWebhook, update, under=API),
    *rpc("DELETE", _WEBHOOK, Permission.ADMIN, WebhookRequest, delete, under=API),
    *rpc("POST", f"{_WEBHOOK}/test", Permission.ADMIN, TestWebhook, test, under=API),
    *rpc("GET", f"{_WEBHOOK}/deliveries", Permission.ADMIN, ListDeliveries, search_deliveries, under=API),
    *rpc("GET", _DELIVERY, Permission.ADMIN, DeliveryRequest, get_delivery, under=API),
    *rpc("POST", f"{_DELIVERY}/replay", Permission.ADMIN, DeliveryRequest, replay, under=API),
    *rpc("POST", f"{_WEBHOOK}/replay", Permission.ADMIN, ReplayFrom, replay_from, under=API),
]
