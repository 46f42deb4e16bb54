"""Builds, as CI reports them."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import Build, BuildResult
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Row, Transaction

_WHOLE = (
    "SELECT b.id, b.key, b.promotion, b.system, b.pipeline, b.counter, b.stage, b.job, b.url, b.log_url, b.result,"
    " b.actor, b.started_ms, b.updated_ms, b.finished_ms FROM builds b"
)


class BuildRecord(NamedTuple):
    """A build to be written; what is not known is an empty text."""

    key: str
    promotion: int
    system: str
    pipeline: str
    counter: str
    stage: str
    job: str
    url: str
    log_url: str
    result: str
    actor: str
    started_ms: int
    finished_ms: int | None


class BuildQuery(NamedTuple):
    """What is None does not narrow. ``model_version`` and ``run`` are rows: builds for any promotion of them.

    ``streams``: only for promotions of these.
    """

    limit: int
    offset: int
    promotion: int | None = None
    model_version: int | None = None
    run: int | None = None
    url: str | None = None
    key: str | None = None
    streams: list[str] | None = None


def add(tx: Transaction, record: BuildRecord, now_ms: int) -> int | None:
    """The number of a new build; None if there is one with the key."""
    row = tx.row(
        "INSERT INTO builds (key, promotion, system, pipeline, counter, stage, job, url, log_url, result, actor,"
        " started_ms, finished_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING RETURNING id",
        *record,
        now_ms,
    )
    return row[0] if row else None


def update(tx: Transaction, build: Build, now_ms: int) -> None:
    """Write what may change of a build."""
    tx.run(
        "UPDATE builds SET url = ?, log_url = ?, result = ?, started_ms = ?, finished_ms = ?, updated_ms = ?"
        " WHERE id = ?",
        build.url or "",
        build.log_url or "",
        build.result.value,
        build.started,
        build.finished,
        now_ms,
        build.id,
    )


def find(tx: Transaction, build: int) -> Build | None:
    return next(iter(load(tx, [build])), None)


def hold(tx: Transaction, build: int) -> Build | None:
    """``find``, in a write: nobody else changes the build before the transaction ends."""
    rows = tx.rows(f"{_WHOLE} WHERE b.id = ? {{for_update}}", build)
    return _build(rows[0]) if rows else None


def hold_by_key(tx: Transaction, key: str) -> Build | None:
    rows = tx.rows(f"{_WHOLE} WHERE b.key = ? {{for_update}}", key)
    return _build(rows[0]) if rows else None


def load(tx: Transaction, numbers: Sequence[int]) -> list[Build]:
    """The builds of these numbers, in order."""
    return list(map(_build, tx.rows(f"{_WHOLE} WHERE b.id {{ints}} ORDER BY b.id", list(numbers))))


def of_promotions(tx: Transaction, promotions: Sequence[int], limit: int) -> list[Build]:
    """The builds for some promotions, in the order of these, then as they were reported."""
    rows = tx.rows(f"{_WHOLE} WHERE b.promotion {{ints}} ORDER BY b.promotion, b.id LIMIT ?", list(promotions), limit)
    return list(map(_build, rows))


def search(tx: Transaction, query: BuildQuery) -> list[Build]:
    """A page of builds, the last reported first."""
    where = joined(_conditions(query), "AND")
    rows = tx.rows(
        f"{_WHOLE} WHERE {where.sql} ORDER BY b.id DESC LIMIT ? OFFSET ?", *where.values, query.limit, query.offset
    )
    return list(map(_build, rows))


def _conditions(query: BuildQuery) -> list[Fragment]:
    promoted = "b.promotion IN (SELECT p.seq FROM promotions p WHERE p.{} = ?)"
    found = []
    if query.promotion is not None:
        found.append(Fragment("b.promotion = ?", (query.promotion,)))
    if query.model_version is not None:
        found.append(Fragment(promoted.format("model_version"), (query.model_version,)))
    if query.run is not None:
        found.append(Fragment(promoted.format("run"), (query.run,)))
    if query.url is not None:
        found.append(Fragment("substr(b.url, 1, 200) = ? AND b.url = ?", (query.url[:200], query.url)))
    if query.key is not None:
        found.append(Fragment("b.key = ?", (query.key,)))
    if query.streams is not None:
        found.append(
            Fragment("b.promotion IN (SELECT p.seq FROM promotions p WHERE p.stream {texts})", (query.streams,))
        )
    return found


def _build(row: Row) -> Build:
    (number, key, promotion, system, pipeline, counter, stage, job, url, log_url, result, actor, *times) = row
    started_ms, updated_ms, finished_ms = times
    return Build(
        id=number,
        key=key,
        promotion=promotion,
        system=system,
        pipeline=pipeline,
        result=BuildResult(result),
        started=started_ms,
        updated=updated_ms,
        actor=actor,
        finished=finished_ms,
        counter=counter or None,
        stage=stage or None,
        job=job or None,
        url=url or None,
        log_url=log_url or None,
    )
