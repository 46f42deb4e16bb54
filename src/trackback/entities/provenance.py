"""The provenance record: what went into a run. One document a run, the artifact ``trackback/provenance.json``.

These structs are the document's format: ``docs/reference/provenance.schema.json`` is made from them. Digests are
SHA-256 in 64 hex digits. Files are artifacts of the run, by their paths there.
"""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from trackback.entities.base import Entity

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

PROVENANCE_PATH = "trackback/provenance.json"
PROVENANCE_VERSION = 1


class FileRecord(Entity, frozen=True):
    """A file that was kept with the run."""

    path: str
    sha256: str | None = None


class CodeRecord(Entity, frozen=True):
    """``diff`` is what the working tree had beyond ``commit``; ``notebook`` the notebook as it stood."""

    repository: str | None = None
    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    diff: FileRecord | None = None
    notebook: FileRecord | None = None
    script: FileRecord | None = None
    entry_point: str | None = None
    command: tuple[str, ...] = ()


class HardwareRecord(Entity, frozen=True):
    cpu: str | None = None
    cpu_count: Count | None = None
    memory_bytes: Count | None = None
    gpus: tuple[str, ...] = ()


class EnvironmentRecord(Entity, frozen=True):
    """``packages`` are the installed ones, by name, each with its version. ``image`` is the container's, by digest."""

    python: str | None = None
    packages: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
    lock: FileRecord | None = None
    os: str | None = None
    machine: str | None = None
    hardware: HardwareRecord | None = None
    image: str | None = None
    variables: dict[str, str] = {}  # noqa: RUF012


class DatasetRecord(Entity, frozen=True):
    """``sha256`` is that of all of its content. ``schema`` and ``profile`` are any JSON.

    ``context`` says what the run did with it, as ``training``; ``derived_from`` are digests of other data sets.
    """

    name: str
    sha256: str
    source: str | None = None
    source_type: str | None = None
    context: str | None = None
    rows: Count | None = None
    schema: Any = None
    profile: Any = None
    derived_from: tuple[str, ...] = ()


class ParentRecord(Entity, frozen=True):
    """What the run came from: a run, a logged model (``m-…``), or a version (``models:/churn/7``)."""

    run_id: str | None = None
    model_id: str | None = None
    version: str | None = None


class ProvenanceRecord(Entity, frozen=True):
    """The document. ``schema_version`` is ``PROVENANCE_VERSION``; ``captured`` is when it was made, by ``captured_by``.

    Readers skip fields that they don't know. Those of a later version of the format mean what they mean here.
    """

    schema_version: Count
    captured: Count | None = None
    captured_by: str | None = None
    code: CodeRecord | None = None
    environment: EnvironmentRecord | None = None
    datasets: tuple[DatasetRecord, ...] = ()
    parents: tuple[ParentRecord, ...] = ()


class ProvenanceOrigin(StrEnum):
    """Where what is known of a run is from: its document, or what an MLflow client logged."""

    DOCUMENT = "document"
    DERIVED = "derived"


class UsedDataset(Entity, frozen=True):
    """A data set that went into a run. ``weak``: its digest is not one of all of its content.

    MLflow's clients make digests of 8 characters, of no more than the first 10,000 rows.
    """

    name: str
    digest: str
    weak: bool
    source: str | None = None
    source_type: str | None = None
    context: str | None = None
    rows: int | None = None


class Package(Entity, frozen=True):
    """A package; without a version that was pinned, with what was asked for of it (``>=1.24``)."""

    name: str
    version: str | None = None
    specifier: str | None = None


class Provenance(Entity, frozen=True):
    """What is known of what went into a run. ``faults`` say what of its document could not be read."""

    origin: ProvenanceOrigin
    code: CodeRecord | None = None
    environment: EnvironmentRecord | None = None
    packages: tuple[Package, ...] = ()
    datasets: tuple[UsedDataset, ...] = ()
    parents: tuple[ParentRecord, ...] = ()
    captured: int | None = None
    captured_by: str | None = None
    faults: tuple[str, ...] = ()
