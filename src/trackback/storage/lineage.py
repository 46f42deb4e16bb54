"""What versions descend from: found once, when a version is new or its run's sources changed, and kept as rows."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trackback.entities import Blob
from trackback.storage import provenance
from trackback.storage.interface import Transaction

ORIGINS = 10_000
"""Runs that a version may descend from; of more, those nearest to it are kept."""


class VersionFile(NamedTuple):
    """A file of a version's snapshot."""

    model_version: int
    path: str
    blob: Blob


def versions_with_digest(tx: Transaction, digest: str) -> list[tuple[int, int]]:
    """The row and the model of each version, not deleted, whose files have this digest."""
    rows = tx.rows(
        "SELECT id, model FROM model_versions WHERE digest = ? AND deleted_ms IS NULL ORDER BY id DESC", digest
    )
    return [(number, model) for number, model in rows]


def unindexed(tx: Transaction, limit: int) -> list[int]:
    """Versions whose origins are still to be found, the oldest first."""
    rows = tx.rows("SELECT model_version FROM unindexed_versions ORDER BY model_version LIMIT ?", limit)
    return [number for (number,) in rows]


def hold_unindexed(tx: Transaction, versions: Sequence[int]) -> list[int]:
    """Those of the versions that are still unindexed; nobody else indexes them before the transaction ends."""
    rows = tx.rows(
        "SELECT model_version FROM unindexed_versions WHERE model_version {ints} ORDER BY model_version {for_update}",
        list(versions),
    )
    return [number for (number,) in rows]


def count_unindexed(tx: Transaction, most: int) -> int:
    """How many versions are unindexed, counted no further than ``most``."""
    rows = tx.rows("SELECT count(*) FROM (SELECT 1 FROM unindexed_versions LIMIT ?) AS counted", most)
    return int(rows[0][0])


def set_indexed(tx: Transaction, model_version: int) -> None:
    tx.run("DELETE FROM unindexed_versions WHERE model_version = ?", model_version)


def files_of(tx: Transaction, versions: Sequence[int], paths: Iterable[str]) -> list[VersionFile]:
    """Those of the paths that are files of the versions' snapshots."""
    rows = tx.rows(
        "SELECT v.id, e.path, b.digest, b.size, b.location FROM model_versions v"
        " JOIN snapshots s ON s.digest = v.digest JOIN manifest_entries e ON e.manifest = s.manifest"
        " JOIN blobs b ON b.id = e.blob WHERE v.id {ints} AND e.path {texts} ORDER BY v.id, e.path",
        list(versions),
        list(paths),
    )
    return [VersionFile(number, path, Blob(*blob)) for number, path, *blob in rows]


def set_origins(tx: Transaction, model_version: int) -> None:
    """Find all runs that a version descends from, and keep them."""
    origins = _origins(tx, model_version)
    tx.run("DELETE FROM version_origins WHERE model_version = ?", model_version)
    tx.insert_columns(
        "INSERT INTO version_origins (run, model_version) {columns bigint, bigint} ON CONFLICT DO NOTHING",
        origins,
        [model_version] * len(origins),
    )


def _origins(tx: Transaction, model_version: int) -> list[int]:
    found = _runs_of_versions(tx, [model_version])
    frontier = sorted(found)
    while frontier and len(found) < ORIGINS:
        fresh = sources_of_runs(tx, frontier) - found
        frontier = sorted(fresh)[: ORIGINS - len(found)]
        found.update(frontier)
    return sorted(found)


def sources_of_runs(tx: Transaction, runs: list[int]) -> set[int]:
    """The runs that some runs come from in one step: their parents, and those that made the models they used."""
    rows = tx.rows(
        "SELECT r.id FROM run_sources s JOIN runs r ON r.uuid = s.value WHERE s.run {ints} AND s.kind = ?"
        " UNION SELECT r.id FROM run_sources s JOIN logged_models m ON m.uuid = s.value"
        " JOIN runs r ON r.uuid = m.source_run WHERE s.run {ints} AND s.kind = ?"
        " UNION SELECT r.id FROM model_inputs i JOIN logged_models m ON m.uuid = i.model"
        " JOIN runs r ON r.uuid = m.source_run WHERE i.run {ints}",
        runs,
        provenance.RUN,
        runs,
        provenance.MODEL,
        runs,
    )
    versions = tx.rows("SELECT DISTINCT value FROM run_sources WHERE run {ints} AND kind = ?", runs, provenance.VERSION)
    return {run for (run,) in rows} | _runs_of_versions(tx, [int(value) for (value,) in versions])


def _runs_of_versions(tx: Transaction, versions: list[int]) -> set[int]:
    """The runs that versions, or those that they are copies of, came from themselves."""
    runs: set[int] = set()
    seen: set[int] = set()
    while versions:
        seen.update(versions)
        rows = tx.rows(
            "SELECT r.id, a.id, v.copied_from FROM model_versions v LEFT JOIN runs r ON r.uuid = v.run_id"
            " LEFT JOIN logged_models m ON m.uuid = v.logged_model LEFT JOIN runs a ON a.uuid = m.source_run"
            " WHERE v.id {ints}",
            versions,
        )
        runs.update(run for own, made, _ in rows for run in (own, made) if run is not None)
        versions = sorted({copied for _, _, copied in rows if copied is not None} - seen)
    return runs
