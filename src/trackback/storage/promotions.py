"""The promotion log.

The log's one counter row is held by whoever writes an entry, until the commit: ``hold`` it before looking at what the
log says, and what was seen stays true.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from trackback.entities import PromotedSnapshot, Promotion, PromotionKind, PromotionOrigin
from trackback.limits import INT64_MAX
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Row, Transaction

_ENTRY = "p.seq, p.stream, p.environment, p.kind, p.model_version, p.run"
_SAME_SUBJECT = "COALESCE(p.model_version, 0) = ? AND COALESCE(p.run, 0) = ?"
_WHOLE = (
    "SELECT p.seq, p.stream, p.environment, p.kind, p.time_ms, p.actor, p.origin, p.reason, m.name, v.version, r.uuid,"
    " r.experiment, p.digest, p.replaced, p.overridden, p.unverified, p.basis FROM promotions p"
    " LEFT JOIN model_versions v ON v.id = p.model_version LEFT JOIN registered_models m ON m.id = v.model"
    " LEFT JOIN runs r ON r.id = p.run"
)
# Until a place in the log: where that ends, the rows of another place follow. Of equal streams and environments
# PostgreSQL might look for the last one through the whole log, if it takes them for frequent. A limit that is bound it
# plans anew each time, which takes longer than to read a few rows more.
_UNTIL = "(p.stream, p.environment, p.seq) <= (?, ?, ?){} ORDER BY p.stream DESC, p.environment DESC, p.seq DESC"
HELD = 12
_HELD_UNTIL = f"{_WHOLE} WHERE {_UNTIL.format(' AND p.kind <> ?')} LIMIT {HELD}"
_RUN_ID = 10
"""The place of a run's id in such a row."""


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


class Scope(NamedTuple):
    """Some streams and one environment; None: all."""

    streams: list[str] | None = None
    environment: str | None = None

    def conditions(self, *others: Fragment) -> Fragment:
        found = list(others)
        if self.streams is not None and len(self.streams) == 1:  # an index has the order behind it
            found.append(Fragment("p.stream = ?", (self.streams[0],)))
        elif self.streams is not None:
            found.append(Fragment("p.stream {texts}", (self.streams,)))
        if self.environment is not None:
            found.append(Fragment("p.environment = ?", (self.environment,)))
        return joined(found, "AND")


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
    row = tx.row(f"SELECT {_ENTRY} FROM promotions p WHERE {_UNTIL.format('')} LIMIT 1", stream, environment, INT64_MAX)
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


def log(tx: Transaction, scope: Scope, after: int, limit: int) -> list[Promotion]:
    """The first entries after a number."""
    where = scope.conditions(Fragment("p.seq > ?", (after,)))
    return _promotions(tx, tx.rows(f"{_WHOLE} WHERE {where.sql} ORDER BY p.seq LIMIT ?", *where.values, limit))


def newest(tx: Transaction, scope: Scope, before: int, limit: int) -> list[Promotion]:
    """The last entries before a number, the newest first."""
    where = scope.conditions(Fragment("p.seq < ?", (before,)))
    return _promotions(tx, tx.rows(f"{_WHOLE} WHERE {where.sql} ORDER BY p.seq DESC LIMIT ?", *where.values, limit))


def held_until(tx: Transaction, entry: Entry) -> list[Promotion]:
    """The last ``HELD`` entries, up to this one, by which something came to hold its environment; the newest first."""
    rows = tx.rows(_HELD_UNTIL, entry.stream, entry.environment, entry.seq, PromotionKind.DEMOTED.value)
    found = _promotions(tx, rows)
    return [each for each in found if (each.stream, each.environment) == (entry.stream, entry.environment)]


def load(tx: Transaction, numbers: Sequence[int]) -> list[Promotion]:
    """The entries of these numbers, in order."""
    return _promotions(tx, tx.rows(f"{_WHOLE} WHERE p.seq {{ints}} ORDER BY p.seq", list(numbers)))


def in_force(tx: Transaction, scope: Scope, at_ms: int, limit: int, offset: int) -> list[Promotion]:
    """The entries by which environments were held at a time, in the order of their streams."""
    until = [] if at_ms >= INT64_MAX else [Fragment("p.time_ms <= ?", (at_ms,))]  # else an index has it all
    where = scope.conditions(*until)
    rows = tx.rows(
        f"{_WHOLE} JOIN (SELECT max(p.seq) AS seq FROM promotions p WHERE {where.sql} GROUP BY p.stream, p.environment)"
        " latest ON latest.seq = p.seq WHERE p.kind <> ? ORDER BY p.stream, p.environment LIMIT ? OFFSET ?",
        *where.values,
        PromotionKind.DEMOTED.value,
        limit,
        offset,
    )
    return _promotions(tx, rows)


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


def _promotions(tx: Transaction, rows: list[Row]) -> list[Promotion]:
    snapshots = _snapshots(tx, [row[0] for row in rows if row[_RUN_ID] is not None])
    return [
        Promotion(
            seq=seq,
            stream=stream,
            environment=environment,
            kind=PromotionKind(kind),
            time=time_ms,
            actor=actor,
            origin=PromotionOrigin(origin),
            reason=reason or None,
            name=name,
            version=_text(version),
            run_id=run_id,
            experiment_id=_text(experiment),
            digest=digest,
            snapshots=snapshots.get(seq, ()),
            replaced=replaced,
            overridden=bool(overridden),
            unverified=bool(unverified),
            basis=json.loads(basis),
        )
        for (
            seq,
            stream,
            environment,
            kind,
            time_ms,
            actor,
            origin,
            reason,
            name,
            version,
            run_id,
            experiment,
            digest,
            replaced,
            overridden,
            unverified,
            basis,
        ) in rows
    ]


def _snapshots(tx: Transaction, numbers: list[int]) -> dict[int, tuple[PromotedSnapshot, ...]]:
    """Of promoted runs; a version is its own."""
    if not numbers:
        return {}
    found: dict[int, tuple[PromotedSnapshot, ...]] = {}
    for seq, path, model, digest, main in tx.rows(
        "SELECT promotion, path, logged_model, digest, main FROM promotion_snapshots WHERE promotion {ints}"
        " ORDER BY promotion, logged_model, path",
        numbers,
    ):
        found[seq] = (*found.get(seq, ()), PromotedSnapshot(digest, bool(main), path or None, model or None))
    return found


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
