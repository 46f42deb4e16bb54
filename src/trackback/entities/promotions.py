"""Promotions, and what they rest on."""

from enum import StrEnum
from typing import Any

from trackback.entities.base import Entity


class PromotionKind(StrEnum):
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    ROLLED_BACK = "rolled back"


class PromotionOrigin(StrEnum):
    """By which way a promotion came."""

    REQUEST = "request"
    ALIAS = "alias"
    STAGE = "stage"
    TAG = "tag"


class PromotedSnapshot(Entity, frozen=True):
    """What was promoted of a run: its own files, or a model's. ``path`` is where they lie in the run, if they do."""

    digest: str
    main: bool = False
    path: str | None = None
    model_id: str | None = None


class Promotion(Entity, frozen=True):
    """An entry of the log. ``name`` and ``version`` are a version's; a promoted run has neither.

    ``stream`` is ``models/<id>`` or ``experiments/<id>``; ``digest`` that of the version, or of the run's main model.
    ``replaced`` is the number of the entry by which the environment was held until then.
    """

    seq: int
    stream: str
    environment: str
    kind: PromotionKind
    time: int
    actor: str
    origin: PromotionOrigin
    reason: str | None = None
    name: str | None = None
    version: str | None = None
    run_id: str | None = None
    experiment_id: str | None = None
    digest: str | None = None
    snapshots: tuple[PromotedSnapshot, ...] = ()
    replaced: int | None = None
    overridden: bool = False
    unverified: bool = False
    basis: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it


class PendingPromotion(Entity, frozen=True):
    """A promotion that was asked for and waits. ``unmet`` says for what, a sentence each."""

    id: int
    stream: str
    environment: str
    created: int
    actor: str
    origin: PromotionOrigin
    unmet: tuple[str, ...]
    reason: str | None = None
    name: str | None = None
    version: str | None = None
    run_id: str | None = None
    experiment_id: str | None = None


class Policy(Entity, frozen=True):
    """What a version must show before it enters an environment: a revision, of which the last counts.

    ``revision`` counts from 1. ``stream`` may be ``*``, all registered models; ``name`` is that of the one model that
    it is for. ``removed`` is set of a revision by which the policy ended.
    """

    stream: str
    environment: str
    revision: int
    document: dict[str, Any]
    actor: str
    time: int
    name: str | None = None
    removed: bool = False


class Verdict(Entity, frozen=True):
    """One check's result on one digest."""

    id: int
    digest: str
    name: str
    passed: bool
    time: int
    actor: str
    url: str | None = None
    report: dict[str, Any] | None = None


class Approval(Entity, frozen=True):
    """A person's consent that a digest enters an environment."""

    digest: str
    stream: str
    environment: str
    actor: str
    time: int
    reason: str | None = None
