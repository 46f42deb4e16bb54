"""MLflow's endpoints for runs: their life, and what is logged to them."""

from collections.abc import Sequence

import msgspec

from trackback.entities import Actor, Permission, Points, Run, RunInfo, RunStatus, ViewType
from trackback.errors import InvalidParameter
from trackback.limits import RUNS_PER_PAGE_DEFAULT
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services
from trackback.services.run_log import ModelOfPoint


class RunRequest(Message, frozen=True):
    """Old clients name the run ``run_uuid``; new ones send both."""

    run_id: str = ""
    run_uuid: str = ""

    @property
    def run(self) -> str:
        if run_id := self.run_id or self.run_uuid:
            return run_id
        raise InvalidParameter(
            "Missing value for required parameter 'run_id'. "
            "See the API docs for more information about request parameters."
        )


class RunAnswer(msgspec.Struct):
    run: Run


class RunInfoAnswer(msgspec.Struct):
    run_info: RunInfo


class KeyValue(Message, frozen=True):
    key: str
    value: str = ""


def pairs(items: Sequence[KeyValue]) -> list[tuple[str, str]]:
    """What the services take: in the request's order, keys that come twice too."""
    return [(item.key, item.value) for item in items]


class CreateRun(Message, frozen=True):
    """``run_id`` is not in MLflow's protocol: a run that began before its server could be reached has an id already."""

    experiment_id: NonEmpty
    user_id: str = ""
    run_name: str = ""
    start_time: Int64 | None = None
    tags: tuple[KeyValue, ...] = ()
    run_id: str | None = None


class UpdateRun(RunRequest, frozen=True):
    status: RunStatus | None = None
    end_time: Int64 | None = None
    run_name: str = ""


class SearchRuns(Message, frozen=True):
    experiment_ids: tuple[str, ...] = ()
    filter: str = ""
    run_view_type: ViewType = ViewType.ACTIVE_ONLY
    max_results: Int64 = RUNS_PER_PAGE_DEFAULT
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class RunsAnswer(msgspec.Struct, omit_defaults=True):
    runs: tuple[Run, ...] = ()
    next_page_token: str | None = None


class MetricPoint(Message, frozen=True):
    key: str
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""
    run_id: str = ""


class LogMetric(RunRequest, frozen=True, kw_only=True):
    key: NonEmpty
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class LogKeyValue(RunRequest, frozen=True, kw_only=True):
    key: NonEmpty
    value: str = ""


class LogBatch(RunRequest, frozen=True, kw_only=True):
    metrics: tuple[MetricPoint, ...] = ()
    params: tuple[KeyValue, ...] = ()
    tags: tuple[KeyValue, ...] = ()


class DeleteTag(RunRequest, frozen=True, kw_only=True):
    key: NonEmpty


class LogModel(RunRequest, frozen=True, kw_only=True):
    model_json: NonEmpty


async def create(services: Services, actor: Actor, request: CreateRun) -> RunAnswer:
    run = await services.runs.create(
        actor,
        request.experiment_id,
        user_id=request.user_id,
        run_name=request.run_name,
        start_time_ms=request.start_time,
        tags=pairs(request.tags),
        run_id=request.run_id,
    )
    return RunAnswer(run)


async def get(services: Services, actor: Actor, request: RunRequest) -> RunAnswer:
    return RunAnswer(await services.runs.get(actor, request.run))


async def update(services: Services, actor: Actor, request: UpdateRun) -> RunInfoAnswer:
    info = await services.runs.update(
        actor, request.run, status=request.status, end_time_ms=request.end_time, run_name=request.run_name
    )
    return RunInfoAnswer(info)


async def delete(services: Services, actor: Actor, request: RunRequest) -> None:
    await services.runs.delete(actor, request.run)


async def restore(services: Services, actor: Actor, request: RunRequest) -> None:
    await services.runs.restore(actor, request.run)


async def search(services: Services, actor: Actor, request: SearchRuns) -> RunsAnswer:
    page = await services.runs.search(
        actor,
        request.experiment_ids,
        filter_text=request.filter,
        order_by=request.order_by,
        view_type=request.run_view_type,
        max_results=request.max_results,
        page_token=request.page_token,
    )
    return RunsAnswer(tuple(page.items), page.next_page_token)


async def log_metric(services: Services, actor: Actor, request: LogMetric) -> None:
    points = Points((request.key,), (request.step,), (request.timestamp,), (request.value,))
    models = [_of_model(0, request)] if request.model_id else ()
    await services.run_log.log(actor, request.run, points=points, models=models, single=True)


async def log_param(services: Services, actor: Actor, request: LogKeyValue) -> None:
    await services.run_log.log(actor, request.run, params=[(request.key, request.value)], single=True)


async def set_tag(services: Services, actor: Actor, request: LogKeyValue) -> None:
    await services.run_log.log(actor, request.run, tags=[(request.key, request.value)], single=True)


async def log_batch(services: Services, actor: Actor, request: LogBatch) -> None:
    metrics = request.metrics
    points = Points(
        [metric.key for metric in metrics],
        [metric.step for metric in metrics],
        [metric.timestamp for metric in metrics],
        [metric.value for metric in metrics],
    )
    await services.run_log.log(
        actor,
        request.run,
        points=points,
        params=pairs(request.params),
        tags=pairs(request.tags),
        models=[_of_model(place, metric) for place, metric in enumerate(metrics) if metric.model_id],
    )


async def delete_tag(services: Services, actor: Actor, request: DeleteTag) -> None:
    await services.run_log.delete_tag(actor, request.run, request.key)


async def log_model(services: Services, actor: Actor, request: LogModel) -> None:
    await services.run_log.log_model(actor, request.run, request.model_json)


def _of_model(place: int, metric: MetricPoint | LogMetric) -> ModelOfPoint:
    return ModelOfPoint(place, metric.model_id, metric.dataset_name, metric.dataset_digest)


ROUTES = [
    *rpc("POST", "runs/create", Permission.WRITE, CreateRun, create),
    *rpc("GET", "runs/get", Permission.READ, RunRequest, get),
    *rpc("POST", "runs/update", Permission.WRITE, UpdateRun, update),
    *rpc("POST", "runs/delete", Permission.WRITE, RunRequest, delete),
    *rpc("POST", "runs/restore", Permission.WRITE, RunRequest, restore),
    *rpc("POST", "runs/search", Permission.READ, SearchRuns, search),
    *rpc("POST", "runs/log-metric", Permission.WRITE, LogMetric, log_metric),
    *rpc("POST", "runs/log-parameter", Permission.WRITE, LogKeyValue, log_param),
    *rpc("POST", "runs/set-tag", Permission.WRITE, LogKeyValue, set_tag),
    *rpc("POST", "runs/delete-tag", Permission.WRITE, DeleteTag, delete_tag),
    *rpc("POST", "runs/log-batch", Permission.WRITE, LogBatch, log_batch),
    *rpc("POST", "runs/log-model", Permission.WRITE, LogModel, log_model),
]
