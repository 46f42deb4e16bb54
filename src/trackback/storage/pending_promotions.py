"""Promotions that were asked for and wait: for a run to finish, or for what a policy wants."""

from collections.abc import Iterable
from typing import NamedTuple

from trackback.entities import PendingPromotion, PromotionOrigin, RunStatus
from trackback.storage.conditions import NOTHING, Fragment, joined
from trackback.storage.interface import Row, Transaction
from trackback.storage.promotions import NewEntry

_WAITING = (
    "SELECT w.id, w.stream, w.environment, w.model_version, w.run, w.actor, w.address, w.reason, w.origin,"
    " w.permitted, w.allow_unverified, w.created_ms FROM pending_promotions w WHERE w.outcome IS NULL"
)


class Waiting(NamedTuple):
    """A pending promotion."""

    id: int
    stream: str
    environment: str
    model_version: int | None
    run: int | None
    actor: str
    address: str | None
    reason: str
    origin: str
    permitted: bool
    allow_unverified: bool
    created_ms: int


def add(tx: Transaction, entry: NewEntry, *, permitted: bool, allow_unverified: bool, now_ms: int) -> int:
    """Have a promotion wait; its number among those that wait."""
    number: int = tx.rows(
        "INSERT INTO pending_promotions (stream, environment, model_version, run, actor, address, reason, origin,"
        " permitted, allow_unverified, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        entry.stream,
        entry.environment,
        entry.model_version,
        entry.run,
        entry.actor,
        entry.address,
        entry.reason,
        entry.origin.value,
        int(permitted),
        int(allow_unverified),
        now_ms,
    )[0][0]
    return number


def waiting(tx: Transaction, streams: list[str] | None = None, environment: str | None = None) -> list[Waiting]:
    """What waits, the oldest first; of some streams, or of all."""
    conditions = [] if streams is None else [Fragment("w.stream {texts}", (streams,))]
    if environment is not None:
        conditions.append(Fragment("w.environment = ?", (environment,)))
    where = joined(conditions, "AND")
    return _waiting(tx.rows(f"{_WAITING} AND {where.sql} ORDER BY w.id", *where.values))


def page(tx: Transaction, streams: list[str] | None, limit: int, offset: int) -> list[Waiting]:
    """Some of what waits, the oldest first."""
    where = NOTHING if streams is None else Fragment("w.stream {texts}", (streams,))
    return _waiting(tx.rows(f"{_WAITING} AND {where.sql} ORDER BY w.id LIMIT ? OFFSET ?", *where.values, limit, offset))


def of_run(tx: Transaction, run: int) -> list[Waiting]:
    return _waiting(tx.rows(f"{_WAITING} AND w.run = ? ORDER BY w.id", run))


def of_digest(tx: Transaction, digest: str, stream: str | None) -> list[Waiting]:
    """What waits, of one stream or of all, and may be files of this digest: versions that are, and finished runs."""
    condition = Fragment(
        "(EXISTS (SELECT 1 FROM model_versions v WHERE v.id = w.model_version AND v.digest = ?)"
        " OR EXISTS (SELECT 1 FROM runs r WHERE r.id = w.run AND r.status = ?))",
        (digest, RunStatus.FINISHED.value),
    )
    of_stream = [] if stream is None else [Fragment("w.stream = ?", (stream,))]
    where = joined([condition, *of_stream], "AND")
    return _waiting(tx.rows(f"{_WAITING} AND {where.sql} ORDER BY w.id", *where.values))


def find(tx: Transaction, number: int) -> Waiting | None:
    return next(iter(_waiting(tx.rows(f"{_WAITING} AND w.id = ?", number))), None)


def settle(tx: Transaction, number: int, outcome: str, promotion: int | None, now_ms: int) -> None:
    """A promotion does not wait any more, if it still did."""
    tx.run(
        "UPDATE pending_promotions SET outcome = ?, promotion = ?, settled_ms = ? WHERE id = ? AND outcome IS NULL",
        outcome,
        promotion,
        now_ms,
        number,
    )


def describe(tx: Transaction, waiting: Waiting, unmet: Iterable[str]) -> PendingPromotion:
    """What is told of a promotion that waits, and of what it waits for."""
    row = tx.row(
        "SELECT m.name, v.version, r.uuid, r.experiment FROM pending_promotions w"
        " LEFT JOIN model_versions v ON v.id = w.model_version LEFT JOIN registered_models m ON m.id = v.model"
        " LEFT JOIN runs r ON r.id = w.run WHERE w.id = ?",
        waiting.id,
    )
    assert row is not None
    name, version, run_id, experiment = row
    return PendingPromotion(
        id=waiting.id,
        stream=waiting.stream,
        environment=waiting.environment,
        created=waiting.created_ms,
        actor=waiting.actor,
        origin=PromotionOrigin(waiting.origin),
        unmet=tuple(unmet),
        reason=waiting.reason or None,
        name=name,
        version=None if version is None else str(version),
        run_id=run_id,
        experiment_id=None if experiment is None else str(experiment),
    )


def _waiting(rows: list[Row]) -> list[Waiting]:
    return [Waiting._make((*row[:9], bool(row[9]), bool(row[10]), row[11])) for row in rows]
