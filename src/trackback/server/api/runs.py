"""Our API for runs, beyond what MLflow's has: that they go on."""

import msgspec

from trackback.entities import Actor, Permission, RunStatus
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services


class Beat(Message, frozen=True):
    run_id: NonEmpty
    timeout_s: Int64


class StatusAnswer(msgspec.Struct):
    status: RunStatus


async def beat(services: Services, actor: Actor, request: Beat) -> StatusAnswer:
    """Say that a run goes on, and that it will say so again within a time. The answer is the status that it has."""
    return StatusAnswer(await services.heartbeats.hear(actor, request.run_id, timeout_s=request.timeout_s))


ROUTES = rpc("POST", "runs/{run_id}/heartbeat", Permission.WRITE, Beat, beat, under=API)
