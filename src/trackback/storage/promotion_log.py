"""The promotion log as people and programs read it: entries with all that is known of them."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import PromotedSnapshot, Promotion, PromotionKind, PromotionOrigin
from trackback.limits import INT64_MAX
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Row, Transaction
from trackback.storage.promotions import UNTIL, Entry

_WHOLE = (
    "SELECT p.seq, p.stream, p.environment, p.kind, p.time_ms, p.actor, p.origin, p.reason, m.name, v.version, r.uuid,"
    " r.experiment, p.digest, p.replaced, p.overridden, p.unverified, p.basis FROM promotions p"
    " LEFT JOIN model_versions v ON v.id = p.model_version LEFT JOIN registered_models m ON m.id = v.model"
    " LEFT JOIN runs r ON r.id = p.run"
)
HELD = 12
_HELD_UNTIL = f"{_WHOLE} WHERE {UNTIL.format(' AND p.kind <> ?')} LIMIT {HELD}"
_RUN_ID = 10
"""The place of a run's id in such a row."""


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
