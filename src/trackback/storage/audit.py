"""The audit log: what was changed, by whom, from where. Entries are only added; the database refuses anything else."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from trackback.entities import Actor, AuditEntry
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Transaction

_NO_DETAILS: Mapping[str, Any] = {}


class AuditQuery(NamedTuple):
    """Entries older than ``before``; a field that is None, or empty, is any. Times are milliseconds since the epoch."""

    actor: str = ""
    object: str = ""
    action: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    before: int | None = None
    limit: int = 100


def record(
    tx: Transaction,
    actor: Actor,
    action: str,
    object: str,  # noqa: A002 - the log's word
    details: Mapping[str, Any] = _NO_DETAILS,
    *,
    time_ms: int,
) -> None:
    """Note a change in the transaction that makes it, so that there is never one without the other.

    action: what was done, as ``<kind>.<verb>``: ``role.grant``, ``alias.set``, ``promotion.override``.
    object: to what, as ``<kind>/<id>``: ``users/ann``, ``models/3``, ``experiments/12``. Ids stay when names change;
        ``details`` may have the name, the version, the values before and after: anything JSON, but no secret.
    """
    tx.run(
        "INSERT INTO audit (time_ms, actor, address, action, object, details) VALUES (?, ?, ?, ?, ?, ?)",
        time_ms,
        actor.name,
        actor.address,
        action,
        object,
        msgspec.json.encode(details).decode(),
    )


def entries(tx: Transaction, query: AuditQuery) -> list[AuditEntry]:
    """The entries of a query, the newest first."""
    terms = [
        Fragment(sql, (value,))
        for sql, value in (
            ("actor = ?", query.actor or None),
            ("object = ?", query.object or None),
            ("action = ?", query.action or None),
            ("time_ms >= ?", query.since_ms),
            ("time_ms < ?", query.until_ms),
            ("seq < ?", query.before),
        )
        if value is not None
    ]
    where = joined(terms, "AND")
    rows = tx.rows(
        "SELECT seq, time_ms, actor, action, object, address, details FROM audit"
        f" WHERE {where.sql} ORDER BY seq DESC LIMIT ?",
        *where.values,
        query.limit,
    )
    return [
        AuditEntry(seq, time_ms, actor, action, object, address, msgspec.json.decode(details))
        for seq, time_ms, actor, action, object, address, details in rows  # noqa: A001 - the log's word
    ]
