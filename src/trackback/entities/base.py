"""What all entities are, what many have, and who asks for them."""

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
