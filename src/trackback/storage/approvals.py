"""Approvals: who consents that a digest enters an environment, at most once each."""

from trackback.entities import Approval
from trackback.storage.interface import Transaction

_SELECT = "SELECT digest, stream, environment, actor, time_ms, reason FROM approvals WHERE digest = ? AND stream = ?"


def add(tx: Transaction, approval: Approval) -> bool:
    """Whether the actor had not approved it yet; else what is there stays as it is."""
    added = tx.run(
        "INSERT INTO approvals (stream, environment, digest, actor, time_ms, reason) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        approval.stream,
        approval.environment,
        approval.digest,
        approval.actor,
        approval.time,
        approval.reason or "",
    )
    return added > 0


def delete(tx: Transaction, digest: str, stream: str, environment: str, actor: str) -> bool:
    """Whether there was one."""
    deleted = tx.run(
        "DELETE FROM approvals WHERE digest = ? AND stream = ? AND environment = ? AND actor = ?",
        digest,
        stream,
        environment,
        actor,
    )
    return deleted > 0


def find(tx: Transaction, digest: str, stream: str, environment: str, actor: str) -> Approval | None:
    return next((each for each in of_place(tx, digest, stream, environment) if each.actor == actor), None)


def of_place(tx: Transaction, digest: str, stream: str, environment: str | None = None) -> list[Approval]:
    """The approvals of a digest for an environment (None: for any), the oldest first."""
    rows = tx.rows(f"{_SELECT} ORDER BY environment, time_ms, actor", digest, stream)
    return [
        Approval(digest, stream, place, actor, time_ms, reason or None)
        for digest, stream, place, actor, time_ms, reason in rows
        if environment in (None, place)
    ]
