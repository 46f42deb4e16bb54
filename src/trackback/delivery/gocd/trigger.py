"""The webhook in trackback that has GoCD look at a package's material at once, when something is promoted."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from trackback.client.api import Client, walk
from trackback.delivery.gocd.setup import CHANGED, CREATED, UNCHANGED
from trackback.entities import Webhook, WebhookStatus, WebhookTarget

MODEL, EXPERIMENT, ENVIRONMENT, PR_TAG = "MODEL", "EXPERIMENT", "ENVIRONMENT", "PR_ID_TAG_NAME"
PROMOTED = "promotion.created"
PACKAGE_LENGTH = 50
WEBHOOK_NAME_LENGTH = 63
WEBHOOKS_PER_PAGE = 1000


class Trigger(NamedTuple):
    """``name``: of the webhook, as long as there is none of another GoCD with it."""

    name: str
    stream: str
    environment: str


class TriggerDone(NamedTuple):
    """What the webhook is called, and what was done to it."""

    name: str
    done: str


def trigger_of(client: Client, package: str, fields: Mapping[str, str]) -> Trigger | None:
    """What a package's promotions are told by; None of pull requests, which nobody promotes."""
    if PR_TAG in fields:
        return None
    name = f"gocd-{package[:PACKAGE_LENGTH].strip('._-')}"
    if model := fields.get(MODEL):
        return Trigger(name, f"models:/{model}", fields.get(ENVIRONMENT, ""))
    named = fields.get(EXPERIMENT, "")
    found = None if named.isascii() and named.isdigit() else client.get_experiment_by_name(named)
    return Trigger(name, f"experiments:/{found.experiment_id if found else named}", fields.get(ENVIRONMENT, ""))


def set_up_trigger(client: Client, gocd_url: str, gocd_token: str, fingerprint: str, trigger: Trigger) -> TriggerDone:
    """See that trackback tells GoCD of promotions. One that was disabled is told again."""
    options = {"api": gocd_url, "fingerprint": fingerprint}
    apart = _name_apart(trigger.name, gocd_url)
    named = [
        each
        for each in walk(client.list_webhooks, WEBHOOKS_PER_PAGE, promotions=True)
        if each.name in (trigger.name, apart)
    ]
    found = next((each for each in named if _is_of(each, gocd_url)), None)
    if found is None:
        name = apart if any(each.name == trigger.name for each in named) else trigger.name
        client.create_webhook(
            name,
            "",
            [PROMOTED],
            target=WebhookTarget.GOCD,
            options=options,
            token=gocd_token,
            stream=trigger.stream,
            environment=trigger.environment,
        )
        return TriggerDone(name, CREATED)
    after = client.update_webhook(
        found.webhook_id,
        status=WebhookStatus.ACTIVE,
        options=options,
        token=gocd_token,
        stream=trigger.stream,
        environment=trigger.environment,
    )
    return TriggerDone(found.name, UNCHANGED if _told(found) == _told(after) else CHANGED)


def _is_of(webhook: Webhook, gocd_url: str) -> bool:
    return webhook.target is WebhookTarget.GOCD and webhook.options.get("api") == gocd_url


def _told(webhook: Webhook) -> tuple[object, ...]:
    return webhook.options, webhook.stream, webhook.environment, webhook.status


def _name_apart(name: str, gocd_url: str) -> str:
    """Where another GoCD's webhook has the name."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", urlsplit(gocd_url).netloc)
    return f"{name}-{host}"[:WEBHOOK_NAME_LENGTH].rstrip("._-")
