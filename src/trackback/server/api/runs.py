"""Our API for runs, beyond what MLflow's has: that they go on, and many points at once."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission, RunStatus, point_packs
from trackback.errors import InvalidParameter
from trackback.limits import POINT_PACK_BYTES, shown
from trackback.server.api.paths import API
from trackback.server.body import read_body
from trackback.server.mlflow.endpoints import raw, rpc
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


async def log_points(services: Services, actor: Actor, request: Request) -> Response:
    """Log points that come packed, as ``entities.point_packs`` has them; the answer is an empty object."""
    if (sent := request.headers.get("content-type", "")) != point_packs.MEDIA_TYPE:
        raise InvalidParameter(f"Content-Type must be {point_packs.MEDIA_TYPE}, not {shown(sent)}.")
    points = point_packs.unpack(await read_body(request.scope, request.receive, POINT_PACK_BYTES))
    await services.run_log.log_points(actor, request.path_params["run_id"], points)
    return Response(b"{}", media_type="application/json")


ROUTES = [
    *rpc("POST", "runs/{run_id}/heartbeat", Permission.WRITE, Beat, beat, under=API),
    *raw("POST", "runs/{run_id}/points", Permission.WRITE, log_points, under=API),
]
