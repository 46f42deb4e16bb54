"""What CI reports: builds, and what is deployed where."""

from enum import StrEnum

from trackback.entities.base import Entity


class BuildResult(StrEnum):
    """How a build stands; all but ``RUNNING`` are final."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Build(Entity, frozen=True):
    """A pipeline's run, or a stage or job of one, for a promotion. ``key`` is the one that its reporter knows it by."""

    id: int
    key: str
    promotion: int
    system: str
    pipeline: str
    result: BuildResult
    started: int
    updated: int
    actor: str
    finished: int | None = None
    counter: str | None = None
    stage: str | None = None
    job: str | None = None
    url: str | None = None
    log_url: str | None = None


class DeploymentKind(StrEnum):
    IMAGE = "image"
    ENDPOINT = "endpoint"
    AMI = "ami"
    KUBERNETES = "kubernetes"
    OTHER = "other"


class Deployment(Entity, frozen=True):
    """A version, by digest, live in an environment from ``started`` until before ``ended`` (None: it still is).

    ``digest`` is None only of a version that is unverified; ``name`` and ``version`` are left out where only the digest
    is known. ``slot`` is the place that a deployment takes over from another of the same model, environment and kind.
    ``replaced_by`` is the deployment that took over.
    """

    id: int
    key: str
    environment: str
    kind: DeploymentKind
    locator: str
    slot: str
    started: int
    reported: int
    actor: str
    digest: str | None = None
    stream: str | None = None
    name: str | None = None
    version: str | None = None
    promotion: int | None = None
    build: int | None = None
    image: str | None = None
    region: str | None = None
    ended: int | None = None
    replaced_by: int | None = None
