"""Which versions something went into: an index has them by ingredient, and by the runs that they descend from."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Transaction
from trackback.storage.lineage import COMMIT, DATASET, DATASET_NAME, PACKAGE_SET

_INGREDIENTS = (
    "SELECT DISTINCT i.model_version, i.model, i.version FROM version_ingredients i"
    " WHERE i.kind = ? AND i.value {texts}"
)
_DESCENDANTS = (
    "SELECT v.id AS model_version, v.model, v.version FROM version_origins o JOIN model_versions v"
    " ON v.id = o.model_version WHERE o.run = ?"
)


class Seed(NamedTuple):
    """What is asked about: ``versions`` is the query for those that it went into, as rows of an ``AffectedRow``; of an
    origin ``o`` that had it, ``test`` holds.
    """

    versions: Fragment
    test: Fragment


class AffectedRow(NamedTuple):
    """A version: ``id`` and ``model`` are rows, ``version`` is its number."""

    id: int
    model: int
    version: int


class WayRow(NamedTuple):
    """A run by which a version got something."""

    run_id: str
    experiment: int


class VersionRow(NamedTuple):
    """What is told of an affected version."""

    id: int
    created_ms: int
    run_id: str
    digest: str | None
    deleted_ms: int | None


def of_run(run: int) -> Seed:
    return Seed(Fragment(_DESCENDANTS, (run,)), Fragment("o.run = ?", (run,)))


def of_commit(commit: str) -> Seed:
    had = _had("run_commits c WHERE c.run = o.run AND c.commit_id = ?")
    return Seed(Fragment(_INGREDIENTS, (COMMIT, [commit])), Fragment(had, (commit,)))


def of_dataset(value: str, column: str) -> Seed:
    """Of the data sets of which the ``column``, ``digest`` or ``name``, is so."""
    logged = _had(f"dataset_inputs i JOIN datasets d ON d.id = i.dataset WHERE i.run = o.run AND d.{column} = ?")
    documented = _had(f"provenance_datasets p WHERE p.run = o.run AND p.{column} = ?")
    kind = DATASET if column == "digest" else DATASET_NAME
    test = joined((Fragment(logged, (value,)), Fragment(documented, (value,))), "OR")
    return Seed(Fragment(_INGREDIENTS, (kind, [value])), test)


def of_package_sets(sets: list[int]) -> Seed:
    had = _had("run_packages p WHERE p.run = o.run AND p.package_set {ints}")
    return Seed(Fragment(_INGREDIENTS, (PACKAGE_SET, list(map(str, sets)))), Fragment(had, (sets,)))


def _had(rows: str) -> str:
    """Whether there are such rows, tested on one origin after the other: PostgreSQL may read all rows for an EXISTS."""
    return f"(SELECT 1 FROM {rows} LIMIT 1) IS NOT NULL"


def count(tx: Transaction, seed: Seed) -> dict[int, int]:
    """How many versions of each model are affected."""
    versions = seed.versions
    return dict(tx.rows(f"SELECT model, count(*) FROM ({versions.sql}) f GROUP BY model", *versions.values))


def of_models(tx: Transaction, seed: Seed, models: Sequence[int]) -> list[AffectedRow]:
    """All affected versions of some models, in no order."""
    versions = seed.versions
    rows = tx.rows(f"SELECT * FROM ({versions.sql}) f WHERE model {{ints}}", *versions.values, list(models))
    return [AffectedRow(*row) for row in rows]


def names(tx: Transaction, models: Sequence[int]) -> dict[int, str]:
    """The names of registered models."""
    return dict(tx.rows("SELECT id, name FROM registered_models WHERE id {ints}", list(models)))


def ways(tx: Transaction, seed: Seed, versions: Sequence[int]) -> dict[int, list[WayRow]]:
    """The runs by which versions got what they are affected by."""
    tx.trust_indexes()
    test = seed.test
    found: dict[int, list[WayRow]] = {}
    for version, *run in tx.rows(
        "SELECT o.model_version, r.uuid, r.experiment FROM version_origins o JOIN runs r ON r.id = o.run"
        f" WHERE o.model_version {{ints}} AND {test.sql} ORDER BY o.model_version, o.run",
        list(versions),
        *test.values,
    ):
        found.setdefault(version, []).append(WayRow(*run))
    return found


def load(tx: Transaction, versions: Sequence[int]) -> dict[int, VersionRow]:
    rows = tx.rows(
        "SELECT id, created_ms, run_id, digest, deleted_ms FROM model_versions WHERE id {ints}", list(versions)
    )
    return {row[0]: VersionRow(*row) for row in rows}


def last_unaffected(tx: Transaction, model: int, affected_versions: frozenset[int], page: int) -> int | None:
    """The number of a model's newest version that is not among those with these numbers."""
    before: int | None = None
    while True:
        rows = tx.rows(
            "SELECT version FROM model_versions WHERE model = ? AND deleted_ms IS NULL AND version < ?"
            " ORDER BY version DESC LIMIT ?",
            model,
            2**62 if before is None else before,
            page,
        )
        for (version,) in rows:
            if version not in affected_versions:
                return int(version)
        if len(rows) < page:
            return None
        before = rows[-1][0]


