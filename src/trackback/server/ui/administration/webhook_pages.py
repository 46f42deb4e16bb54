"""Webhooks: what is told to whom, and each delivery with what was sent and answered."""

from typing import NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, DeliveryStatus, Permission, WebhookTarget
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.services import Services
from trackback.services.webhook_examples import EXAMPLES
from trackback.services.webhook_targets import TARGETS

PATH = "/webhooks"
ROWS = 50

_TARGETS = {
    WebhookTarget.PLAIN: "a URL that takes JSON",
    WebhookTarget.GITHUB: "GitHub (repository_dispatch)",
    WebhookTarget.GITLAB: "GitLab (a pipeline)",
    WebhookTarget.GOCD: "GoCD (look at the material now)",
}


@page
async def show_webhooks(services: Services, actor: Actor, request: Request) -> Response:
    found = await services.webhooks.search(
        actor, max_results=ROWS, page_token=request.query_params.get("page_token", "")
    )
    return await render("administration/webhooks.html", found=found, offered=_offered(services))


@page
async def show_webhook(services: Services, actor: Actor, request: Request) -> Response:
    webhook_id, query = request.path_params["webhook_id"], request.query_params
    webhook = await services.webhooks.get(actor, webhook_id)
    status = query.get("status", "")
    found = await services.webhook_history.search(
        actor,
        webhook_id,
        status=_status(status),
        max_results=ROWS,
        page_token=query.get("page_token", ""),
    )
    older = {"status": status, "page_token": found.next_page_token}
    return await render(
        "administration/webhook.html",
        webhook=webhook,
        here=f"{PATH}/{webhook_id}",
        wanted=status,
        statuses=list(DeliveryStatus),
        found=found,
        is_first=not query.get("page_token"),
        older=urlencode({name: value for name, value in older.items() if value}) if found.next_page_token else "",
        offered=_offered(services),
    )


@page
async def show_delivery(services: Services, actor: Actor, request: Request) -> Response:
    webhook_id, delivery_id = request.path_params["webhook_id"], request.path_params["delivery_id"]
    webhook = await services.webhooks.get(actor, webhook_id)
    delivery = await services.webhook_history.get(actor, webhook_id, delivery_id)
    return await render(
        "administration/webhook_delivery.html", webhook=webhook, here=f"{PATH}/{webhook_id}", delivery=delivery
    )


class Offered(NamedTuple):
    """What the form of a webhook offers. ``needs``: of each target the options that it must have, and may have."""

    events: list[str]
    targets: list[tuple[str, str]]
    needs: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
    environments: list[tuple[str, str]]


def _offered(services: Services) -> Offered:
    return Offered(
        events=list(map(str, EXAMPLES)),
        targets=[(target.value, text) for target, text in _TARGETS.items()],
        needs=[(name, target.required, tuple(target.defaults)) for name, target in TARGETS.items()],
        environments=[("", "any"), *((name, name) for name in services.configuration.environments)],
    )


def _status(text: str) -> DeliveryStatus | None:
    try:
        return DeliveryStatus(text) if text else None
    except ValueError:
        raise InvalidParameter(f"Invalid status {shown(text)}. It is one of {', '.join(DeliveryStatus)}.") from None


ROUTES = [
    shows(PATH, show_webhooks, Permission.ADMIN),
    shows(f"{PATH}/{{webhook_id}}", show_webhook, Permission.ADMIN),
    shows(f"{PATH}/{{webhook_id}}/deliveries/{{delivery_id}}", show_delivery, Permission.ADMIN),
]
