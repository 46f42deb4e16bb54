"""What texts lead to, each by an index, as numbers of rows."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.storage.interface import Transaction


class TracedVersionRow(NamedTuple):
    """A version, deleted or not; ``id`` is its row's."""

    id: int
    model: int
    name: str
    version: int
    run_id: str
    logged_model: str
    digest: str | None
    deleted: bool


class TracedRunRow(NamedTuple):
    id: int
    run_id: str
    name: str
    experiment: int


class RunOfPromotion(NamedTuple):
    seq: int
    run: int


_VERSIONS = (
    "SELECT v.id, v.model, m.name, v.version, v.run_id, v.logged_model, v.digest,"
    " v.deleted_ms IS NOT NULL OR m.deleted_ms IS NOT NULL"
    " FROM model_versions v JOIN registered_models m ON m.id = v.model"
)
_RUNS = "SELECT r.id, r.uuid, r.name, r.experiment FROM runs r"


def deployments_named(tx: Transaction, name: str, limit: int) -> list[int]:
    """The deployments with this locator or image, the last reported first."""
    rows = tx.rows(
        "SELECT deployment FROM deployment_names WHERE name = ? ORDER BY deployment DESC LIMIT ?", name, limit
    )
    return [number for (number,) in rows]


def builds_at(tx: Transaction, urls: Sequence[str], limit: int) -> list[int]:
    """The builds with one of these URLs, the last reported first."""
    rows = tx.rows(
        "SELECT id FROM builds WHERE substr(url, 1, 200) {texts} AND url {texts} ORDER BY id DESC LIMIT ?",
        [url[:200] for url in urls],
        list(urls),
        limit,
    )
    return [number for (number,) in rows]


def version(tx: Transaction, number: int) -> TracedVersionRow | None:
    return next(iter(_versions(tx, "v.id = ?", number)), None)


def versions_of_run(tx: Transaction, run_id: str, limit: int) -> list[TracedVersionRow]:
    """The versions that were registered from a run, the newest first."""
    return _versions(tx, "v.run_id = ? AND v.deleted_ms IS NULL ORDER BY v.id DESC LIMIT ?", run_id, limit)


def versions_of_runs(tx: Transaction, run_ids: Sequence[str]) -> dict[str, list[TracedVersionRow]]:
    """The versions that were registered from some runs, the newest first."""
    found: dict[str, list[TracedVersionRow]] = {}
    for row in _versions(tx, "v.run_id {texts} AND v.deleted_ms IS NULL ORDER BY v.id DESC", list(run_ids)):
        found.setdefault(row.run_id, []).append(row)
    return found


def versions_of_logged_model(tx: Transaction, model_id: str, limit: int) -> list[TracedVersionRow]:
    return _versions(tx, "v.logged_model = ? AND v.deleted_ms IS NULL ORDER BY v.id DESC LIMIT ?", model_id, limit)


def versions_with_digests(tx: Transaction, digests: Sequence[str], limit: int) -> list[TracedVersionRow]:
    return _versions(tx, "v.digest {texts} AND v.deleted_ms IS NULL ORDER BY v.id DESC LIMIT ?", list(digests), limit)


def promoted_runs(tx: Transaction, digests: Sequence[str], limit: int) -> list[RunOfPromotion]:
    """The runs of which something with one of these digests was promoted, each with its last promotion."""
    rows = tx.rows(
        "SELECT max(p.seq), p.run FROM promotion_snapshots s JOIN promotions p ON p.seq = s.promotion"
        " WHERE s.digest {texts} AND p.run IS NOT NULL GROUP BY p.run ORDER BY max(p.seq) DESC LIMIT ?",
        list(digests),
        limit,
    )
    return [RunOfPromotion(*row) for row in rows]


def roots_with_blob(tx: Transaction, digest: str, limit: int) -> list[str]:
    """The roots of the manifests in which a file has this SHA-256."""
    rows = tx.rows(
        "SELECT DISTINCT m.root FROM blobs b JOIN manifest_entries e ON e.blob = b.id"
        " JOIN manifests m ON m.id = e.manifest WHERE b.digest = ? ORDER BY m.root DESC LIMIT ?",
        digest,
        limit,
    )
    return [root for (root,) in rows]


