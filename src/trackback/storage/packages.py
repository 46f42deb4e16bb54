"""Which packages runs and versions had. Equal sets of packages are kept once."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from trackback.entities import Package
from trackback.storage.interface import Transaction
from trackback.storage.provenance import reindex_versions_of


def keep_set(tx: Transaction, packages: Sequence[Package]) -> int:
    """The number of the set of these packages, whose names differ and are sorted."""
    columns = [(each.name, each.version or "", each.specifier or "") for each in packages]
    digest = hashlib.sha256("\n".join("\t".join(fields) for fields in columns).encode()).hexdigest()
    if found := tx.row("SELECT id FROM package_sets WHERE digest = ?", digest):
        return int(found[0])
    added = tx.row(
        "INSERT INTO package_sets (digest) VALUES (?) ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest"
        " RETURNING id",
        digest,
    )
    assert added is not None
    tx.insert_columns(
        "INSERT INTO package_set_members (package_set, name, version, specifier) {columns bigint, text, text, text}"
        " ON CONFLICT DO NOTHING",
        [added[0]] * len(columns),
        [name for name, _, _ in columns],
        [version for _, version, _ in columns],
        [specifier for _, _, specifier in columns],
    )
    return int(added[0])


def keep_file(tx: Transaction, digest: str, package_set: int | None) -> None:
    """Know what a file with this SHA-256 lists; None: nothing that could be read."""
    tx.run(
        "INSERT INTO package_files (digest, package_set) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
        digest,
        package_set,
    )


def known_files(tx: Transaction, digests: Sequence[str]) -> dict[str, int | None]:
    """Those of the files that were read, with the number of their set."""
    return dict(tx.rows("SELECT digest, package_set FROM package_files WHERE digest {texts}", list(digests)))


def set_of_run(tx: Transaction, run: int, path: str, package_set: int | None) -> None:
    """Have the file at ``path`` say what packages the run had; None: it says nothing any more. The run's document has
    the path ``""``, so that it comes first.
    """
    tx.run("DELETE FROM run_packages WHERE run = ? AND path = ?", run, path)
    if package_set is not None:
        tx.run(
            "INSERT INTO run_packages (run, path, package_set) VALUES (?, ?, ?)"
            " ON CONFLICT (run, path) DO UPDATE SET package_set = excluded.package_set",
            run,
            path,
            package_set,
        )
    reindex_versions_of(tx, run)


def sets_of_versions(tx: Transaction, versions: Sequence[int], sets: Mapping[tuple[int, str], int]) -> None:
    """Have files, given by version and path, and no others, say what packages the versions have."""
    tx.run("DELETE FROM version_packages WHERE model_version {ints}", list(versions))
    tx.insert_columns(
        "INSERT INTO version_packages (model_version, path, package_set) {columns bigint, text, bigint}"
        " ON CONFLICT DO NOTHING",
        [version for version, _ in sets],
        [path for _, path in sets],
        list(sets.values()),
    )


def of_run(tx: Transaction, run: int, model_version: int | None = None) -> tuple[Package, ...]:
    """The packages of a run, and of a version of it, by name."""
    rows = tx.rows(
        "SELECT s.path, m.name, m.version, m.specifier FROM (SELECT path, package_set FROM run_packages WHERE run = ?"
        " UNION SELECT path, package_set FROM version_packages WHERE model_version = ?) s"
        " JOIN package_set_members m ON m.package_set = s.package_set ORDER BY s.path",
        run,
        -1 if model_version is None else model_version,
    )
    return _listed(Package(name, version or None, specifier or None) for _, name, version, specifier in rows)


def of_runs(tx: Transaction, runs: Sequence[int]) -> dict[int, tuple[Package, ...]]:
    """The packages of those runs of which any are known, by name. Runs with equal ones share them."""
    sets: defaultdict[int, list[int]] = defaultdict(list)
    for run, number in tx.rows(
        "SELECT run, package_set FROM run_packages WHERE run {ints} ORDER BY run, path", list(runs)
    ):
        sets[run].append(number)
    members: defaultdict[int, list[Package]] = defaultdict(list)
    for number, name, version, specifier in tx.rows(
        "SELECT package_set, name, version, specifier FROM package_set_members WHERE package_set {ints}",
        sorted({number for numbers in sets.values() for number in numbers}),
    ):
        members[number].append(Package(name, version or None, specifier or None))
    listed = {
        numbers: _listed(package for number in numbers for package in members[number])
        for numbers in {tuple(numbers) for numbers in sets.values()}
    }
    return {run: listed[tuple(numbers)] for run, numbers in sets.items()}


def _listed(packages: Iterable[Package]) -> tuple[Package, ...]:
    """By name. Of several files that list a package, in their order, the first counts that says its version."""
    found: dict[str, Package] = {}
    for package in packages:
        known = found.get(package.name)
        if known is None or (package.version and not known.version):
            found[package.name] = package
    return tuple(found[name] for name in sorted(found))
