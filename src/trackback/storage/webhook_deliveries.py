"""What webhooks were told, and are still to be told."""

import json
from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from trackback.entities import DeliveryStatus, WebhookDelivery
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Row, Transaction

_DELIVERY = (
    "d.uuid, w.uuid, d.event, d.status, d.created_ms, d.attempts, d.seq, d.replay_of, d.attempted_ms, d.finished_ms,"
    " d.response_status, d.response_body, d.error"
)


class NewDelivery(NamedTuple):
    """Something that a webhook is to be told: ``body`` is JSON."""

    webhook: int
    event: str
    body: str
    seq: int | None = None
    replay_of: str | None = None


class DeliveryQuery(NamedTuple):
    """Deliveries of a webhook, of one status or any, numbered less than ``before``; None: any."""

    webhook: int
    limit: int
    status: DeliveryStatus | None = None
    before: int | None = None


class NumberedDelivery(NamedTuple):
    """``number`` is that of the row: greater than those of all that were written before."""

    number: int
    delivery: WebhookDelivery


def add(tx: Transaction, deliveries: Sequence[NewDelivery], now_ms: int) -> list[str]:
    """Have these sent, in their order; their ids."""
    ids = [str(uuid4()) for _ in deliveries]
    tx.insert_columns(
        "INSERT INTO webhook_deliveries (uuid, webhook, event, seq, replay_of, body, status, attempts, created_ms)"
        " {columns text, bigint, text, bigint, text, text, text, bigint, bigint}",
        ids,
        [each.webhook for each in deliveries],
        [each.event for each in deliveries],
        [each.seq for each in deliveries],
        [each.replay_of for each in deliveries],
        [each.body for each in deliveries],
        [DeliveryStatus.PENDING.value] * len(deliveries),
        [0] * len(deliveries),
        [now_ms] * len(deliveries),
    )
    return ids


def find(tx: Transaction, webhook: int, uuid: str) -> WebhookDelivery | None:
    """The delivery with its body."""
    row = tx.row(
        f"SELECT {_DELIVERY}, d.body FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook"
        " WHERE d.uuid = ? AND d.webhook = ?",
        uuid,
        webhook,
    )
    return _delivery(row[:-1], row[-1]) if row else None


def find_body(tx: Transaction, webhook: int, uuid: str) -> NewDelivery | None:
    """What was sent, to be sent again."""
    row = tx.row(
        "SELECT webhook, event, body, seq, uuid FROM webhook_deliveries WHERE uuid = ? AND webhook = ?", uuid, webhook
    )
    return NewDelivery(*row) if row else None


def search(tx: Transaction, query: DeliveryQuery) -> list[NumberedDelivery]:
    """The newest first, without their bodies."""
    terms = [Fragment("d.webhook = ?", (query.webhook,))]
    if query.status is not None:
        terms.append(Fragment("d.status = ?", (query.status.value,)))
    if query.before is not None:
        terms.append(Fragment("d.id < ?", (query.before,)))
    where = joined(terms, "AND")
    rows = tx.rows(
        f"SELECT d.id, {_DELIVERY} FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook"
        f" WHERE {where.sql} ORDER BY d.id DESC LIMIT ?",
        *where.values,
        query.limit,
    )
    return [NumberedDelivery(row[0], _delivery(row[1:])) for row in rows]


def prune(tx: Transaction, before_ms: int, limit: int) -> int:
    """Forget some deliveries that ended before a time; how many."""
    return tx.run(
        "DELETE FROM webhook_deliveries WHERE id IN"
        " (SELECT id FROM webhook_deliveries WHERE finished_ms < ? ORDER BY finished_ms LIMIT ?)",
        before_ms,
        limit,
    )


def give_up(tx: Transaction, before_ms: int, now_ms: int, limit: int) -> int:
    """Have some deliveries failed that have waited since before a time, but none that may be being sent; how many."""
    return tx.run(
        "UPDATE webhook_deliveries SET status = ?, finished_ms = ?, error = ? WHERE finished_ms IS NULL AND id IN"
        " (SELECT d.id FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook"
        " WHERE d.finished_ms IS NULL AND d.created_ms < ? AND w.lease_until_ms <= ? ORDER BY d.id LIMIT ?)",
        DeliveryStatus.FAILED.value,
        now_ms,
        "It was given up: it had waited for longer than the history is kept.",
        before_ms,
        now_ms,
        limit,
    )


def prune_deleted(tx: Transaction, before_ms: int, limit: int) -> int:
    """Forget some deliveries of webhooks that were deleted, and at last those webhooks; how many deliveries.

    before_ms: later ones stay, as a write that began before they were deleted may still add a delivery.
    """
    pruned = tx.run(
        "DELETE FROM webhook_deliveries WHERE id IN (SELECT d.id FROM webhooks w"
        " JOIN webhook_deliveries d ON d.webhook = w.id WHERE w.deleted_ms IS NOT NULL LIMIT ?)",
        limit,
    )
    if pruned < limit:
        tx.run("DELETE FROM webhooks WHERE deleted_ms < ?", before_ms)
    return pruned


def _delivery(row: Row, body: str | None = None) -> WebhookDelivery:
    (
        uuid,
        webhook,
        event,
        status,
        created_ms,
        attempts,
        seq,
        replay_of,
        attempted_ms,
        finished_ms,
        response_status,
        response_body,
        error,
    ) = row
    return WebhookDelivery(
        id=uuid,
        webhook_id=webhook,
        event=event,
        status=DeliveryStatus(status),
        created=created_ms,
        attempts=attempts,
        seq=seq,
        replay_of=replay_of,
        attempted=attempted_ms,
        finished=finished_ms,
        response_status=response_status,
        response_body=response_body,
        error=error,
        body=None if body is None else json.loads(body),
    )
