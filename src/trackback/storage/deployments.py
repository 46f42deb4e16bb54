"""Deployments: what is live where, from when until when."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from trackback.entities import Deployment, DeploymentKind
from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Transaction

_COLUMNS = (
    "d.id, d.key, d.environment, d.kind, d.locator, d.slot, d.started_ms, d.reported_ms, d.actor, d.digest, d.stream,"
    " m.name, v.version, d.promotion, d.build, d.image, d.region, d.ended_ms, d.replaced_by"
)
_FROM = (
    "FROM deployments d LEFT JOIN model_versions v ON v.id = d.model_version"
    " LEFT JOIN registered_models m ON m.id = v.model"
)
_WHOLE = f"SELECT {_COLUMNS} {_FROM}"


class DeploymentRecord(NamedTuple):
    """A deployment to be written; what is not known is an empty text, or None."""

    key: str
    environment: str
    kind: str
    locator: str
    image: str
    region: str
    slot: str
    stream: str
    model_version: int | None
    digest: str | None
    promotion: int | None
    build: int | None
    actor: str
    started_ms: int
    ended_ms: int | None


class DeploymentQuery(NamedTuple):
    """What is None does not narrow. ``live_at_ms`` is a time; ``live``: those that no end is known of.

    ``model_version`` finds what was deployed by its digest, ``digest``, too. ``streams``: only of these.
    """

    limit: int
    offset: int
    environment: str | None = None
    live_at_ms: int | None = None
    live: bool = False
    stream: str | None = None
    model_version: int | None = None
    digest: str | None = None
    name: str | None = None
    streams: list[str] | None = None


def add(tx: Transaction, record: DeploymentRecord, names: Iterable[str], now_ms: int) -> int | None:
    """The number of a new deployment, which ``names`` lead to; None if there is one with the key."""
    row = tx.row(
        "INSERT INTO deployments (key, environment, kind, locator, image, region, slot, stream, model_version, digest,"
        " promotion, build, actor, started_ms, ended_ms, reported_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id",
        *record,
        now_ms,
    )
    if row is None:
        return None
    number: int = row[0]
    known = sorted(set(names))
    tx.insert_columns(
        "INSERT INTO deployment_names (name, deployment) {columns text, bigint}", known, [number] * len(known)
    )
    return number


def end(tx: Transaction, deployment: int, ended_ms: int, replaced_by: int | None) -> None:
    """End a deployment that has not ended."""
    tx.run(
        "UPDATE deployments SET ended_ms = ?, replaced_by = ? WHERE id = ? AND ended_ms IS NULL",
        ended_ms,
        replaced_by,
        deployment,
    )


def find(tx: Transaction, deployment: int) -> Deployment | None:
    return next(iter(load(tx, [deployment])), None)


def find_by_key(tx: Transaction, key: str) -> Deployment | None:
    row = tx.row(f"{_WHOLE} WHERE d.key = ?", key)
    return _deployment(row) if row else None


def version_row(tx: Transaction, deployment: int) -> int | None:
    """The row of the version that is deployed, where it is known."""
    row = tx.row("SELECT model_version FROM deployments WHERE id = ?", deployment)
    return row[0] if row else None


def hold_content(tx: Transaction, record: DeploymentRecord) -> bool:
    """Keep what is deployed from being purged before the transaction ends; False if it was already."""
    if record.model_version is None:
        return bool(tx.rows("SELECT digest FROM snapshots WHERE digest = ? {for_share}", record.digest))
    tx.rows("SELECT id FROM model_versions WHERE id = ? {for_share}", record.model_version)
    return not tx.rows("SELECT model_version FROM purges WHERE model_version = ?", record.model_version)


def hold(tx: Transaction, deployment: int) -> Deployment | None:
    """``find``, in a write: nobody else ends the deployment before the transaction ends."""
    tx.rows("SELECT id FROM deployments WHERE id = ? {for_update}", deployment)
    return find(tx, deployment)


def hold_live(tx: Transaction, environment: str, kind: str, slot: str, stream: str) -> list[Deployment]:
    """What is live in a slot, of one stream; nobody else ends it before the transaction ends."""
    rows = tx.rows(
        "SELECT id FROM deployments WHERE environment = ? AND kind = ? AND slot = ? AND stream = ?"
        " AND ended_ms IS NULL ORDER BY id {for_update}",
        environment,
        kind,
        slot,
        stream,
    )
    return [each for each in load(tx, [number for (number,) in rows]) if each.ended is None]


def load(tx: Transaction, numbers: Sequence[int]) -> list[Deployment]:
    """The deployments of these numbers, in order."""
    return list(map(_deployment, tx.rows(f"{_WHOLE} WHERE d.id {{ints}} ORDER BY d.id", list(numbers))))


def of_versions(
    tx: Transaction, versions: list[int], digests: list[str], limit: int
) -> list[tuple[int | str, Deployment]]:
    """What was deployed of versions, with the version's row; and of digests without a version, with the digest.

    Of more than ``limit``, the last that were reported.
    """
    rows = tx.rows(
        f"SELECT d.model_version, {_COLUMNS} {_FROM} WHERE d.model_version {{ints}} ORDER BY d.id DESC LIMIT ?",
        versions,
        limit,
    )
    rows += tx.rows(
        f"SELECT d.digest, {_COLUMNS} {_FROM} WHERE d.digest {{texts}} AND d.model_version IS NULL"
        " ORDER BY d.id DESC LIMIT ?",
        digests,
        limit,
    )
    return [(key, _deployment(row)) for key, *row in rows]


def search(tx: Transaction, query: DeploymentQuery) -> list[Deployment]:
    """A page of deployments, the last started first."""
    where = joined(_conditions(query), "AND")
    rows = tx.rows(
        f"{_WHOLE} WHERE {where.sql} ORDER BY d.started_ms DESC, d.id DESC LIMIT ? OFFSET ?",
        *where.values,
        query.limit,
        query.offset,
    )
    return list(map(_deployment, rows))


def change_times(tx: Transaction, query: DeploymentQuery, before_ms: int) -> list[int]:
    """The times before one at which a deployment began or ended, each once, the last first."""
    where = joined(_conditions(query), "AND")
    parts = [
        f"SELECT time_ms FROM (SELECT DISTINCT d.{column} AS time_ms FROM deployments d"
        f" WHERE d.{column} < ? AND {where.sql} ORDER BY time_ms DESC LIMIT ?) {column}"
        for column in ("started_ms", "ended_ms")
    ]
    values = (before_ms, *where.values, query.limit)
    rows = tx.rows(
        f"{' UNION '.join(parts)} ORDER BY time_ms DESC LIMIT ? OFFSET ?", *values, *values, query.limit, query.offset
    )
    return [time_ms for (time_ms,) in rows]


def _conditions(query: DeploymentQuery) -> list[Fragment]:
    found = [
        Fragment(f"d.{column} = ?", (value,))
        for column, value in (("environment", query.environment), ("stream", query.stream))
        if value is not None
    ]
    if query.streams is not None:
        found.append(Fragment("d.stream {texts}", (query.streams,)))
    if query.name is not None:
        found.append(Fragment("d.id IN (SELECT deployment FROM deployment_names WHERE name = ?)", (query.name,)))
    if query.live_at_ms is not None:
        found.append(
            Fragment(
                "d.started_ms <= ? AND (d.ended_ms IS NULL OR d.ended_ms > ?)", (query.live_at_ms, query.live_at_ms)
            )
        )
    elif query.live:
        found.append(Fragment("d.ended_ms IS NULL"))
    subjects = [
        Fragment(f"d.{column} = ?", (value,))
        for column, value in (("model_version", query.model_version), ("digest", query.digest))
        if value is not None
    ]
    return [*found, joined(subjects, "OR")] if subjects else found


def _deployment(row: Sequence[Any]) -> Deployment:
    number, key, environment, kind, locator, slot, started_ms, reported_ms, actor, digest, stream, *rest = row
    name, version, promotion, build, image, region, ended_ms, replaced_by = rest
    return Deployment(
        id=number,
        key=key,
        environment=environment,
        kind=DeploymentKind(kind),
        locator=locator,
        slot=slot,
        started=started_ms,
        reported=reported_ms,
        actor=actor,
        digest=digest,
        stream=stream or None,
        name=name,
        version=None if version is None else str(version),
        promotion=promotion,
        build=build,
        image=image or None,
        region=region or None,
        ended=ended_ms,
        replaced_by=replaced_by,
    )
