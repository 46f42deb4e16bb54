"""Who may do what with a stream of promotions, and so with what stands in it or is reported for it."""

from trackback.entities import Actor, Permission
from trackback.services import access


def may(actor: Actor, permission: Permission, stream: str) -> bool:
    """Whether the actor has the permission for the model or experiment of ``stream``; for all, where it is empty."""
    return access.may(actor, permission, **_object(stream))


def require(actor: Actor, permission: Permission, stream: str) -> None:
    """PermissionDenied unless ``may``."""
    access.require(actor, permission, **_object(stream))


def _object(stream: str) -> dict[str, int]:
    kind, _, number = stream.partition("/")
    return {"model" if kind == "models" else "experiment": int(number)} if number else {}
