"""Webhooks: who wants to be told of what."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

from trackback.entities import Webhook, WebhookAction, WebhookEntity, WebhookEvent, WebhookStatus, WebhookTarget
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Transaction

WEBHOOK_COLUMNS = (
    "w.id, w.uuid, w.name, w.description, w.target, w.url, w.options, w.stream, w.environment, w.secret,"
    " w.credential, w.status, w.created_ms, w.updated_ms"
)
"""The columns of a WebhookRecord, of ``webhooks w``."""

PROMOTION = str(WebhookEvent(WebhookEntity.PROMOTION, WebhookAction.CREATED))


class WebhookRecord(NamedTuple):
    """A row of webhooks. ``options`` is JSON; empty: no description, any stream, any environment, no secret."""

    id: int
    uuid: str
    name: str
    description: str
    target: str
    url: str
    options: str
    stream: str
    environment: str
    secret: str
    credential: str
    status: str
    created_ms: int
    updated_ms: int


class NewWebhook(NamedTuple):
    """A webhook to be; ``secret`` signs what it is sent, ``credential`` lets into its target."""

    name: str
    url: str
    target: WebhookTarget
    status: WebhookStatus
    description: str = ""
    options: Mapping[str, str] = {}
    stream: str = ""
    environment: str = ""
    secret: str = ""
    credential: str = ""


class Subscription(NamedTuple):
    """A webhook, and the event that it is to be told of."""

    webhook: WebhookRecord
    event: str


class WebhookQuery(NamedTuple):
    """Webhooks numbered less than ``before``, None for any; with or without those that are told of promotions."""

    limit: int
    before: int | None = None
    promotions: bool = True


def add(tx: Transaction, new: NewWebhook, events: Sequence[WebhookEvent], now_ms: int) -> WebhookRecord:
    row = tx.rows(
        "INSERT INTO webhooks AS w (uuid, name, description, target, url, options, stream, environment, secret,"
        " credential, status, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        f" RETURNING {WEBHOOK_COLUMNS.replace('w.', '')}",
        str(uuid4()),
        new.name,
        new.description,
        new.target.value,
        new.url,
        json.dumps(new.options),
        new.stream,
        new.environment,
        new.secret,
        new.credential,
        new.status.value,
        now_ms,
        now_ms,
    )[0]
    record = WebhookRecord(*row)
    set_events(tx, record.id, events)
    return record


def count(tx: Transaction) -> int:
    return int(tx.rows("SELECT count(*) FROM webhooks WHERE deleted_ms IS NULL")[0][0])


def find(tx: Transaction, uuid: str) -> WebhookRecord | None:
    row = tx.row(f"SELECT {WEBHOOK_COLUMNS} FROM webhooks w WHERE w.uuid = ? AND w.deleted_ms IS NULL", uuid)
    return WebhookRecord(*row) if row else None


def hold(tx: Transaction, uuid: str) -> WebhookRecord | None:
    """``find``, in a write: nobody else changes or deletes the webhook before the transaction ends."""
    row = tx.row(
        f"SELECT {WEBHOOK_COLUMNS} FROM webhooks w WHERE w.uuid = ? AND w.deleted_ms IS NULL {{for_update}}", uuid
    )
    return WebhookRecord(*row) if row else None


def search(tx: Transaction, query: WebhookQuery) -> list[WebhookRecord]:
    """The newest first."""
    terms = [Fragment("w.deleted_ms IS NULL")]
    if query.before is not None:
        terms.append(Fragment("w.id < ?", (query.before,)))
    if not query.promotions:
        terms.append(Fragment("w.id NOT IN (SELECT webhook FROM webhook_events WHERE event = ?)", (PROMOTION,)))
    where = joined(terms, "AND")
    rows = tx.rows(
        f"SELECT {WEBHOOK_COLUMNS} FROM webhooks w WHERE {where.sql} ORDER BY w.id DESC LIMIT ?",
        *where.values,
        query.limit,
    )
    return [WebhookRecord(*row) for row in rows]


def change(tx: Transaction, record: WebhookRecord) -> None:
    """Keep what a record says of its webhook, and have it try at once what it has to be told."""
    tx.run(
        "UPDATE webhooks SET name = ?, description = ?, target = ?, url = ?, options = ?, stream = ?, environment = ?,"
        " secret = ?, credential = ?, status = ?, updated_ms = ?, due_ms = 0 WHERE id = ?",
        record.name,
        record.description,
        record.target,
        record.url,
        record.options,
        record.stream,
        record.environment,
        record.secret,
        record.credential,
        record.status,
        record.updated_ms,
        record.id,
    )


def set_events(tx: Transaction, webhook: int, events: Sequence[WebhookEvent]) -> None:
    tx.run("DELETE FROM webhook_events WHERE webhook = ?", webhook)
    tx.insert_columns(
        "INSERT INTO webhook_events (webhook, event, place) {columns bigint, text, bigint}",
        [webhook] * len(events),
        [str(event) for event in events],
        list(range(len(events))),
    )


def events_of(tx: Transaction, webhooks: Iterable[int]) -> dict[int, tuple[WebhookEvent, ...]]:
    """What each webhook is told of, in the order that it was given in."""
    found: dict[int, tuple[WebhookEvent, ...]] = {}
    for webhook, event in tx.rows(
        "SELECT webhook, event FROM webhook_events WHERE webhook {ints} ORDER BY webhook, place", list(webhooks)
    ):
        found[webhook] = (*found.get(webhook, ()), _event(event))
    return found


def delete(tx: Transaction, webhook: int, deleted_ms: int) -> None:
    """Forget its secrets, and tell it nothing any more."""
    tx.run("UPDATE webhooks SET deleted_ms = ?, secret = '', credential = '' WHERE id = ?", deleted_ms, webhook)
    tx.run("DELETE FROM webhook_events WHERE webhook = ?", webhook)


def subscriptions(tx: Transaction, events: Sequence[str]) -> list[Subscription]:
    """Who is to be told of these events, in the order that webhooks were made."""
    rows = tx.rows(
        f"SELECT e.event, {WEBHOOK_COLUMNS} FROM webhook_events e JOIN webhooks w ON w.id = e.webhook"
        " WHERE e.event {texts} AND w.status = ? AND w.deleted_ms IS NULL ORDER BY w.id",
        list(events),
        WebhookStatus.ACTIVE.value,
    )
    return [Subscription(WebhookRecord(*row[1:]), row[0]) for row in rows]


def load(tx: Transaction, records: Sequence[WebhookRecord]) -> list[Webhook]:
    """The webhooks, without their secrets."""
    events = events_of(tx, [record.id for record in records])
    return [_webhook(record, events.get(record.id, ())) for record in records]


def _webhook(record: WebhookRecord, events: tuple[WebhookEvent, ...]) -> Webhook:
    return Webhook(
        webhook_id=record.uuid,
        name=record.name,
        url=record.url,
        events=events,
        status=WebhookStatus(record.status),
        creation_timestamp=record.created_ms,
        last_updated_timestamp=record.updated_ms,
        description=record.description or None,
        target=WebhookTarget(record.target),
        options=json.loads(record.options),
        stream=record.stream or None,
        environment=record.environment or None,
        signed=bool(record.secret),
    )


def _event(text: str) -> WebhookEvent:
    entity, _, action = text.upper().partition(".")
    return WebhookEvent(WebhookEntity(entity), WebhookAction(action))
