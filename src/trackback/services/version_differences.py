"""In what two versions of models differ: what was given to them, what came out, and all that went into them."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from trackback import limits
from trackback.entities import Actor, ModelVersion, Provenance, ProvenanceOrigin
from trackback.entities.particulars import of_code, of_datasets, of_environment, of_packages
from trackback.services import access
from trackback.services.charts import SYSTEM
from trackback.services.provenance import of_run
from trackback.services.registry import readable_version
from trackback.storage import Storage, Transaction, model_versions, runs

Values = Mapping[str, str | float]


class Part(StrEnum):
    """What of a version a difference is in, in the order that they are told."""

    METRIC = "metric"
    PARAM = "param"
    DATASET = "data set"
    CODE = "code"
    PACKAGE = "package"
    ENVIRONMENT = "environment"


class VersionName(NamedTuple):
    name: str
    version: str


class Difference(NamedTuple):
    """``before`` and ``after`` are the values of either; None where it has none. A metric's are numbers."""

    part: Part
    name: str
    before: str | float | None
    after: str | float | None

    @property
    def change(self) -> float | None:
        """By how much a metric is greater."""
        if isinstance(self.before, float) and isinstance(self.after, float):
            return self.after - self.before
        return None


class ComparedVersion(NamedTuple):
    """A version, and what is known of what went into it: nothing, where its run is not here or may not be read."""

    version: ModelVersion
    provenance: Provenance | None


class Comparison(NamedTuple):
    """``differences`` are part by part, by name within each; ``same`` says how many values of each part are equal."""

    before: ComparedVersion
    after: ComparedVersion
    differences: tuple[Difference, ...]
    same: Mapping[Part, int]

    @property
    def same_files(self) -> bool:
        digest = self.after.version.digest
        return digest is not None and digest == self.before.version.digest


class VersionDifferences:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, actor: Actor, before: VersionName, after: VersionName) -> Comparison:
        """In what a version differs from one before. NotFound if the actor may not read both."""
        for each in (before, after):
            limits.check_registered_model_name(each.name)

        def operation(tx: Transaction) -> Comparison:
            return compare(_compared(tx, actor, before), _compared(tx, actor, after))

        return await self._storage.read(operation)

    async def known(self, actor: Actor, version: VersionName) -> ComparedVersion:
        """A version with what is known of what went into it."""
        limits.check_registered_model_name(version.name)
        return await self._storage.read(lambda tx: _compared(tx, actor, version))


def compare(before: ComparedVersion, after: ComparedVersion) -> Comparison:
    found, same = [], {}
    for part, left, right in _parts(before, after):
        names = sorted({*left, *right})
        unlike = [name for name in names if not _equal(left.get(name), right.get(name))]
        found += [Difference(part, name, left.get(name), right.get(name)) for name in unlike]
        same[part] = len(names) - len(unlike)
    return Comparison(before, after, tuple(found), same)


def _compared(tx: Transaction, actor: Actor, name: VersionName) -> ComparedVersion:
    record = readable_version(tx, actor, name.name, limits.check_version(name.version))
    version = model_versions.load_whole(tx, record)
    run = runs.find(tx, version.run_id) if version.run_id else None
    if run is None or not access.may_read(actor, experiment=run.experiment):
        return ComparedVersion(version, None)
    return ComparedVersion(version, of_run(tx, actor, run, record.id))


def _equal(one: str | float | None, other: str | float | None) -> bool:
    return one == other or (one != one and other != other)  # a NaN is like another


def _parts(before: ComparedVersion, after: ComparedVersion) -> Iterator[tuple[Part, Values, Values]]:
    yield Part.METRIC, _metrics(before.version), _metrics(after.version)
    yield Part.PARAM, _params(before.version), _params(after.version)
    one, other = (each.provenance or Provenance(ProvenanceOrigin.DERIVED) for each in (before, after))
    yield Part.DATASET, _told(of_datasets(one.datasets)), _told(of_datasets(other.datasets))
    yield Part.CODE, _told(of_code(one.code)), _told(of_code(other.code))
    yield Part.PACKAGE, _told(of_packages(one.packages)), _told(of_packages(other.packages))
    yield Part.ENVIRONMENT, _told(of_environment(one.environment)), _told(of_environment(other.environment))


def _metrics(version: ModelVersion) -> Values:
    """Not those of the machine that trained it."""
    return {each.key: float(each.value) for each in version.model_metrics if not each.key.startswith(SYSTEM)}


def _params(version: ModelVersion) -> Values:
    return {each.name: each.value for each in version.model_params}


def _told(values: Mapping[str, Any]) -> Values:
    """As texts, as a table shows them."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
