"""Answers to what something came from, and to what came from it."""

from enum import StrEnum

from trackback.entities.base import Entity, Metric, Param
from trackback.entities.delivery import Build, Deployment
from trackback.entities.promotions import Promotion
from trackback.entities.provenance import Provenance
from trackback.entities.registry import ModelVersion
from trackback.entities.tracking import RunStatus


class TraceKind(StrEnum):
    """What a text was found to name."""

    DEPLOYMENT = "deployment"
    BUILD = "build"
    PROMOTION = "promotion"
    VERSION = "version"
    RUN = "run"
    MODEL = "model"
    DIGEST = "digest"
    BLOB = "blob"
    COMMIT = "commit"
    DATASET = "dataset"


class TracedModel(Entity, frozen=True):
    """A logged model that a run used. ``run`` is that which made it, where it is known here and was not told before."""

    model_id: str
    name: str | None = None
    source_run_id: str | None = None
    run: "TracedRun | None" = None


class TracedRun(Entity, frozen=True):
    """A run and what went into it; parents and source models likewise, each run told once."""

    run_id: str
    run_name: str
    experiment_id: str
    experiment_name: str
    user_id: str
    status: RunStatus
    started: int
    ended: int | None = None
    params: tuple[Param, ...] = ()
    metrics: tuple[Metric, ...] = ()
    provenance: Provenance | None = None
    parents: tuple["TracedRun", ...] = ()
    source_models: tuple[TracedModel, ...] = ()
    truncated: bool = False


class Candidate(Entity, frozen=True):
    """One of several things that a text may mean; ``x`` asks for this one."""

    kind: TraceKind
    x: str
    label: str


class Trace(Entity, frozen=True):
    """The chain that something is part of: deployments of builds for promotions of a version that a run made.

    ``kind`` is what ``x`` was found to be. Of a deployment, the chain has its build, its promotion and so on; of a
    version, all that was built, promoted and deployed of it. Where ``x`` names several things whose chains differ,
    there are ``candidates`` and no chain; beside a run, or a logged model, they are the versions that came from it.
    ``truncated`` says that there is more than is told. ``deleted`` is said of the version.
    """

    x: str
    kind: TraceKind
    deployments: tuple[Deployment, ...] = ()
    builds: tuple[Build, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    version: ModelVersion | None = None
    deleted: bool = False
    run: TracedRun | None = None
    candidates: tuple[Candidate, ...] = ()
    truncated: bool = False


class AffectedVersion(Entity, frozen=True):
    """A version that something went into. ``through`` is the run it came by, where that is not the version's own.

    ``environments`` are those that it holds now, by promotion; ``deployments`` are where it is live, or was.
    """

    version: str
    created: int
    run_id: str | None = None
    digest: str | None = None
    through: str | None = None
    deleted: bool = False
    environments: tuple[str, ...] = ()
    deployments: tuple[Deployment, ...] = ()


class AffectedModel(Entity, frozen=True):
    """``affected`` counts all affected versions, of which ``versions`` are those on the page, the newest first.

    ``last_unaffected`` is the newest version that is not affected, if there is one.
    """

    name: str
    affected: int
    last_unaffected: str | None = None
    versions: tuple[AffectedVersion, ...] = ()


class Impact(Entity, frozen=True):
    """What something went into. ``affected`` counts all versions; ``unindexed`` those that were not looked at yet."""

    affected: int
    models: tuple[AffectedModel, ...] = ()
    unindexed: int = 0
