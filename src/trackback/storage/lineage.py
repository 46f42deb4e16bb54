"""What versions descend from: found once, when a version is new or its run's sources changed, and kept as rows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trackback.entities import Blob
from trackback.storage import provenance
from trackback.storage.interface import Transaction

ORIGINS = 10_000
"""Runs that a version may descend from; of more, those nearest to it are kept."""
RUNS_WALKED = 100_000
"""Runs that are looked at for what some versions descend from."""


DATASET, DATASET_NAME, COMMIT, PACKAGE_SET = "data set", "data set name", "commit", "package set"
"""The kinds of ingredients: by digest, by name, by commit, by the number of a package set."""


class Origin(NamedTuple):
    """A run that a version descends from."""

    model_version: int
    run: int


class Ingredient(NamedTuple):
    """What went into a run, or a version."""

    kind: str
    value: str


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


def set_indexed(tx: Transaction, versions: Sequence[int]) -> None:
    tx.run("DELETE FROM unindexed_versions WHERE model_version {ints}", list(versions))


def files_of(tx: Transaction, versions: Sequence[int], paths: Iterable[str]) -> list[VersionFile]:
    """Those of the paths that are files of the versions' snapshots."""
    tx.trust_indexes()
    rows = tx.rows(
        "SELECT v.id, e.path, b.digest, b.size, b.location FROM model_versions v"
        " JOIN snapshots s ON s.digest = v.digest JOIN manifest_entries e ON e.manifest = s.manifest"
        " JOIN blobs b ON b.id = e.blob WHERE v.id {ints} AND e.path {texts} ORDER BY v.id, e.path",
        list(versions),
        list(paths),
    )
    return [VersionFile(number, path, Blob(*blob)) for number, path, *blob in rows]


def set_origins(tx: Transaction, versions: Sequence[int]) -> list[Origin]:
    """Find all runs that versions descend from, and keep them: for many versions in as many steps as for one."""
    tx.trust_indexes()
    own = _runs_of_versions(tx, versions)
    sources = _sources_from(tx, {run for runs in own.values() for run in runs})
    origins = [Origin(version, run) for version, runs in own.items() for run in _descent(runs, sources)]
    tx.run("DELETE FROM version_origins WHERE model_version {ints}", list(versions))
    tx.insert_columns(
        "INSERT INTO version_origins (model_version, run) {columns bigint, bigint} ON CONFLICT DO NOTHING",
        [version for version, _ in origins],
        [run for _, run in origins],
    )
    return origins


def set_ingredients(tx: Transaction, versions: Sequence[int], origins: Sequence[Origin]) -> None:
    """Find what went into versions, given all that they descend from, and keep it."""
    of_runs = _ingredients_of_runs(tx, sorted({run for _, run in origins}))
    found: defaultdict[int, set[Ingredient]] = defaultdict(set)
    for version, package_set in tx.rows(
        "SELECT model_version, package_set FROM version_packages WHERE model_version {ints}", list(versions)
    ):
        found[version].add(Ingredient(PACKAGE_SET, str(package_set)))
    for version, run in origins:
        found[version] |= of_runs.get(run, set())
    rows = tx.rows("SELECT id, model, version FROM model_versions WHERE id {ints}", list(versions))
    tx.run("DELETE FROM version_ingredients WHERE model_version {ints}", list(versions))
    kept = [(*each, *row) for row in rows for each in sorted(found[row[0]])]
    tx.insert_columns(
        "INSERT INTO version_ingredients (kind, value, model_version, model, version)"
        " {columns text, text, bigint, bigint, bigint} ON CONFLICT DO NOTHING",
        *([row[column] for row in kept] for column in range(5)),
    )


