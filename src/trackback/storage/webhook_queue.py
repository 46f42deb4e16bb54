"""The queue of each webhook: what it is to be told, one after the other, by whoever holds its lease.

A lease runs out by itself, so that the death of a server holds up nobody for longer. Whoever lost a lease meanwhile
may have sent what another sends again: a delivery arrives at least once, under the same id.
"""

from typing import NamedTuple

from trackback.entities import DeliveryStatus, WebhookStatus
from trackback.storage.interface import Transaction
from trackback.storage.webhooks import WEBHOOK_COLUMNS, WebhookRecord

_OPEN = "w.status = ? AND w.deleted_ms IS NULL"
_RETURNED = WEBHOOK_COLUMNS.replace("w.", "")


class Lease(NamedTuple):
    """Until when a holder, by a name that no other has, may send."""

    holder: str
    until_ms: int


class Pending(NamedTuple):
    """A delivery to be sent."""

    id: int
    uuid: str
    event: str
    body: str
    attempts: int


class Claim(NamedTuple):
    """The delivery that is at the head of a queue, for who holds the lease, until a time."""

    webhook: WebhookRecord
    delivery: Pending
    until_ms: int


class Attempt(NamedTuple):
    """How an attempt to send went, and what the delivery's status is now."""

    status: DeliveryStatus
    at_ms: int
    response_status: int | None
    response_body: str | None
    error: str | None


def due(tx: Transaction, now_ms: int, limit: int) -> list[int]:
    """Some webhooks that are to be told something now, and that nobody holds."""
    rows = tx.rows(
        f"SELECT w.id FROM webhooks w WHERE {_OPEN} AND w.due_ms <= ? AND w.lease_until_ms <= ?"
        " AND EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = w.id AND d.finished_ms IS NULL)"
        " ORDER BY w.due_ms, w.id LIMIT ?",
        WebhookStatus.ACTIVE.value,
        now_ms,
        now_ms,
        limit,
    )
    return [webhook for (webhook,) in rows]


def claim(tx: Transaction, webhook: int, lease: Lease, now_ms: int) -> Claim | None:
    """The head of a webhook's queue, with the lease; None if another has it, or there is nothing to send now."""
    row = tx.row(
        f"UPDATE webhooks AS w SET lease = ?, lease_until_ms = ? WHERE w.id = ? AND {_OPEN} AND w.due_ms <= ?"
        f" AND w.lease_until_ms <= ? RETURNING {_RETURNED}",
        lease.holder,
        lease.until_ms,
        webhook,
        WebhookStatus.ACTIVE.value,
        now_ms,
        now_ms,
    )
    return _head(tx, WebhookRecord(*row), lease) if row else None


def settle(tx: Transaction, done: Claim, attempt: Attempt, holder: str) -> None:
    """Note how an attempt went. Without the lease, only that it was delivered counts: another may be sending it."""
    held = tx.row("SELECT 1 FROM webhooks WHERE id = ? AND lease = ? {for_update}", done.webhook.id, holder)
    if held is None and attempt.status is not DeliveryStatus.DELIVERED:
        return
    tx.run(
        "UPDATE webhook_deliveries SET status = ?, attempts = attempts + 1, attempted_ms = ?, finished_ms = ?,"
        " response_status = ?, response_body = ?, error = ? WHERE id = ? AND finished_ms IS NULL",
        attempt.status.value,
        attempt.at_ms,
        None if attempt.status is DeliveryStatus.PENDING else attempt.at_ms,
        attempt.response_status,
        attempt.response_body,
        attempt.error,
        done.delivery.id,
    )


def go_on(tx: Transaction, webhook: int, lease: Lease) -> Claim | None:
    """The next of the queue, under the lease, which is prolonged; None if there is none, or the lease was lost."""
    row = tx.row(
        f"UPDATE webhooks AS w SET lease_until_ms = ? WHERE w.id = ? AND w.lease = ? AND {_OPEN} RETURNING {_RETURNED}",
        lease.until_ms,
        webhook,
        lease.holder,
        WebhookStatus.ACTIVE.value,
    )
    if row is None:
        release(tx, webhook, lease.holder, 0)
        return None
    return _head(tx, WebhookRecord(*row), lease)


def release(tx: Transaction, webhook: int, holder: str, due_ms: int) -> None:
    """Give the lease back; the queue goes on at a time."""
    tx.run(
        "UPDATE webhooks SET lease = '', lease_until_ms = 0, due_ms = ? WHERE id = ? AND lease = ?",
        due_ms,
        webhook,
        holder,
    )


def hurry(tx: Transaction, webhook: int) -> None:
    """Have the queue go on at once, however long it was to pause."""
    tx.run("UPDATE webhooks SET due_ms = 0 WHERE id = ?", webhook)


def release_all(tx: Transaction, holder: str) -> None:
    """Give back all leases of a holder, who is about to go."""
    tx.run("UPDATE webhooks SET lease = '', lease_until_ms = 0 WHERE lease = ?", holder)


def _head(tx: Transaction, webhook: WebhookRecord, lease: Lease) -> Claim | None:
    row = tx.row(
        "SELECT id, uuid, event, body, attempts FROM webhook_deliveries WHERE webhook = ? AND finished_ms IS NULL"
        " ORDER BY id LIMIT 1",
        webhook.id,
    )
    if row is None:
        release(tx, webhook.id, lease.holder, 0)
        return None
    return Claim(webhook, Pending(*row), lease.until_ms)
