"""GoCD's answers, as far as they are read."""

from typing import Any

import msgspec


class Property(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field of a plugin's; a secret is answered encrypted."""

    key: str
    value: str | None = None
    encrypted_value: str | None = None


class PluginMetadata(msgspec.Struct, frozen=True):
    id: str
    version: str = "1"


class Repository(msgspec.Struct, frozen=True):
    repo_id: str
    name: str
    plugin_metadata: PluginMetadata
    configuration: tuple[Property, ...] = ()


class PackageRepository(msgspec.Struct, frozen=True):
    id: str
    name: str = ""


class Package(msgspec.Struct, frozen=True):
    id: str
    name: str
    package_repo: PackageRepository
    auto_update: bool = True
    configuration: tuple[Property, ...] = ()


class Material(msgspec.Struct, frozen=True):
    """``attributes`` of a package have its id as ``ref``."""

    type: str
    fingerprint: str
    attributes: dict[str, Any] = {}


class _Repositories(msgspec.Struct, frozen=True):
    package_repositories: tuple[Repository, ...] = ()


class _Packages(msgspec.Struct, frozen=True):
    packages: tuple[Package, ...] = ()


class _Materials(msgspec.Struct, frozen=True):
    materials: tuple[Material, ...] = ()


class Repositories(msgspec.Struct, frozen=True):
    embedded: _Repositories = msgspec.field(name="_embedded")


class Packages(msgspec.Struct, frozen=True):
    embedded: _Packages = msgspec.field(name="_embedded")


class Materials(msgspec.Struct, frozen=True):
    embedded: _Materials = msgspec.field(name="_embedded")


class Link(msgspec.Struct, frozen=True):
    href: str


class Links(msgspec.Struct, frozen=True):
    next: Link | None = None


class RevisionMaterial(msgspec.Struct, frozen=True):
    fingerprint: str = ""
    type: str = ""


class SeenModification(msgspec.Struct, frozen=True):
    revision: str | None = None


class MaterialRevision(msgspec.Struct, frozen=True):
    material: RevisionMaterial
    modifications: tuple[SeenModification, ...] = ()


class BuildCause(msgspec.Struct, frozen=True):
    material_revisions: tuple[MaterialRevision, ...] = ()


class JobRun(msgspec.Struct, frozen=True):
    name: str
    scheduled_date: int | None = None


class StageRun(msgspec.Struct, frozen=True):
    """A stage that was not begun yet has no jobs."""

    name: str
    counter: str | int = "1"
    result: str | None = None
    scheduled: bool = True
    jobs: tuple[JobRun, ...] = ()


class PipelineRun(msgspec.Struct, frozen=True):
    name: str
    counter: int
    build_cause: BuildCause = BuildCause()
    stages: tuple[StageRun, ...] = ()


class PipelineHistory(msgspec.Struct, frozen=True):
    pipelines: tuple[PipelineRun, ...] = ()
    links: Links | None = msgspec.field(name="_links", default=None)
