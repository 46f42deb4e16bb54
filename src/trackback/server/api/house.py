"""Our API for keeping house: collections of garbage, and purges of versions."""

from trackback.entities import Actor, Collected, Permission, Tombstone
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services
from trackback.services.collection import GRACE_MS


class Collect(Message, frozen=True):
    grace_ms: Int64 = GRACE_MS
    dry_run: bool = False
    cursor: str = ""


class Purge(Message, frozen=True):
    name: NonEmpty
    version: NonEmpty
    reason: NonEmpty


class GetTombstone(Message, frozen=True):
    name: NonEmpty
    version: NonEmpty


async def collect(services: Services, actor: Actor, request: Collect) -> Collected:
    return await services.collection.collect(
        actor, grace_ms=request.grace_ms, dry_run=request.dry_run, cursor=request.cursor
    )


async def purge(services: Services, actor: Actor, request: Purge) -> Tombstone:
    return await services.purges.purge(actor, request.name, request.version, reason=request.reason)


async def tombstone(services: Services, actor: Actor, request: GetTombstone) -> Tombstone:
    return await services.purges.tombstone(actor, request.name, request.version)


VERSION = "registered-models/{name}/versions/{version}"

ROUTES = [
    *rpc("POST", "gc", Permission.ADMIN, Collect, collect, under=API),
    *rpc("DELETE", VERSION, Permission.ADMIN, Purge, purge, under=API),
    *rpc("GET", f"{VERSION}/tombstone", Permission.READ, GetTombstone, tombstone, under=API),
]
