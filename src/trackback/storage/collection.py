"""What may be cleared away, and how: deleted runs and logged models, snapshots and blobs that nothing refers to.

Nothing goes that is referred to. A run, or a logged model, that was deleted stays with all it has as long as a version
that is not purged came from it, however indirectly, or a promotion was of it. A snapshot stays as long as a version, a
promotion or a deployment has its digest.

Files go in three steps. What they belonged to goes first, and its manifest gets a root that no path leads to; then the
entries go, some at a time; and then the blobs. A blob without entries is *condemned*. Any put clears that, and whoever
deletes the row looks again, so that none is deleted that is in use. A row goes before its bytes: see ``manifests``.
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from trackback.storage.interface import Transaction

# Sorts after every path, so that neither listings nor deletions of paths meet it.
_REMOVED = "\U0010ffff"

_PURGED = "EXISTS (SELECT 1 FROM purges u WHERE u.model_version = v.id)"
_RUN_IS_NAMED = (
    f"(EXISTS (SELECT 1 FROM model_versions v WHERE v.run_id = r.uuid AND NOT {_PURGED})"
    " OR EXISTS (SELECT 1 FROM version_origins v WHERE v.run = r.id"
    " AND NOT EXISTS (SELECT 1 FROM purges u WHERE u.model_version = v.model_version))"
    " OR EXISTS (SELECT 1 FROM logged_models o JOIN model_versions v ON v.logged_model = o.uuid"
    f" WHERE o.source_run = r.uuid AND NOT {_PURGED})"
    " OR EXISTS (SELECT 1 FROM promotions p WHERE p.run = r.id)"
    " OR EXISTS (SELECT 1 FROM pending_promotions p WHERE p.run = r.id))"
)
_RUN_MAY_GO = f"r.deleted_ms <= ? AND r.lifecycle = 'deleted' AND NOT {_RUN_IS_NAMED}"
_MODEL_IS_NAMED = (
    f"(EXISTS (SELECT 1 FROM model_versions v WHERE v.logged_model = l.uuid AND NOT {_PURGED})"
    " OR EXISTS (SELECT 1 FROM promotion_snapshots p WHERE p.logged_model = l.uuid))"
)
_MODEL_MAY_GO = (
    "((l.lifecycle = 'deleted' AND l.deleted_ms <= ?) OR EXISTS (SELECT 1 FROM experiments x"
    " WHERE x.id = l.experiment AND x.lifecycle = 'deleted' AND x.updated_ms <= ?))"
    f" AND NOT {_MODEL_IS_NAMED}"
)
_SNAPSHOT_MAY_GO = (
    "s.created_ms <= ? AND NOT (EXISTS (SELECT 1 FROM model_versions v WHERE v.digest = s.digest)"
    " OR EXISTS (SELECT 1 FROM promotions p WHERE p.digest = s.digest)"
    " OR EXISTS (SELECT 1 FROM promotion_snapshots p WHERE p.digest = s.digest)"
    " OR EXISTS (SELECT 1 FROM deployments d WHERE d.digest = s.digest))"
)
_HAS_ENTRY = "EXISTS (SELECT 1 FROM manifest_entries e WHERE e.blob = b.id)"
# In a dry run, what may go is still there: its entries don't count. A run's root ends in `/<32 hex>/artifacts`, a
# logged model's in `/m-<32 hex>/artifacts`.
_HAS_LASTING_ENTRY = (
    "EXISTS (SELECT 1 FROM manifest_entries e JOIN manifests m ON m.id = e.manifest WHERE e.blob = b.id"
    f" AND m.root < '{_REMOVED}'"
    f" AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.uuid = substr(m.root, length(m.root) - 41, 32) AND {_RUN_MAY_GO})"
    " AND NOT EXISTS (SELECT 1 FROM logged_models l"
    f" WHERE l.uuid = substr(m.root, length(m.root) - 43, 34) AND {_MODEL_MAY_GO})"
    f" AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.manifest = m.id AND {_SNAPSHOT_MAY_GO}))"
)
_WITH_RUN = (
    "dataset_inputs",
    "model_inputs",
    "model_outputs",
    "provenance_documents",
    "provenance_datasets",
    "run_heartbeats",
)
_AFTER_RUN = {
    "params": "key",
    "tags": "key",
    "latest_metrics": "key",
    "metric_records": "id",
    "metric_chunks": "id",
    "metric_summaries": "chunk",
    "run_commits": "origin",
    "run_sources": "value",
    "run_packages": "path",
}
"""Tables whose rows are of a run by its number without referring to it, and a column of their key."""

_POINT = "key, step, timestamp_ms, value, is_nan, run, dataset_name, dataset_digest"
_EVERYTHING = 2**62


class Owner(NamedTuple):
    """A run or logged model that may go: the number of its row, and where its artifacts are."""

    id: int
    artifact_uri: str


class Removal(Enum):
    """How far the removal of something is."""

    GONE = auto()
    UNFINISHED = auto()
    REFUSED = auto()
    """It may not go any more, or somebody else removed it."""


class SnapshotRow(NamedTuple):
    digest: str
    manifest: int
    bytes: int


class BlobRow(NamedTuple):
    """``in_use``: an entry refers to it."""

    id: int
    size: int
    condemned_ms: int | None
    in_use: bool


class Freed(NamedTuple):
    """Bytes that no row names any more."""

    location: str
    size: int


def runs_to_remove(tx: Transaction, before_ms: int, after: int, limit: int) -> list[Owner]:
    """Runs that were deleted by ``before_ms`` and may go, by their number, after ``after``."""
    rows = tx.rows(
        "SELECT r.id, r.artifact_uri FROM runs r WHERE r.deleted_ms IS NOT NULL AND r.id > ?"
        f" AND {_RUN_MAY_GO} ORDER BY r.id LIMIT ?",
        after,
        before_ms,
        limit,
    )
    return [Owner(*row) for row in rows]


def remove_run(tx: Transaction, run: int, root: str | None, before_ms: int) -> bool:
    """Remove a run, unless it may not go any more; whether it did. ``strip_runs`` clears up what it leaves.

    root: of its files' manifest. As long as it is not known what some version descends from, it might be this run.
    """
    may_go = f"{_RUN_MAY_GO} AND NOT EXISTS (SELECT 1 FROM unindexed_versions)"
    if not tx.row(f"SELECT r.id FROM runs r WHERE r.id = ? AND {may_go} {{for_update}}", run, before_ms):
        return False
    tx.run("DELETE FROM dataset_input_tags WHERE input IN (SELECT id FROM dataset_inputs WHERE run = ?)", run)
    for table in _WITH_RUN:
        tx.run(f"DELETE FROM {table} WHERE run = ?", run)
    tx.run("INSERT INTO removed_runs (run) VALUES (?)", run)
    if not tx.row("SELECT id FROM runs WHERE id > ? LIMIT 1", run):
        # SQLite gives the greatest number again once its row is gone. Nothing may be left that has it.
        strip_runs(tx, _EVERYTHING)
    tx.run("DELETE FROM runs WHERE id = ?", run)
    if root is not None:
        _detach(tx, root)
    return True


def strip_runs(tx: Transaction, limit: int) -> bool:
    """Delete so many rows of removed runs; whether there may be more."""
    for (run,) in tx.rows("SELECT run FROM removed_runs ORDER BY run LIMIT ?", limit):
        for table, key in _AFTER_RUN.items():
            chosen = f"SELECT {key} FROM {table} WHERE run = ? LIMIT ?"
            limit -= tx.run(f"DELETE FROM {table} WHERE run = ? AND {key} IN ({chosen})", run, run, limit)
            if limit <= 0:
                return True
        tx.run("DELETE FROM removed_runs WHERE run = ?", run)
        limit -= 1
    return limit <= 0


def models_to_remove(tx: Transaction, before_ms: int, after: int, limit: int) -> list[Owner]:
    """Logged models that may go, by their number, after ``after``. They, or their experiment, were deleted by then."""
    rows = tx.rows(
        f"SELECT l.id, l.artifact_uri FROM logged_models l WHERE l.id > ? AND {_MODEL_MAY_GO} ORDER BY l.id LIMIT ?",
        after,
        before_ms,
        before_ms,
        limit,
    )
    return [Owner(*row) for row in rows]


def remove_model(tx: Transaction, model: int, root: str | None, before_ms: int, limit: int) -> Removal:
    """Remove a logged model, or so many of its metrics: while that is unfinished, the model is deleted for good."""
    may_go = f"SELECT l.id FROM logged_models l WHERE l.id = ? AND {_MODEL_MAY_GO} {{for_update}}"
    if not tx.row(may_go, model, before_ms, before_ms):
        return Removal.REFUSED
    tx.run("UPDATE logged_models SET lifecycle = 'deleted', deleted_ms = ? WHERE id = ?", before_ms, model)
    chosen = f"SELECT {_POINT} FROM model_metrics WHERE model = ? LIMIT ?"
    if tx.run(f"DELETE FROM model_metrics WHERE model = ? AND ({_POINT}) IN ({chosen})", model, model, limit) >= limit:
        return Removal.UNFINISHED
    for table in ("logged_model_params", "logged_model_tags"):
        tx.run(f"DELETE FROM {table} WHERE model = ?", model)
    tx.run("DELETE FROM logged_models WHERE id = ?", model)
    if root is not None:
        _detach(tx, root)
    return Removal.GONE


def snapshots_to_remove(tx: Transaction, before_ms: int, after: str, limit: int) -> list[SnapshotRow]:
    """Snapshots that nothing refers to, taken by ``before_ms``, by their digest, after ``after``."""
    rows = tx.rows(
        f"SELECT s.digest, s.manifest, s.bytes FROM snapshots s WHERE s.digest > ? AND {_SNAPSHOT_MAY_GO}"
        " ORDER BY s.digest LIMIT ?",
        after,
        before_ms,
        limit,
    )
    return [SnapshotRow(*row) for row in rows]


def remove_snapshot(tx: Transaction, digest: str, before_ms: int) -> bool:
    """Remove a snapshot, unless something refers to it; whether it is gone.

    Whoever takes the snapshot holds its manifest meanwhile, and so do we.
    """
    row = tx.row(
        "SELECT m.id, m.root FROM snapshots s JOIN manifests m ON m.id = s.manifest WHERE s.digest = ? {for_update}",
        digest,
    )
    if not row or not tx.run(
        f"DELETE FROM snapshots AS s WHERE s.digest = ? AND {_SNAPSHOT_MAY_GO}", digest, before_ms
    ):
        return False
    _detach(tx, row[1])
    return True


def strip_manifests(tx: Transaction, limit: int) -> bool:
    """Delete so many entries of detached manifests; whether there may be more."""
    for (manifest,) in tx.rows("SELECT id FROM manifests WHERE root >= ? ORDER BY root LIMIT ?", _REMOVED, limit):
        chosen = "SELECT path FROM manifest_entries WHERE manifest = ? LIMIT ?"
        limit -= tx.run(
            f"DELETE FROM manifest_entries WHERE manifest = ? AND path IN ({chosen})", manifest, manifest, limit
        )
        if limit <= 0:
            return True
        tx.run("DELETE FROM manifests WHERE id = ?", manifest)
        limit -= 1
    return limit <= 0


def bytes_below(tx: Transaction, root: str) -> int:
    """Of all files of a manifest, equal ones counted each."""
    row = tx.row(
        "SELECT CAST(COALESCE(SUM(b.size), 0) AS bigint) FROM manifests m JOIN manifest_entries e ON e.manifest = m.id"
        " JOIN blobs b ON b.id = e.blob WHERE m.root = ?",
        root,
    )
    return int(row[0]) if row else 0


def blobs_after(tx: Transaction, after: int, limit: int) -> list[BlobRow]:
    """So many blobs, by their number, after ``after``."""
    return _blobs_after(tx, _HAS_ENTRY, (), after, limit)


def blobs_after_removals(tx: Transaction, before_ms: int, after: int, limit: int) -> list[BlobRow]:
    """``blobs_after``, as they would be if all had gone that may."""
    return _blobs_after(tx, _HAS_LASTING_ENTRY, (before_ms,) * 4, after, limit)


def sweep(tx: Transaction, page: Sequence[BlobRow], now_ms: int, before_ms: int) -> list[Freed]:
    """Condemn the blobs of a page that nothing refers to, and delete the rows of those condemned by ``before_ms``.

    The page was read before, so each statement looks again. A put holds the row that it clears the mark of.
    """
    tx.run(
        f"UPDATE blobs AS b SET condemned_ms = NULL WHERE b.id {{ints}} AND {_HAS_ENTRY}",
        [blob.id for blob in page if blob.in_use and blob.condemned_ms is not None],
    )
    tx.run(
        f"UPDATE blobs AS b SET condemned_ms = ? WHERE b.id {{ints}} AND b.condemned_ms IS NULL AND NOT {_HAS_ENTRY}",
        now_ms,
        [blob.id for blob in page if not blob.in_use and blob.condemned_ms is None],
    )
    rows = tx.rows(
        f"DELETE FROM blobs AS b WHERE b.id {{ints}} AND b.condemned_ms <= ? AND NOT {_HAS_ENTRY}"
        " RETURNING location, size",
        [blob.id for blob in page if not blob.in_use],
        before_ms,
    )
    return [Freed(*row) for row in rows]


def unnamed(tx: Transaction, locations: list[str]) -> set[str]:
    """Those of the locations in a store that no blob is at."""
    named = tx.rows("SELECT location FROM blobs WHERE location {texts}", locations)
    return set(locations) - {location for (location,) in named}


def _detach(tx: Transaction, root: str) -> None:
    """Take a manifest out of reach: a file that is put there from now on begins another."""
    tx.run("UPDATE manifests SET root = CAST(? AS text) || CAST(id AS text) WHERE root = ?", _REMOVED, root)


def _blobs_after(tx: Transaction, in_use: str, values: tuple[int, ...], after: int, limit: int) -> list[BlobRow]:
    rows = tx.rows(
        f"SELECT b.id, b.size, b.condemned_ms, CASE WHEN {in_use} THEN 1 ELSE 0 END FROM blobs b"
        " WHERE b.id > ? ORDER BY b.id LIMIT ?",
        *values,
        after,
        limit,
    )
    return [BlobRow(number, size, condemned_ms, bool(used)) for number, size, condemned_ms, used in rows]
