"""Which versions something went into.

The question comes as a ``Seed``: how to list the runs that had it, and how to test one run for it. Where it was in few
runs, the versions are found from these; where it was in many, from the versions' origins, of which there are fewer.
"""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.storage.conditions import Fragment, joined
from trackback.storage.interface import Transaction

FEW = 2000


class Seed(NamedTuple):
    """``runs`` are queries for the column ``run``; ``tests`` hold, one of them, of an origin ``o`` that had it.

    ``versions`` are queries for the columns of an ``AffectedRow``, of versions that had it by themselves.
    """

    runs: tuple[Fragment, ...]
    tests: tuple[Fragment, ...]
    versions: tuple[Fragment, ...] = ()


class AffectedRow(NamedTuple):
    """A version: ``id`` and ``model`` are rows, ``version`` is its number."""

    id: int
    model: int
    version: int


class VersionRow(NamedTuple):
    """What is told of an affected version."""

    id: int
    created_ms: int
    run_id: str
    digest: str | None
    deleted_ms: int | None


def _had(rows: str) -> str:
    """Whether there are such rows, tested on one origin after the other. ``+`` before a column says that no index is
    to be chosen for it: that for the run has fewer rows.
    """
    return f"(SELECT 1 FROM {rows} LIMIT 1) IS NOT NULL"


def of_run(run: int) -> Seed:
    return Seed((Fragment("SELECT CAST(? AS bigint) AS run", (run,)),), (Fragment("o.run = ?", (run,)),))


def of_commit(commit: str) -> Seed:
    return Seed(
        (Fragment("SELECT c.run FROM run_commits c WHERE c.commit_id = ?", (commit,)),),
        (Fragment(_had("run_commits c WHERE c.run = o.run AND c.commit_id = ?"), (commit,)),),
    )


def of_datasets(numbers: list[int], digests: list[str]) -> Seed:
    """Of data sets as they were logged, and of those that documents name by digest."""
    return Seed(
        (
            Fragment("SELECT i.run FROM dataset_inputs i WHERE i.dataset {ints}", (numbers,)),
            Fragment("SELECT p.run FROM provenance_datasets p WHERE p.digest {texts}", (digests,)),
        ),
        (
            Fragment(_had("dataset_inputs i WHERE i.run = o.run AND +i.dataset {ints}"), (numbers,)),
            Fragment(_had("provenance_datasets p WHERE p.run = o.run AND p.digest {texts}"), (digests,)),
        ),
    )


def of_package_sets(sets: list[int]) -> Seed:
    return Seed(
        (Fragment("SELECT p.run FROM run_packages p WHERE p.package_set {ints}", (sets,)),),
        (Fragment(_had("run_packages p WHERE p.run = o.run AND +p.package_set {ints}"), (sets,)),),
        (
            Fragment(
                "SELECT p.model_version, p.model, p.version FROM version_packages p WHERE p.package_set {ints}", (sets,)
            ),
        ),
    )


def affected(tx: Transaction, seed: Seed) -> list[AffectedRow]:
    """All versions that a seed went into, in no order."""
    parts = [_from_origins(seed) if _is_common(tx, seed) else _from_runs(seed), *seed.versions]
    values = [value for part in parts for value in part.values]
    rows = tx.rows(" UNION ".join(part.sql for part in parts), *values)
    return [AffectedRow(*row) for row in rows]


def names(tx: Transaction, models: Sequence[int]) -> dict[int, str]:
    """The names of registered models."""
    return dict(tx.rows("SELECT id, name FROM registered_models WHERE id {ints}", list(models)))


def _is_common(tx: Transaction, seed: Seed) -> bool:
    """Whether more than a few runs had it."""
    left = FEW
    for runs in seed.runs:
        left -= tx.rows(f"SELECT count(*) FROM ({runs.sql} LIMIT ?) AS counted", *runs.values, left + 1)[0][0]
        if left < 0:
            return True
    return False


def _from_runs(seed: Seed) -> Fragment:
    runs = " UNION ALL ".join(part.sql for part in seed.runs)
    values = tuple(value for part in seed.runs for value in part.values)
    return Fragment(
        f"SELECT DISTINCT o.model_version, o.model, o.version FROM ({runs}) s JOIN version_origins o ON o.run = s.run",
        values,
    )


def _from_origins(seed: Seed) -> Fragment:
    test = joined(seed.tests, "OR")
    return Fragment(
        f"SELECT DISTINCT o.model_version, o.model, o.version FROM version_origins o WHERE {test.sql}", test.values
    )


def ways(tx: Transaction, seed: Seed, versions: Sequence[int]) -> dict[int, list[str]]:
    """The ids of the runs by which versions got what they are affected by."""
    tx.trust_indexes()
    test = joined(seed.tests, "OR")
    found: dict[int, list[str]] = {}
    for version, run_id in tx.rows(
        "SELECT o.model_version, r.uuid FROM version_origins o JOIN runs r ON r.id = o.run"
        f" WHERE o.model_version {{ints}} AND {test.sql} ORDER BY o.model_version, o.run",
        list(versions),
        *test.values,
    ):
        found.setdefault(version, []).append(run_id)
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


def datasets(tx: Transaction, text: str, experiments: frozenset[int] | None) -> tuple[list[int], list[str]]:
    """The data sets with this digest, else with this name, in some experiments (None: in all): those that were
    logged by their rows, those of documents by their digests.
    """
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
            return numbers, digests
    return [], []


def commits(tx: Transaction, prefix: str, limit: int) -> list[str]:
    """The commits of runs that begin so, in order; the one that is just so, if there is one."""
    if tx.row("SELECT 1 FROM run_commits WHERE commit_id = ? LIMIT 1", prefix):
        return [prefix]
    rows = tx.rows(
        "SELECT DISTINCT commit_id FROM run_commits WHERE commit_id > ? AND commit_id < ? ORDER BY commit_id LIMIT ?",
        prefix,
        f"{prefix}g",  # sorts after all hex digits
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
