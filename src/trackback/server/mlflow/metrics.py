"""MLflow's endpoints for reading the histories of metrics."""

import msgspec

from trackback.entities import Actor, Metric, Permission
from trackback.limits import BULK_HISTORY_POINTS, INTERVAL_POINTS
from trackback.server.mlflow.endpoints import AJAX_ONLY, rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.server.mlflow.runs import RunRequest
from trackback.services import Services


class History(RunRequest, frozen=True, kw_only=True):
    metric_key: NonEmpty
    max_results: Int64 | None = None
    page_token: str = ""


class HistoryAnswer(msgspec.Struct, omit_defaults=True):
    metrics: list[Metric] = []
    next_page_token: str | None = None


class BulkHistory(Message, frozen=True):
    metric_key: NonEmpty
    run_id: tuple[str, ...] = ()
    max_results: Int64 = BULK_HISTORY_POINTS


class BulkHistoryAnswer(msgspec.Struct):
    """``metrics`` is there even when it is empty: this answer is no protobuf message in MLflow."""

    metrics: list[Metric]


class SampledHistory(Message, frozen=True):
    metric_key: NonEmpty
    run_ids: tuple[str, ...] = ()
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int64 = INTERVAL_POINTS


async def history(services: Services, actor: Actor, request: History) -> HistoryAnswer:
    page = await services.metrics.history(
        actor, request.run, request.metric_key, max_results=request.max_results, page_token=request.page_token
    )
    return HistoryAnswer(list(page.items), page.next_page_token)


async def bulk_history(services: Services, actor: Actor, request: BulkHistory) -> BulkHistoryAnswer:
    metrics = await services.metrics.bulk_history(actor, request.run_id, request.metric_key, request.max_results)
    return BulkHistoryAnswer(metrics)


async def sampled_history(services: Services, actor: Actor, request: SampledHistory) -> HistoryAnswer:
    metrics = await services.metrics.sampled_history(
        actor,
        request.run_ids,
        request.metric_key,
        start_step=request.start_step,
        end_step=request.end_step,
        max_results=request.max_results,
    )
    return HistoryAnswer(metrics)


ROUTES = [
    *rpc("GET", "metrics/get-history", Permission.READ, History, history),
    *rpc("GET", "metrics/get-history-bulk", Permission.READ, BulkHistory, bulk_history, under=AJAX_ONLY),
    *rpc("GET", "metrics/get-history-bulk-interval", Permission.READ, SampledHistory, sampled_history),
]
