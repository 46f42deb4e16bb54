"""The promotion log, as its rules look at it and add to it. ``promotion_log`` tells of whole entries.

The log's one counter row is held by whoever writes an entry, until the commit: ``hold`` it before looking at what the
log says, and what was seen stays true.
"""

import json
from typing import Any, NamedTuple

from trackback.entities import PromotedSnapshot, PromotionKind, PromotionOrigin
from trackback.limits import INT64_MAX
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Transaction

_ENTRY = "p.seq, p.stream, p.environment, p.kind, p.model_version, p.run"
_SAME_SUBJECT = "COALESCE(p.model_version, 0) = ? AND COALESCE(p.run, 0) = ?"
# Until a place in the log: where that ends, the rows of another place follow. Of equal streams and environments
# PostgreSQL might look for the last one through the whole log, if it takes them for frequent. A limit that is bound it
# plans anew each time, which takes longer than to read a few rows more.
UNTIL = "(p.stream, p.environment, p.seq) <= (?, ?, ?){} ORDER BY p.stream DESC, p.environment DESC, p.seq DESC"


class Entry(NamedTuple):
    """What the log's rules look at of an entry. Its subject is a version or a run."""

    seq: int
    stream: str
    environment: str
    kind: str
    model_version: int | None
    run: int | None


class NewEntry(NamedTuple):
    """An entry to be, without what the log gives it: its number and its time."""

    stream: str
    environment: str
    kind: PromotionKind
    model_version: int | None
    run: int | None
    digest: str | None
    replaced: int | None
    actor: str
    address: str | None
    reason: str
    origin: PromotionOrigin
    overridden: bool
    unverified: bool
    basis: dict[str, Any]
    snapshots: tuple[PromotedSnapshot, ...] = ()


def hold(tx: Transaction) -> None:
    """In a write: nobody else writes to the log until the transaction ends."""
    tx.rows("SELECT singleton FROM promotion_counter {for_update}")


def last_number(tx: Transaction) -> int:
    """The number of the last entry; 0 of an empty log."""
    row = tx.row("SELECT last_seq FROM promotion_counter")
    return int(row[0]) if row else 0


def add(tx: Transaction, entry: NewEntry, now_ms: int) -> int:
    """Write an entry; its number. Its time is never before that of the entry before it."""
    seq, time_ms = tx.rows(
        "UPDATE promotion_counter SET last_seq = last_seq + 1,"
        " last_ms = CASE WHEN last_ms > ? THEN last_ms ELSE ? END RETURNING last_seq, last_ms",
        now_ms,
        now_ms,
    )[0]
    tx.run(
        "INSERT INTO promotions (seq, stream, environment, kind, model_version, run, digest, replaced, actor, address,"
        " time_ms, reason, origin, overridden, unverified, basis)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        seq,
        entry.stream,
        entry.environment,
        entry.kind.value,
        entry.model_version,
        entry.run,
        entry.digest,
        entry.replaced,
        entry.actor,
        entry.address,
        time_ms,
        entry.reason,
        entry.origin.value,
        int(entry.overridden),
        int(entry.unverified),
        json.dumps(entry.basis),
    )
    for snapshot in entry.snapshots:
        tx.run(
            "INSERT INTO promotion_snapshots (promotion, path, logged_model, digest, main) VALUES (?, ?, ?, ?, ?)",
            seq,
            snapshot.path or "",
            snapshot.model_id or "",
            snapshot.digest,
            int(snapshot.main),
        )
    return int(seq)


def last(tx: Transaction, stream: str, environment: str) -> Entry | None:
    """The last entry of a stream and environment, whatever its kind."""
    row = tx.row(f"SELECT {_ENTRY} FROM promotions p WHERE {UNTIL.format('')} LIMIT 1", stream, environment, INT64_MAX)
    found = Entry(*row) if row else None
    return found if found and (found.stream, found.environment) == (stream, environment) else None


def find(tx: Transaction, seq: int) -> Entry | None:
    row = tx.row(f"SELECT {_ENTRY} FROM promotions p WHERE p.seq = ?", seq)
    return Entry(*row) if row else None


def holders_before(tx: Transaction, entry: Entry) -> list[Entry]:
    """Those for other subjects before the one by which this entry's came to the environment first; the newest first."""
    origin = _first_placed(tx, entry) if entry.kind == PromotionKind.ROLLED_BACK else entry
    other = Fragment(f"NOT ({_SAME_SUBJECT})", _subject(entry))
    return _holders(tx, entry, joined([Fragment("p.seq < ?", (origin.seq,)), other], "AND"))


def was_held_before(tx: Transaction, entry: Entry) -> bool:
    """Whether ``holders_before`` has any."""
    origin = _first_placed(tx, entry) if entry.kind == PromotionKind.ROLLED_BACK else entry
    row = tx.row(
        f"SELECT p.seq FROM promotions p WHERE p.stream = ? AND p.environment = ? AND p.seq < ? AND p.kind <> ?"
        f" AND NOT ({_SAME_SUBJECT}) ORDER BY p.seq DESC LIMIT 1",
        entry.stream,
        entry.environment,
        origin.seq,
        PromotionKind.DEMOTED.value,
        *_subject(entry),
    )
    return row is not None


def holders_until(tx: Transaction, entry: Entry) -> list[Entry]:
    """The entries, up to this one, by which something came to hold the environment; the newest first."""
    return _holders(tx, entry, Fragment("p.seq <= ?", (entry.seq,)))


def _holders(tx: Transaction, place: Entry, where: Fragment) -> list[Entry]:
    rows = tx.rows(
        f"SELECT {_ENTRY} FROM promotions p WHERE p.stream = ? AND p.environment = ? AND p.kind <> ? AND {where.sql}"
        " ORDER BY p.seq DESC",
        place.stream,
        place.environment,
        PromotionKind.DEMOTED.value,
        *where.values,
    )
    return [Entry(*row) for row in rows]


def _first_placed(tx: Transaction, entry: Entry) -> Entry:
    """The entry by which the subject of a rollback had been promoted before."""
    row = tx.row(
        f"SELECT {_ENTRY} FROM promotions p WHERE p.stream = ? AND p.environment = ? AND p.seq < ? AND p.kind = ?"
        f" AND {_SAME_SUBJECT} ORDER BY p.seq DESC LIMIT 1",
        entry.stream,
        entry.environment,
        entry.seq,
        PromotionKind.PROMOTED.value,
        *_subject(entry),
    )
    return Entry(*row) if row else entry


def _subject(entry: Entry) -> tuple[int, int]:
    return (entry.model_version or 0, entry.run or 0)


def environments_of(tx: Transaction, stream: str, model_version: int) -> list[str]:
    """The environments that a version holds."""
    rows = tx.rows(
        "SELECT p.environment FROM promotions p JOIN (SELECT max(seq) AS seq FROM promotions WHERE stream = ?"
        " GROUP BY environment) latest ON latest.seq = p.seq WHERE p.model_version = ? AND p.kind <> ?"
        " ORDER BY p.environment",
        stream,
        model_version,
        PromotionKind.DEMOTED.value,
    )
    return [environment for (environment,) in rows]
