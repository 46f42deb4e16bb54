"""Verdicts: results of checks on digests. They are only added."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from trackback.entities import Verdict
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Row, Transaction

_COLUMNS = "id, digest, name, passed, time_ms, actor, url, report"
_NEWEST_FIRST = "ORDER BY time_ms DESC, id DESC"


class VerdictQuery(NamedTuple):
    """``stream`` None is any; else those that count for a stream. ``name`` None is any."""

    digest: str
    stream: str | None
    name: str | None
    limit: int
    offset: int


def add(tx: Transaction, verdict: Verdict, stream: str, key: str | None) -> Verdict | None:
    """The verdict with the number that it gets, whatever ``id`` it had; None if its actor has one with the key.

    stream: whose promotions it counts for; an empty one is all.
    """
    row = tx.row(
        "INSERT INTO verdicts (digest, stream, name, passed, actor, time_ms, url, report, key)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (actor, key) DO NOTHING RETURNING id",
        verdict.digest,
        stream,
        verdict.name,
        int(verdict.passed),
        verdict.actor,
        verdict.time,
        verdict.url or "",
        "" if verdict.report is None else msgspec.json.encode(verdict.report).decode(),
        key,
    )
    return msgspec.structs.replace(verdict, id=row[0]) if row else None


def find_by_key(tx: Transaction, actor: str, key: str) -> Verdict | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM verdicts WHERE actor = ? AND key = ?", actor, key)
    return _verdict(row) if row else None


def latest(tx: Transaction, digest: str, stream: str, name: str, reporters: Sequence[str] = ()) -> Verdict | None:
    """The last verdict of a name on a digest that counts for a stream; with ``reporters``, of those by one of them."""
    conditions = [Fragment("digest = ?", (digest,)), _counting(stream), Fragment("name = ?", (name,))]
    if reporters:
        conditions.append(Fragment("actor {texts}", (list(reporters),)))
    where = joined(conditions, "AND")
    row = tx.row(f"SELECT {_COLUMNS} FROM verdicts WHERE {where.sql} {_NEWEST_FIRST} LIMIT 1", *where.values)
    return _verdict(row) if row else None


def search(tx: Transaction, query: VerdictQuery) -> list[Verdict]:
    """The newest first."""
    conditions = [Fragment("digest = ?", (query.digest,))]
    if query.stream is not None:
        conditions.append(_counting(query.stream))
    if query.name is not None:
        conditions.append(Fragment("name = ?", (query.name,)))
    where = joined(conditions, "AND")
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM verdicts WHERE {where.sql} {_NEWEST_FIRST} LIMIT ? OFFSET ?",
        *where.values,
        query.limit,
        query.offset,
    )
    return [_verdict(row) for row in rows]


def _counting(stream: str) -> Fragment:
    return Fragment("stream IN ('', ?)", (stream,))


def _verdict(row: Row) -> Verdict:
    number, digest, name, passed, time_ms, actor, url, report = row
    return Verdict(
        id=number,
        digest=digest,
        name=name,
        passed=bool(passed),
        time=time_ms,
        actor=actor,
        url=url or None,
        report=msgspec.json.decode(report) if report else None,
    )
