"""What trackback keeps, as frozen structs. Field names are those of MLflow's protocol, so entities go out as they are.

Ids are strings outside: an experiment's is a decimal number, a run's 32 hex digits, a logged model's ``m-`` and 32
hex digits. Times are milliseconds since the epoch. A field that is None, or an empty tuple, is left out of the JSON,
as MLflow's clients expect.
"""

from enum import StrEnum

import msgspec


class Entity(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of all entities. None can be part of a cycle, so the garbage collector need not look at them."""


class LifecycleStage(StrEnum):
    ACTIVE = "active"
    DELETED = "deleted"


class ViewType(StrEnum):
    """Which lifecycle stages a search looks at."""

    ACTIVE_ONLY = "ACTIVE_ONLY"
    DELETED_ONLY = "DELETED_ONLY"
    ALL = "ALL"


class RunStatus(StrEnum):
    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class LoggedModelStatus(StrEnum):
    PENDING = "LOGGED_MODEL_PENDING"
    READY = "LOGGED_MODEL_READY"
    FAILED = "LOGGED_MODEL_UPLOAD_FAILED"


class Permission(StrEnum):
    """What a route needs its caller to be allowed. ``NOTHING`` is for probes and for pages that say nothing."""

    NOTHING = "nothing"
    READ = "read"
    WRITE = "write"
    PROMOTE = "promote"
    APPROVE = "approve"
    ADMIN = "admin"


class Actor(Entity, frozen=True):
    """Who asks. Without accounts everybody is ``ANYONE``; ``address`` is the client's IP address, for the record."""

    name: str
    address: str | None = None


ANYONE = Actor("anyone")


class Param(Entity, frozen=True):
    key: str
    value: str


class Tag(Entity, frozen=True):
    key: str
    value: str


class Metric(Entity, frozen=True):
    """One point of a series. ``value`` may be NaN; infinities are clamped to the largest doubles."""

    key: str
    value: float
    timestamp: int
    step: int
    run_id: str | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class Experiment(Entity, frozen=True):
    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: LifecycleStage
    creation_time: int
    last_update_time: int
    tags: tuple[Tag, ...] = ()


class Dataset(Entity, frozen=True):
    """A data set as a run names it; ``schema`` and ``profile`` are JSON texts."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


class DatasetInput(Entity, frozen=True):
    """A data set that went into a run; its tags say how (``mlflow.data.context`` = training, for one)."""

    dataset: Dataset
    tags: tuple[Tag, ...] = ()


class DatasetSummary(Entity, frozen=True):
    experiment_id: str
    name: str
    digest: str
    context: str | None = None


class ModelInput(Entity, frozen=True):
    model_id: str


class ModelOutput(Entity, frozen=True):
    model_id: str
    step: int


class RunInfo(Entity, frozen=True):
    """``run_uuid`` repeats ``run_id``: old clients read the one, new ones the other."""

    run_id: str
    run_uuid: str
    run_name: str
    experiment_id: str
    user_id: str
    status: RunStatus
    start_time: int
    artifact_uri: str
    lifecycle_stage: LifecycleStage
    end_time: int | None = None


class RunData(Entity, frozen=True):
    """``metrics`` holds the last point of each series."""

    metrics: tuple[Metric, ...] = ()
    params: tuple[Param, ...] = ()
    tags: tuple[Tag, ...] = ()


class RunInputs(Entity, frozen=True):
    dataset_inputs: tuple[DatasetInput, ...] = ()
    model_inputs: tuple[ModelInput, ...] = ()


class RunOutputs(Entity, frozen=True):
    model_outputs: tuple[ModelOutput, ...] = ()


class Run(Entity, frozen=True):
    info: RunInfo
    data: RunData
    inputs: RunInputs
    outputs: RunOutputs | None = None


class LoggedModelInfo(Entity, frozen=True):
    model_id: str
    experiment_id: str
    name: str
    creation_timestamp_ms: int
    last_updated_timestamp_ms: int
    artifact_uri: str
    status: LoggedModelStatus
    model_type: str | None = None
    source_run_id: str | None = None
    status_message: str | None = None
    tags: tuple[Tag, ...] = ()


class LoggedModelData(Entity, frozen=True):
    """``metrics`` holds every point logged for the model, not only the last."""

    params: tuple[Param, ...] = ()
    metrics: tuple[Metric, ...] = ()


class LoggedModel(Entity, frozen=True):
    info: LoggedModelInfo
    data: LoggedModelData


class Blob(Entity, frozen=True):
    """Bytes kept once. ``digest`` is the SHA-256 in 64 hex digits; ``location`` is the key they lie under."""

    digest: str
    size: int
    location: str


class ManifestEntry(Entity, frozen=True):
    """A file of a manifest: its path there (``/`` between names), and the blob it is."""

    path: str
    blob: Blob
    modified_time: int


class FileInfo(Entity, frozen=True):
    """An entry of a listing; ``file_size`` is in bytes and absent for directories."""

    path: str
    is_dir: bool
    file_size: int | None = None
