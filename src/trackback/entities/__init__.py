"""What trackback keeps, as frozen structs. Field names are those of MLflow's protocol, so entities go out as they are.

Ids are strings outside: an experiment's is a decimal number, a run's 32 hex digits, a logged model's ``m-`` and 32
hex digits. Times are milliseconds since the epoch. A field that is None, or an empty tuple, is left out of the JSON,
as MLflow's clients expect.
"""

from trackback.entities.artifacts import Blob, FileInfo, ManifestEntry, Snapshot
from trackback.entities.base import ANYONE, Actor, Entity, LifecycleStage, Metric, Param, Permission, Tag, ViewType
from trackback.entities.promotions import (
    Approval,
    PendingPromotion,
    Policy,
    PromotedSnapshot,
    Promotion,
    PromotionKind,
    PromotionOrigin,
    Verdict,
)
from trackback.entities.registry import Alias, ModelVersion, ModelVersionStatus, RegisteredModel, Stage
from trackback.entities.tracking import (
    Dataset,
    DatasetInput,
    DatasetSummary,
    Experiment,
    LoggedModel,
    LoggedModelData,
    LoggedModelInfo,
    LoggedModelStatus,
    ModelInput,
    ModelOutput,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunStatus,
)

__all__ = [
    "ANYONE",
    "Actor",
    "Alias",
    "Approval",
    "Blob",
    "Dataset",
    "DatasetInput",
    "DatasetSummary",
    "Entity",
    "Experiment",
    "FileInfo",
    "LifecycleStage",
    "LoggedModel",
    "LoggedModelData",
    "LoggedModelInfo",
    "LoggedModelStatus",
    "ManifestEntry",
    "Metric",
    "ModelInput",
    "ModelOutput",
    "ModelVersion",
    "ModelVersionStatus",
    "Param",
    "PendingPromotion",
    "Permission",
    "Policy",
    "PromotedSnapshot",
    "Promotion",
    "PromotionKind",
    "PromotionOrigin",
    "RegisteredModel",
    "Run",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunOutputs",
    "RunStatus",
    "Snapshot",
    "Stage",
    "Tag",
    "Verdict",
    "ViewType",
]
