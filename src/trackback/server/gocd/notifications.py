"""GoCD's extension point notification: how stages stand."""

from datetime import datetime

import msgspec

from trackback.entities import Actor, Permission
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server.gocd.endpoints import Relayed, relay
from trackback.services import Services
from trackback.services.gocd.stages import SeenRevision, Stage

PACKAGE = "package"
PIPELINE = "pipeline"


class Material(Relayed, frozen=True):
    type: str = ""


class Modification(Relayed, frozen=True):
    revision: str = ""
    data: dict[str, str | None] | None = None


class Cause(Relayed, frozen=True):
    material: Material = Material()
    modifications: tuple[Modification, ...] = ()


class StageStatus(Relayed, frozen=True):
    name: str
    counter: str | int = "1"
    state: str = ""
    result: str = ""
    create_time: str | None = None
    last_transition_time: str | None = None


class Pipeline(Relayed, frozen=True):
    name: str
    counter: str | int
    stage: StageStatus
    build_cause: tuple[Cause, ...] = ()


class StageRequest(msgspec.Struct, frozen=True):
    """``server_url``: where GoCD's pages are, which the plugin adds."""

    pipeline: Pipeline
    server_url: str | None = None


class StageAnswer(msgspec.Struct, frozen=True):
    status: str = "success"
    messages: tuple[str, ...] = ()


async def report_stage(services: Services, actor: Actor, request: StageRequest) -> StageAnswer:
    pipeline, stage = request.pipeline, request.pipeline.stage
    await services.gocd.stages.report(
        actor,
        Stage(
            pipeline=pipeline.name,
            counter=str(pipeline.counter),
            name=stage.name,
            stage_counter=str(stage.counter),
            result=stage.result,
            materials=[_seen(each) for each in _newest(pipeline, PACKAGE)],
            upstream=[each.revision for each in _newest(pipeline, PIPELINE)],
            started_ms=_milliseconds(stage.create_time, "create-time"),
            finished_ms=_milliseconds(stage.last_transition_time, "last-transition-time"),
            server_url=request.server_url or "",
        ),
    )
    return StageAnswer()


def _newest(pipeline: Pipeline, kind: str) -> list[Modification]:
    """What the materials of a kind brought: the newest of each, which comes first."""
    causes = [cause for cause in pipeline.build_cause if cause.material.type == kind]
    return [modification for cause in causes for modification in cause.modifications[:1]]


def _seen(modification: Modification) -> SeenRevision:
    data = {key: value for key, value in (modification.data or {}).items() if value is not None}
    return SeenRevision(modification.revision, data)


def _milliseconds(text: str | None, name: str) -> int | None:
    """A time as GoCD writes it, such as 2026-11-27T12:00:00.000+0000."""
    if not text:
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InvalidParameter(f"Invalid time {shown(text)} for '{name}' of the stage.") from None


ROUTES = [relay("notification/stage-status", Permission.WRITE, StageRequest, report_stage)]
