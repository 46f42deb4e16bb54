"""What the search box finds."""

from enum import StrEnum

from trackback.entities.base import Entity


class FoundKind(StrEnum):
    EXPERIMENT = "experiment"
    RUN = "run"
    REGISTERED_MODEL = "registered model"
    VERSION = "version"
    LOGGED_MODEL = "logged model"
    PROMOTION = "promotion"
    BUILD = "build"
    DEPLOYMENT = "deployment"
    COMMIT = "commit"
    DATASET = "data set"


class Found(Entity, frozen=True):
    """``id`` is what it is asked for by: an experiment's or run's id, ``churn/7`` of a version, a number, a digest.

    ``detail`` says what else is worth knowing, such as the param that a run was found by.
    """

    kind: FoundKind
    id: str
    label: str
    detail: str = ""
    time: int | None = None


class FoundGroup(Entity, frozen=True):
    """What was found of one kind, the likeliest first; ``more``: there is more than is told."""

    kind: FoundKind
    found: tuple[Found, ...]
    more: bool = False


class Findings(Entity, frozen=True):
    """``exact`` is the one thing whose id, digest or name the text is as a whole."""

    text: str
    exact: Found | None = None
    groups: tuple[FoundGroup, ...] = ()
