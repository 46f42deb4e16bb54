"""Experiments, runs, data sets and logged models."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from trackback.entities.base import Entity, LifecycleStage, Metric, Param, Tag


class Points(NamedTuple):
    """Points of one run as equally long columns. Values may be NaN; infinities are clamped when they are logged."""

    keys: Sequence[str]
    steps: Sequence[int]
    timestamps_ms: Sequence[int]
    values: Sequence[float]


class DatasetFilter(NamedTuple):
    """Which points a search looks at: those that belong to a data set. An empty field is any."""

    name: str = ""
    digest: str = ""


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


DEFAULT_WORKSPACE = "default"
"""The only one that there is here. MLflow's server names it in its answers too, unless it has been given others."""


class Experiment(Entity, frozen=True):
    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: LifecycleStage
    creation_time: int
    last_update_time: int
    tags: tuple[Tag, ...] = ()
    # A default that is made anew is not left out of the JSON.
    workspace: str = msgspec.field(default_factory=lambda: DEFAULT_WORKSPACE)


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
