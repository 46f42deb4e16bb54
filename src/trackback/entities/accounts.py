"""Who asks, what they may do, and the record of what they did."""

from enum import StrEnum
from typing import Any

from trackback.entities.base import Entity


class Permission(StrEnum):
    """What a route needs its caller to be allowed. ``NOTHING`` is for probes and for pages that say nothing; ``SELF``
    for what concerns the caller alone: who is signed in may do it, without any role.
    """

    NOTHING = "nothing"
    SELF = "self"
    READ = "read"
    WRITE = "write"
    PROMOTE = "promote"
    APPROVE = "approve"
    ADMIN = "admin"


class Role(StrEnum):
    """What a user is granted, everywhere or for one experiment or registered model. Roles add up."""

    READER = "reader"
    WRITER = "writer"
    PROMOTER = "promoter"
    APPROVER = "approver"
    ADMIN = "admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        return _PERMISSIONS[self]


_PERMISSIONS = {
    Role.READER: frozenset((Permission.READ,)),
    Role.WRITER: frozenset((Permission.READ, Permission.WRITE)),
    Role.PROMOTER: frozenset((Permission.READ, Permission.PROMOTE)),
    Role.APPROVER: frozenset((Permission.READ, Permission.APPROVE)),
    Role.ADMIN: frozenset(
        (Permission.READ, Permission.WRITE, Permission.PROMOTE, Permission.APPROVE, Permission.ADMIN)
    ),
}


class Grants(Entity, frozen=True):
    """What an actor may do everywhere, and beyond that with some experiments and registered models, by number."""

    everywhere: frozenset[Permission] = frozenset()
    experiments: dict[int, frozenset[Permission]] = {}  # noqa: RUF012 - msgspec copies it
    models: dict[int, frozenset[Permission]] = {}  # noqa: RUF012


class Token(Entity, frozen=True):
    """A token, without its secret. It may do what its user may, with ``scopes`` no more than these roles may."""

    id: str
    user: str
    name: str
    created: int
    scopes: tuple[Role, ...] = ()
    expires: int | None = None
    last_used: int | None = None
    revoked: int | None = None


class Actor(Entity, frozen=True):
    """Who asks. ``address`` is the client's IP address, for the record; ``token`` is what the actor signed in with.

    Without accounts everybody is ``ANYONE``, and ``grants`` is None: all is allowed.
    """

    name: str
    address: str | None = None
    grants: Grants | None = None
    token: Token | None = None

    @property
    def user(self) -> str:
        """The name of the account that the actor signed in with; empty without accounts."""
        return "" if self.name == ANYONE.name else self.name


ANYONE = Actor("anyone")


class Grant(Entity, frozen=True):
    """A role of a user. ``resource`` is ``models:/<name>`` or ``experiments:/<id>``; without one it is for all."""

    user: str
    role: Role
    resource: str | None = None


class User(Entity, frozen=True):
    """A person, who has a password, or a ``service``, which has tokens only."""

    name: str
    created: int
    service: bool = False
    disabled: int | None = None
    grants: tuple[Grant, ...] = ()


class AuditEntry(Entity, frozen=True):
    """A change: ``action`` says what was done (``role.grant``), ``object`` to what (``users/ann``)."""

    seq: int
    time: int
    actor: str
    action: str
    object: str
    address: str | None = None
    details: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
