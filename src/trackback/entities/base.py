"""What all entities are, and what many have."""

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
