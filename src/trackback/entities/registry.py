"""Registered models and their versions."""

from enum import StrEnum

from trackback.entities.base import Entity, Metric, Tag


class Stage(StrEnum):
    """MLflow's stages. Staging and Production are the environments of those names, too."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


class ModelVersionStatus(StrEnum):
    PENDING = "PENDING_REGISTRATION"
    FAILED = "FAILED_REGISTRATION"
    READY = "READY"


class ModelParam(Entity, frozen=True):
    """A version's param: MLflow's protocol calls its key a name."""

    name: str
    value: str


class ModelVersion(Entity, frozen=True):
    """``digest`` is that of the snapshot of files which the version is; None where the files could not be taken in.

    ``model_params`` and ``model_metrics`` are what the run, or the logged model, had when the version was registered.
    """

    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int
    current_stage: Stage
    status: ModelVersionStatus
    source: str
    user_id: str | None = None
    description: str | None = None
    run_id: str | None = None
    run_link: str | None = None
    status_message: str | None = None
    model_id: str | None = None
    digest: str | None = None
    tags: tuple[Tag, ...] = ()
    aliases: tuple[str, ...] = ()
    model_params: tuple[ModelParam, ...] = ()
    model_metrics: tuple[Metric, ...] = ()


class Alias(Entity, frozen=True):
    alias: str
    version: str


class RegisteredModel(Entity, frozen=True, kw_only=True):
    """``latest_versions`` holds the newest version of each stage.

    ``id`` stays when the model is renamed; it is empty where the server is MLflow's, which has none.
    """

    name: str
    id: str = ""
    creation_timestamp: int
    last_updated_timestamp: int
    description: str | None = None
    latest_versions: tuple[ModelVersion, ...] = ()
    tags: tuple[Tag, ...] = ()
    aliases: tuple[Alias, ...] = ()
