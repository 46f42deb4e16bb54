"""Policies: every revision, and which of them are in force."""

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from trackback.entities import Policy
from trackback.entities.streams import ALL_MODELS, StreamKind, parse_stream
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Row, Transaction

_COLUMNS = "p.stream, p.environment, p.revision, p.document, p.actor, p.time_ms"
_WHOLE = (
    f"SELECT {_COLUMNS}, m.name FROM policies p"
    f" LEFT JOIN registered_models m ON p.stream = '{StreamKind.MODEL}/' || m.id"
)
_LAST = (
    "p.revision = (SELECT max(q.revision) FROM policies q WHERE q.stream = p.stream AND q.environment = p.environment)"
)


class PolicyQuery(NamedTuple):
    """Policies in force; None is any. ``streams``: only of these, and of those for all models."""

    stream: str | None
    environment: str | None
    streams: Collection[str] | None
    limit: int
    offset: int


def last(tx: Transaction, stream: str, environment: str) -> Policy | None:
    """The last revision, which may be one that removed the policy."""
    return next(iter(revisions(tx, stream, environment, limit=1)), None)


def in_force(tx: Transaction, stream: str, environment: str) -> Policy | None:
    """The policy that a stream's promotions to an environment are held to: its own, else that for all models."""
    own = last(tx, stream, environment)
    if own is not None and not own.removed:
        return own
    if stream == ALL_MODELS or parse_stream(stream).kind is not StreamKind.MODEL:
        return None
    general = last(tx, ALL_MODELS, environment)
    return None if general is None or general.removed else general


def add(
    tx: Transaction,
    stream: str,
    environment: str,
    revision: int,
    document: Mapping[str, Any] | None,
    actor: str,
    time_ms: int,
) -> None:
    """A revision; without a document, one that removes the policy."""
    tx.run(
        "INSERT INTO policies (stream, environment, revision, document, actor, time_ms) VALUES (?, ?, ?, ?, ?, ?)",
        stream,
        environment,
        revision,
        "" if document is None else json.dumps(document),
        actor,
        time_ms,
    )


def revisions(tx: Transaction, stream: str, environment: str, limit: int, offset: int = 0) -> list[Policy]:
    """The newest first."""
    rows = tx.rows(
        f"{_WHOLE} WHERE p.stream = ? AND p.environment = ? ORDER BY p.revision DESC LIMIT ? OFFSET ?",
        stream,
        environment,
        limit,
        offset,
    )
    return [_policy(row) for row in rows]


def search(tx: Transaction, query: PolicyQuery) -> list[Policy]:
    """By stream and environment."""
    conditions = [Fragment("p.document <> ''", ()), Fragment(_LAST, ())]
    if query.stream is not None:
        conditions.append(Fragment("p.stream = ?", (query.stream,)))
    if query.environment is not None:
        conditions.append(Fragment("p.environment = ?", (query.environment,)))
    if query.streams is not None:
        conditions.append(Fragment("p.stream {texts}", (sorted({*query.streams, ALL_MODELS}),)))
    where = joined(conditions, "AND")
    rows = tx.rows(
        f"{_WHOLE} WHERE {where.sql} ORDER BY p.stream, p.environment LIMIT ? OFFSET ?",
        *where.values,
        query.limit,
        query.offset,
    )
    return [_policy(row) for row in rows]


def _policy(row: Row) -> Policy:
    stream, environment, revision, document, actor, time_ms, name = row
    return Policy(
        stream=stream,
        environment=environment,
        revision=revision,
        document=json.loads(document) if document else {},
        actor=actor,
        time=time_ms,
        name=name,
        removed=not document,
    )
