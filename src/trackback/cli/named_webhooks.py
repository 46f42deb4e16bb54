"""Webhooks as commands name them: by name or id."""

import msgspec

from trackback.cli.remote import pages
from trackback.client.transport import Transport
from trackback.entities import Webhook
from trackback.errors import InvalidParameter, NotFound

WEBHOOKS = "/api/v1/webhooks"
PER_PAGE = 1000


class WebhooksAnswer(msgspec.Struct):
    webhooks: tuple[Webhook, ...] = ()
    next_page_token: str | None = None


def all_webhooks(transport: Transport) -> list[Webhook]:
    request = {"max_results": PER_PAGE}
    return [each for page in pages(transport, WEBHOOKS, request, WebhooksAnswer) for each in page.webhooks]


def find_webhook(transport: Transport, name: str) -> Webhook:
    """The webhook of an id, or the only one of a name."""
    webhooks = all_webhooks(transport)
    found = [each for each in webhooks if each.webhook_id == name] or [each for each in webhooks if each.name == name]
    if not found:
        raise NotFound(f"There is no webhook {name!r}. See `trackback webhook list`.")
    if len(found) > 1:
        raise InvalidParameter(f"There are {len(found)} webhooks named {name!r}. Give the id of one.")
    return found[0]
