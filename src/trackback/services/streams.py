"""Who may do what with a stream of promotions, and so with what stands in it or is reported for it."""

from collections.abc import Iterable

from trackback.entities import Actor, Deployment, Permission
from trackback.entities.streams import ALL_MODELS, StreamKind, parse_stream
from trackback.services import access


def may(actor: Actor, permission: Permission, stream: str) -> bool:
    """Whether the actor has the permission for the model or experiment of ``stream``; for all, where it is none."""
    return access.may(actor, permission, **_object(stream))


def require(actor: Actor, permission: Permission, stream: str) -> None:
    """PermissionDenied unless ``may``."""
    access.require(actor, permission, **_object(stream))


def among_readable(actor: Actor, found: Iterable[Deployment]) -> list[Deployment]:
    """Those of the deployments that the actor may read."""
    return [each for each in found if may(actor, Permission.READ, each.stream or "")]


def _object(stream: str) -> dict[str, int]:
    if stream in ("", ALL_MODELS):
        return {}
    kind, number = parse_stream(stream)
    return {"model" if kind is StreamKind.MODEL else "experiment": number}