def _ingredients_of_runs(tx: Transaction, runs: list[int]) -> dict[int, set[Ingredient]]:
    found: defaultdict[int, set[Ingredient]] = defaultdict(set)
    for run, digest, name in tx.rows(
        "SELECT i.run, d.digest, d.name FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset WHERE i.run {ints}"
        " UNION SELECT run, digest, name FROM provenance_datasets WHERE run {ints}",
        runs,
        runs,
    ):
        found[run] |= {Ingredient(DATASET, digest), Ingredient(DATASET_NAME, name)}
    for run, commit in tx.rows("SELECT run, commit_id FROM run_commits WHERE run {ints}", runs):
        found[run].add(Ingredient(COMMIT, commit))
    for run, package_set in tx.rows("SELECT run, package_set FROM run_packages WHERE run {ints}", runs):
        found[run].add(Ingredient(PACKAGE_SET, str(package_set)))
    return found


def _sources_from(tx: Transaction, runs: set[int]) -> dict[int, set[int]]:
    """What each of some runs came from in one step, and what that came from, and so on."""
    found: dict[int, set[int]] = {}
    frontier = runs
    while frontier and len(found) < RUNS_WALKED:
        step = _sources_of_runs(tx, sorted(frontier))
        found.update((run, step.get(run, set())) for run in frontier)
        frontier = {source for sources in step.values() for source in sources} - found.keys()
    return found


def _descent(runs: set[int], sources: dict[int, set[int]]) -> list[int]:
    """The runs, and all that they came from, the nearest first."""
    found = dict.fromkeys(sorted(runs))
    frontier = list(found)
    while frontier and len(found) < ORIGINS:
        fresh = {source for run in frontier for source in sources.get(run, ()) if source not in found}
        frontier = sorted(fresh)[: ORIGINS - len(found)]
        found.update(dict.fromkeys(frontier))
    return list(found)


def _sources_of_runs(tx: Transaction, runs: list[int]) -> dict[int, set[int]]:
    """The runs that each came from in one step: its parents, and those that made the models it used."""
    named = tx.rows("SELECT run, kind, value FROM run_sources WHERE run {ints}", runs)
    used = tx.rows("SELECT run, model FROM model_inputs WHERE run {ints}", runs)
    values: defaultdict[str, set[tuple[int, str]]] = defaultdict(set)
    for run, kind, value in [*named, *((run, provenance.MODEL, model) for run, model in used)]:
        values[kind].add((run, value))
    models = {value for _, value in values[provenance.MODEL]}
    made_by: dict[str, str | None] = dict(
        tx.rows("SELECT uuid, source_run FROM logged_models WHERE uuid {texts}", sorted(models))
    )
    parents = values[provenance.RUN] | {(run, made_by.get(model)) for run, model in values[provenance.MODEL]}
    uuids = sorted({uuid for _, uuid in parents if uuid})
    numbers: dict[str, int] = dict(tx.rows("SELECT uuid, id FROM runs WHERE uuid {texts}", uuids))
    of_versions = _runs_of_versions(tx, sorted({int(value) for _, value in values[provenance.VERSION]}))
    found: defaultdict[int, set[int]] = defaultdict(set)
    for run, uuid in parents:
        if uuid in numbers:
            found[run].add(numbers[uuid])
    for run, value in values[provenance.VERSION]:
        found[run] |= of_versions.get(int(value), set())
    return found


def _runs_of_versions(tx: Transaction, versions: Sequence[int]) -> dict[int, set[int]]:
    """The runs that each version came from itself, and those of the versions that it is a copy of."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    owners: dict[int, set[int]] = {version: {version} for version in versions}
    seen = {(version, version) for version in versions}
    while owners:
        rows = tx.rows(
            "SELECT v.id, r.id, a.id, v.copied_from FROM model_versions v LEFT JOIN runs r ON r.uuid = v.run_id"
            " LEFT JOIN logged_models m ON m.uuid = v.logged_model LEFT JOIN runs a ON a.uuid = m.source_run"
            " WHERE v.id {ints}",
            sorted(owners),
        )
        originals: defaultdict[int, set[int]] = defaultdict(set)
        for number, own, made, copied in rows:
            for version in owners[number]:
                found[version].update(run for run in (own, made) if run is not None)
                if copied is not None and (copied, version) not in seen:
                    seen.add((copied, version))
                    originals[copied].add(version)
        owners = originals
    return found
