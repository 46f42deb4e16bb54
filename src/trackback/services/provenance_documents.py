"""The provenance document, read leniently: what of it can't be read costs only itself, and is said."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from trackback import limits
from trackback.entities import (
    PROVENANCE_VERSION,
    CodeRecord,
    DatasetRecord,
    EnvironmentRecord,
    Package,
    ParentRecord,
    ProvenanceRecord,
)
from trackback.entities.provenance import Count
from trackback.limits import shown
from trackback.services.package_files import PYTHON, by_name

DOCUMENT_BYTES = 16 << 20
DATASETS = 1000
PARENTS = 1000

T = TypeVar("T")


class ReadDocument(NamedTuple):
    """What could be read of a document, and a sentence about everything that could not."""

    record: ProvenanceRecord
    faults: tuple[str, ...]


def read_document(content: bytes) -> ReadDocument:
    """``content`` is the document's JSON, whatever it is in truth. Fields that are not known are skipped."""
    if len(content) > DOCUMENT_BYTES:
        return _nothing(f"The document has more than {DOCUMENT_BYTES} bytes.")
    try:
        # NUL characters, which no database keeps, have no other way into JSON.
        document = msgspec.json.decode(content.replace(b"\\u0000", b"\\ufffd"))
    except (ValueError, RecursionError) as error:
        return _nothing(f"The document is not JSON: {shown(str(error))}.")
    if not isinstance(document, dict):
        return _nothing("The document is not a JSON object.")
    return _Reader(document).read()


def document_schema() -> dict[str, Any]:
    """JSON Schema of the document, as docs/reference/provenance.schema.json publishes it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Provenance record of a run",
        **msgspec.json.schema(ProvenanceRecord),
    }


def packages_of(record: ProvenanceRecord) -> tuple[Package, ...]:
    """The packages of a document, with Python as one of them."""
    environment = record.environment
    if environment is None:
        return ()
    found = [Package(name, version) for name, version in environment.packages.items()]
    if environment.python:
        found.append(Package(PYTHON, environment.python))
    return by_name(found)


def without_lists(record: ProvenanceRecord) -> ProvenanceRecord:
    """The record without what is kept elsewhere, or is long."""
    environment = record.environment
    return replace(
        record,
        environment=replace(environment, packages={}) if environment else None,
        datasets=tuple(replace(each, schema=None, profile=None) for each in record.datasets),
    )


def _nothing(fault: str) -> ReadDocument:
    return ReadDocument(ProvenanceRecord(PROVENANCE_VERSION), (fault,))


class _Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._faults: list[str] = []

    def read(self) -> ReadDocument:
        record = ProvenanceRecord(
            schema_version=self._version(),
            captured=self._part("captured", Count, self._document.get("captured")),
            captured_by=self._part("captured_by", str, self._document.get("captured_by")),
            code=self._part("code", CodeRecord, self._document.get("code")),
            environment=self._environment(),
            datasets=tuple(self._datasets()),
            parents=tuple(self._parents()),
        )
        return ReadDocument(record, tuple(self._faults))

    def _version(self) -> int:
        version = self._part("schema_version", Count, self._document.get("schema_version"))
        if version is None:
            self._faults.append(f"schema_version: it is missing; {PROVENANCE_VERSION} was assumed.")
        elif version > PROVENANCE_VERSION:
            self._faults.append(f"schema_version: it is {version}, and {PROVENANCE_VERSION} is known here.")
        return version or PROVENANCE_VERSION

    def _environment(self) -> EnvironmentRecord | None:
        value = self._document.get("environment")
        if not isinstance(value, dict) or not isinstance(value.get("packages"), dict):
            return self._part("environment", EnvironmentRecord, value)
        packages = value["packages"]
        good = {name: version for name, version in packages.items() if isinstance(version, str)}
        if len(good) < len(packages):
            self._faults.append(f"environment.packages: {len(packages) - len(good)} have a version that is no text.")
        return self._part("environment", EnvironmentRecord, {**value, "packages": good})

    def _datasets(self) -> Iterator[DatasetRecord]:
        for place, each in self._list("datasets", DatasetRecord, DATASETS):
            digest = limits.find_sha256(each.sha256)
            if digest is None:
                self._faults.append(f"{place}.sha256: {shown(each.sha256)} is no SHA-256 in 64 hex digits.")
            elif not each.name or len(each.name) > limits.DATASET_NAME_LENGTH:
                self._faults.append(f"{place}.name: it must have 1 to {limits.DATASET_NAME_LENGTH} characters.")
            else:
                yield replace(each, sha256=digest)

    def _parents(self) -> Iterator[ParentRecord]:
        for place, each in self._list("parents", ParentRecord, PARENTS):
            if each.run_id or each.model_id or each.version:
                yield each
            else:
                self._faults.append(f"{place}: it names no run_id, model_id or version.")

    def _list(self, name: str, item: type[T], most: int) -> Iterator[tuple[str, T]]:
        values = self._document.get(name)
        if values is None:
            return
        if not isinstance(values, list):
            self._faults.append(f"{name}: it is no list.")
            return
        if len(values) > most:
            self._faults.append(f"{name}: of {len(values)}, the first {most} were read.")
        for index, value in enumerate(values[:most]):
            if (read := self._part(f"{name}[{index}]", item, value)) is not None:
                yield f"{name}[{index}]", read

    def _part(self, name: str, kind: type[T], value: Any) -> T | None:
        if value is None:
            return None
        try:
            return msgspec.convert(value, kind)
        except (msgspec.ValidationError, RecursionError) as error:
            self._faults.append(f"{name}: {shown(str(error), 200)}.")
            return None