def environments_held(tx: Transaction, versions: Sequence[int]) -> dict[int, list[str]]:
    """The environments that versions hold now, by promotion."""
    found: dict[int, list[str]] = {}
    for version, environment in tx.rows(
        "SELECT p.model_version, p.environment FROM promotions p WHERE p.model_version {ints} AND p.kind <> 'demoted'"
        " AND NOT EXISTS (SELECT 1 FROM promotions l WHERE l.stream = p.stream AND l.environment = p.environment"
        " AND l.seq > p.seq) ORDER BY p.model_version, p.environment",
        list(versions),
    ):
        found.setdefault(version, []).append(environment)
    return found


class FoundDatasets(NamedTuple):
    """Data sets: those that were logged by their rows, those of documents by their digests. ``column`` is what was
    found to be so, their ``digest`` or their ``name``.
    """

    column: str
    numbers: list[int]
    digests: list[str]


def datasets(tx: Transaction, text: str, experiments: frozenset[int] | None) -> FoundDatasets | None:
    """The data sets with this digest, else with this name, in some experiments (None: in all)."""
    for column in ("digest", "name"):
        scope, scoped = _within("d.experiment", experiments)
        numbers = [
            number for (number,) in tx.rows(f"SELECT d.id FROM datasets d WHERE d.{column} = ?{scope}", text, *scoped)
        ]
        scope, scoped = _within("r.experiment", experiments)
        digests = [
            digest
            for (digest,) in tx.rows(
                "SELECT DISTINCT p.digest FROM provenance_datasets p JOIN runs r ON r.id = p.run"
                f" WHERE p.{column} = ?{scope}",
                text,
                *scoped,
            )
        ]
        if numbers or digests:
            return FoundDatasets(column, numbers, digests)
    return None


def commits(tx: Transaction, prefix: str, limit: int, experiments: frozenset[int] | None) -> list[str]:
    """The commits that begin so, in order, or the one that is just so, of runs in some experiments (None: in all)."""
    scope, scoped = _within("r.experiment", experiments)
    source = "run_commits c" if experiments is None else "run_commits c JOIN runs r ON r.id = c.run"
    if tx.row(f"SELECT 1 FROM {source} WHERE c.commit_id = ?{scope} LIMIT 1", prefix, *scoped):
        return [prefix]
    rows = tx.rows(
        f"SELECT DISTINCT c.commit_id FROM {source} WHERE c.commit_id > ? AND c.commit_id < ?{scope}"
        " ORDER BY c.commit_id LIMIT ?",
        prefix,
        f"{prefix}g",  # sorts after all hex digits
        *scoped,
        limit,
    )
    return [commit for (commit,) in rows]


def package_sets(tx: Transaction, name: str, versions: Sequence[str]) -> list[int] | None:
    """The sets with a package in one of some versions (none: in any); None where no set has the package at all."""
    if not tx.row("SELECT 1 FROM package_set_members WHERE name = ? LIMIT 1", name):
        return None
    if not versions:
        rows = tx.rows("SELECT package_set FROM package_set_members WHERE name = ?", name)
    else:
        rows = tx.rows(
            "SELECT package_set FROM package_set_members WHERE name = ? AND version {texts}", name, list(versions)
        )
    return [number for (number,) in rows]


def _within(column: str, numbers: frozenset[int] | None) -> tuple[str, tuple[list[int], ...]]:
    return ("", ()) if numbers is None else (f" AND {column} {{ints}}", (sorted(numbers),))
