"""Who asks, and whether they may."""

from collections.abc import Callable

from starlette.types import Scope

from trackback.entities import ANYONE, Actor, Permission

Identify = Callable[[Scope], Actor]
Authorize = Callable[[Actor, Permission], None]


def identify_by_address(scope: Scope) -> Actor:
    """Without accounts everybody is the same actor, at an address."""
    client = scope["client"]
    return Actor(ANYONE.name, client[0] if client else None)


def allow_everything(actor: Actor, permission: Permission) -> None:
    """Authorization without accounts. One that knows them raises PermissionDenied."""
