"""What a webhook may be told to be: checked here, when it is made and when it is changed."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trackback import limits
from trackback.entities import (
    Actor,
    WebhookAction,
    WebhookEntity,
    WebhookEvent,
    WebhookStatus,
    WebhookTarget,
)
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services.promotion_rules import Environments
from trackback.services.webhook_addresses import parse_url
from trackback.services.webhook_examples import EXAMPLES
from trackback.services.webhook_targets import TARGETS
from trackback.storage import Transaction, audit
from trackback.storage.webhooks import NewWebhook, WebhookRecord

PROMOTED = WebhookEvent(WebhookEntity.PROMOTION, WebhookAction.CREATED)

_NO_OPTIONS: Mapping[str, str] = {}


class WebhookSettings(NamedTuple):
    """A webhook as it is asked for.

    secret: what is sent is signed with it. credential: the token that a target asks for.
    options: the target's own; see ``webhook_targets``.
    stream, environment: promotions of others are not told; empty for all.
    """

    name: str
    url: str
    events: Sequence[WebhookEvent]
    description: str = ""
    secret: str = ""
    credential: str = ""
    status: WebhookStatus = WebhookStatus.ACTIVE
    target: WebhookTarget = WebhookTarget.PLAIN
    options: Mapping[str, str] = _NO_OPTIONS
    stream: str = ""
    environment: str = ""


class WebhookChange(NamedTuple):
    """What is to be different of a webhook; None stays as it is, and an empty text is none."""

    name: str | None = None
    description: str | None = None
    url: str | None = None
    events: Sequence[WebhookEvent] | None = None
    secret: str | None = None
    credential: str | None = None
    status: WebhookStatus | None = None
    options: Mapping[str, str] | None = None
    stream: str | None = None
    environment: str | None = None


def checked(settings: WebhookSettings, environments: Environments) -> NewWebhook:
    """The webhook that it comes to, but for its events and its stream. Raises InvalidParameter."""
    target = settings.target
    complete = TARGETS[target].complete(_checked_options(settings.options))
    return NewWebhook(
        name=limits.check_webhook_name(settings.name),
        url=TARGETS[target].url(settings.url, complete),
        target=target,
        status=settings.status,
        description=limits.check_length(settings.description, "description", limits.WEBHOOK_DESCRIPTION_LENGTH),
        options=complete,
        environment=_checked_environment(settings.environment, environments),
        secret=limits.check_length(settings.secret, "secret", limits.WEBHOOK_SECRET_LENGTH),
        credential=_checked_credential(target, settings.credential),
    )


def changed(record: WebhookRecord, change: WebhookChange, environments: Environments) -> WebhookRecord:
    """The record as it is to be, but for its stream and events. Raises InvalidParameter."""
    target = WebhookTarget(record.target)
    fields: dict[str, str] = {}
    if change.name:
        fields["name"] = limits.check_webhook_name(change.name)
    if change.description is not None:
        fields["description"] = limits.check_length(
            change.description, "description", limits.WEBHOOK_DESCRIPTION_LENGTH
        )
    if change.secret is not None:
        fields["secret"] = limits.check_length(change.secret, "secret", limits.WEBHOOK_SECRET_LENGTH)
    if change.credential is not None:
        fields["credential"] = _checked_credential(target, change.credential)
    if change.status is not None:
        fields["status"] = change.status.value
    if change.environment is not None:
        fields["environment"] = _checked_environment(change.environment, environments)
    if change.options is not None or change.url:
        options = {**json.loads(record.options), **_checked_options(change.options or _NO_OPTIONS)}
        complete = TARGETS[target].complete(options)
        given = change.url or (record.url if target is WebhookTarget.PLAIN else "")
        fields |= {"options": json.dumps(complete), "url": TARGETS[target].url(given, complete)}
    after = record._replace(**fields)  # type: ignore[arg-type] # none of these is a number
    if record.credential and change.credential is None and _host(after.url) != _host(record.url):
        raise InvalidParameter(
            f"The webhook {record.name!r} would send its token to another host. Give the token for that one with it."
        )
    return after


def checked_events(target: WebhookTarget, events: Sequence[WebhookEvent]) -> tuple[WebhookEvent, ...]:
    """Each of them once. Raises InvalidParameter unless they can be subscribed to, and told to the target."""
    if not events:
        raise InvalidParameter("Missing value for required parameter 'events'. It is what the webhook is told of.")
    for event in events:
        if event not in EXAMPLES:
            known = ", ".join(map(str, EXAMPLES))
            raise InvalidParameter(f"There is no event {shown(str(event))} here. A webhook can be told of: {known}.")
        if TARGETS[target].only_promotions and event != PROMOTED:
            raise InvalidParameter(f"A webhook to {target} can be told of {PROMOTED} only, not of {event}.")
    return tuple(dict.fromkeys(events))


def existing(record: WebhookRecord | None, webhook_id: str) -> WebhookRecord:
    if record is None:
        raise NotFound(f"Webhook with ID {webhook_id} not found.")
    return record


def note(tx: Transaction, actor: Actor, action: str, record: WebhookRecord, now_ms: int, **details: object) -> None:
    """Note a change of a webhook in the audit log."""
    named = {"name": record.name, "url": record.url, **details}
    audit.record(tx, actor, f"webhook.{action}", f"webhooks/{record.uuid}", named, time_ms=now_ms)


def _checked_options(options: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in options.items():
        limits.check_length(name, "options", limits.WEBHOOK_OPTION_LENGTH)
        limits.check_length(value, f"options.{name}", limits.WEBHOOK_OPTION_LENGTH)
    return options


def _checked_credential(target: WebhookTarget, credential: str) -> str:
    if not credential and TARGETS[target].needs_credential:
        raise InvalidParameter(f"Missing value for required parameter 'token'. A webhook to {target} needs it.")
    limits.check_length(credential, "token", limits.WEBHOOK_SECRET_LENGTH)
    if credential and not (credential.isascii() and credential.isprintable()):
        raise InvalidParameter("Invalid value for parameter 'token' supplied: it must be printable ASCII.")
    return credential


def _checked_environment(environment: str, environments: Environments) -> str:
    return environments.check(environment) if environment else ""


def _host(url: str) -> str:
    return parse_url(url).netloc.decode()