def run(tx: Transaction, run_id: str) -> TracedRunRow | None:
    return next(iter(runs(tx, [run_id])), None)


def run_by_row(tx: Transaction, number: int) -> TracedRunRow | None:
    row = tx.row(f"{_RUNS} WHERE r.id = ?", number)
    return TracedRunRow(*row) if row else None


def runs(tx: Transaction, run_ids: Sequence[str]) -> list[TracedRunRow]:
    rows = tx.rows(f"{_RUNS} WHERE r.uuid {{texts}} ORDER BY r.id DESC", list(run_ids))
    return [TracedRunRow(*row) for row in rows]


def runs_of_commit(tx: Transaction, commit: str, limit: int) -> list[TracedRunRow]:
    """The runs of a commit, the last first."""
    rows = tx.rows(
        f"{_RUNS} WHERE r.id IN (SELECT run FROM run_commits WHERE commit_id = ?) ORDER BY r.id DESC LIMIT ?",
        commit,
        limit,
    )
    return [TracedRunRow(*row) for row in rows]


def runs_of_datasets(tx: Transaction, numbers: Sequence[int], digests: Sequence[str], limit: int) -> list[TracedRunRow]:
    """The runs that used data sets, the last first."""
    rows = tx.rows(
        f"{_RUNS} WHERE r.id IN (SELECT run FROM dataset_inputs WHERE dataset {{ints}}"
        " UNION SELECT run FROM provenance_datasets WHERE digest {texts}) ORDER BY r.id DESC LIMIT ?",
        list(numbers),
        list(digests),
        limit,
    )
    return [TracedRunRow(*row) for row in rows]


def promotions_of_version(tx: Transaction, number: int, limit: int) -> list[int]:
    """The last promotions of a version, in order."""
    return _last(tx, "SELECT seq FROM promotions WHERE model_version = ? ORDER BY seq DESC LIMIT ?", number, limit)


def promotions_of_run(tx: Transaction, number: int, limit: int) -> list[int]:
    return _last(tx, "SELECT seq FROM promotions WHERE run = ? ORDER BY seq DESC LIMIT ?", number, limit)


def deployments_of_promotions(tx: Transaction, promotions: Sequence[int], limit: int) -> list[int]:
    return _last(
        tx, "SELECT id FROM deployments WHERE promotion {ints} ORDER BY id DESC LIMIT ?", list(promotions), limit
    )


def deployments_of_builds(tx: Transaction, builds: Sequence[int], limit: int) -> list[int]:
    return _last(tx, "SELECT id FROM deployments WHERE build {ints} ORDER BY id DESC LIMIT ?", list(builds), limit)


def promotion_behind(
    tx: Transaction,
    model_version: int | None,
    digest: str | None,
    environment: str,
    at_ms: int,
    streams: frozenset[str] | None,
) -> int | None:
    """The last promotion to an environment, not after a time, of a version, or of a run with this digest.

    ``streams``: only a promotion of one of these; None: of any.
    """
    scope = "" if streams is None else " AND p.stream {texts}"
    of_version = "p.model_version = ?"
    of_digest = "p.run IS NOT NULL AND p.seq IN (SELECT promotion FROM promotion_snapshots WHERE digest = ?)"
    row = tx.row(
        f"SELECT p.seq FROM promotions p WHERE {of_digest if model_version is None else of_version}"
        f" AND p.environment = ? AND p.time_ms <= ? AND p.kind <> 'demoted'{scope} ORDER BY p.seq DESC LIMIT 1",
        digest if model_version is None else model_version,
        environment,
        at_ms,
        *([] if streams is None else [sorted(streams)]),
    )
    return row[0] if row else None


def _versions(tx: Transaction, condition: str, *values: object) -> list[TracedVersionRow]:
    rows = tx.rows(f"{_VERSIONS} WHERE {condition}", *values)
    return [TracedVersionRow._make((*columns, bool(deleted))) for *columns, deleted in rows]


def _last(tx: Transaction, sql: str, *values: object) -> list[int]:
    return sorted(number for (number,) in tx.rows(sql, *values))
