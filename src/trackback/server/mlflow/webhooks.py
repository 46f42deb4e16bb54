"""MLflow's endpoints for webhooks. Lists leave out those for promotions, which its clients can't read."""

import msgspec

from trackback.entities import Actor, Permission, Webhook, WebhookEvent, WebhookStatus, WebhookTestResult
from trackback.limits import WEBHOOKS_PER_PAGE_DEFAULT
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services
from trackback.services.webhook_settings import WebhookChange, WebhookSettings


class CreateWebhook(Message, frozen=True):
    name: NonEmpty
    url: NonEmpty
    events: tuple[WebhookEvent, ...]
    description: str = ""
    secret: str = ""
    status: WebhookStatus = WebhookStatus.ACTIVE


class ListWebhooks(Message, frozen=True):
    max_results: Int64 = 0
    page_token: str = ""


class WebhookRequest(Message, frozen=True):
    webhook_id: NonEmpty


class UpdateWebhook(Message, frozen=True):
    webhook_id: NonEmpty
    name: str | None = None
    description: str | None = None
    url: str | None = None
    events: tuple[WebhookEvent, ...] = ()
    secret: str | None = None
    status: WebhookStatus | None = None


class TestWebhook(Message, frozen=True):
    webhook_id: NonEmpty
    event: WebhookEvent | None = None


class WebhookAnswer(msgspec.Struct):
    webhook: Webhook


class WebhooksAnswer(msgspec.Struct, omit_defaults=True):
    webhooks: tuple[Webhook, ...] = ()
    next_page_token: str | None = None


class TestAnswer(msgspec.Struct):
    result: WebhookTestResult


async def create(services: Services, actor: Actor, request: CreateWebhook) -> WebhookAnswer:
    settings = WebhookSettings(
        name=request.name,
        url=request.url,
        events=request.events,
        description=request.description,
        secret=request.secret,
        status=request.status,
    )
    return WebhookAnswer(await services.webhooks.create(actor, settings))


async def search(services: Services, actor: Actor, request: ListWebhooks) -> WebhooksAnswer:
    page = await services.webhooks.search(
        actor,
        promotions=False,
        max_results=request.max_results or WEBHOOKS_PER_PAGE_DEFAULT,
        page_token=request.page_token,
    )
    return WebhooksAnswer(tuple(page.items), page.next_page_token)


async def get(services: Services, actor: Actor, request: WebhookRequest) -> WebhookAnswer:
    return WebhookAnswer(await services.webhooks.get(actor, request.webhook_id))


async def update(services: Services, actor: Actor, request: UpdateWebhook) -> WebhookAnswer:
    change = WebhookChange(
        name=request.name,
        description=request.description,
        url=request.url,
        events=request.events,
        secret=request.secret,
        status=request.status,
    )
    return WebhookAnswer(await services.webhooks.update(actor, request.webhook_id, change))


async def delete(services: Services, actor: Actor, request: WebhookRequest) -> None:
    await services.webhooks.delete(actor, request.webhook_id)


async def test(services: Services, actor: Actor, request: TestWebhook) -> TestAnswer:
    return TestAnswer(await services.webhooks.test(actor, request.webhook_id, request.event))


ROUTES = [
    *rpc("POST", "webhooks", Permission.ADMIN, CreateWebhook, create),
    *rpc("GET", "webhooks", Permission.ADMIN, ListWebhooks, search),
    *rpc("GET", "webhooks/{webhook_id}", Permission.ADMIN, WebhookRequest, get),
    *rpc("PATCH", "webhooks/{webhook_id}", Permission.ADMIN, UpdateWebhook, update),
    *rpc("DELETE", "webhooks/{webhook_id}", Permission.ADMIN, WebhookRequest, delete),
    *rpc("POST", "webhooks/{webhook_id}/test", Permission.ADMIN, TestWebhook, test),
]
