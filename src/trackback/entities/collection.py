"""What is cleared away: by collections of garbage, and by purges."""

from enum import StrEnum

from trackback.entities.base import Entity


class Garbage(StrEnum):
    """What a collection finds. Of the first three, ``bytes`` are those of their files, which others may share."""

    RUNS = "runs"
    LOGGED_MODELS = "logged_models"
    SNAPSHOTS = "snapshots"
    BLOBS = "blobs"
    CONDEMNED = "condemned"
    ORPHANS = "orphans"


class Tally(Entity, frozen=True, omit_defaults=False):
    count: int = 0
    bytes: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.count + other.count, self.bytes + other.bytes)


class Collected(Entity, frozen=True):
    """A part of a collection: what was removed, or in a dry run would be; ``cursor`` is where to go on, if anywhere."""

    found: dict[Garbage, Tally]
    cursor: str | None = None


class Tombstone(Entity, frozen=True):
    """What is left of a purged version, beside its params, metrics and tags."""

    name: str
    version: str
    time: int
    actor: str
    reason: str
    digest: str | None = None
