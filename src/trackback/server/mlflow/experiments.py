"""MLflow's endpoints for experiments."""

import msgspec

from trackback.entities import Actor, Experiment, Permission, ViewType
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.server.mlflow.runs import KeyValue, pairs
from trackback.services import Services


class CreateExperiment(Message, frozen=True):
    name: NonEmpty
    artifact_location: str = ""
    tags: tuple[KeyValue, ...] = ()


class ExperimentRequest(Message, frozen=True):
    experiment_id: NonEmpty


class GetExperimentByName(Message, frozen=True):
    experiment_name: NonEmpty


class SearchExperiments(Message, frozen=True):
    max_results: Int64 = 0
    page_token: str = ""
    filter: str = ""
    order_by: tuple[str, ...] = ()
    view_type: ViewType = ViewType.ACTIVE_ONLY


class UpdateExperiment(Message, frozen=True):
    experiment_id: NonEmpty
    new_name: NonEmpty


class SetExperimentTag(Message, frozen=True):
    experiment_id: NonEmpty
    key: NonEmpty
    value: str = ""


class DeleteExperimentTag(Message, frozen=True):
    experiment_id: NonEmpty
    key: NonEmpty


class ExperimentIdAnswer(msgspec.Struct):
    experiment_id: str


class ExperimentAnswer(msgspec.Struct):
    experiment: Experiment


class ExperimentsAnswer(msgspec.Struct, omit_defaults=True):
    experiments: tuple[Experiment, ...] = ()
    next_page_token: str | None = None


async def create(services: Services, actor: Actor, request: CreateExperiment) -> ExperimentIdAnswer:
    experiment_id = await services.experiments.create(
        actor,
        request.name,
        artifact_location=request.artifact_location,
        tags=pairs(request.tags),
    )
    return ExperimentIdAnswer(experiment_id)


async def get(services: Services, actor: Actor, request: ExperimentRequest) -> ExperimentAnswer:
    return ExperimentAnswer(await services.experiments.get(actor, request.experiment_id))


async def get_by_name(services: Services, actor: Actor, request: GetExperimentByName) -> ExperimentAnswer:
    return ExperimentAnswer(await services.experiments.get_by_name(actor, request.experiment_name))


async def search(services: Services, actor: Actor, request: SearchExperiments) -> ExperimentsAnswer:
    page = await services.experiments.search(
        actor,
        max_results=request.max_results,
        filter_text=request.filter,
        order_by=request.order_by,
        view_type=request.view_type,
        page_token=request.page_token,
    )
    return ExperimentsAnswer(tuple(page.items), page.next_page_token)


async def update(services: Services, actor: Actor, request: UpdateExperiment) -> None:
    await services.experiments.rename(actor, request.experiment_id, request.new_name)


async def delete(services: Services, actor: Actor, request: ExperimentRequest) -> None:
    await services.experiments.delete(actor, request.experiment_id)


async def restore(services: Services, actor: Actor, request: ExperimentRequest) -> None:
    await services.experiments.restore(actor, request.experiment_id)


async def set_tag(services: Services, actor: Actor, request: SetExperimentTag) -> None:
    await services.experiments.set_tag(actor, request.experiment_id, request.key, request.value)


async def delete_tag(services: Services, actor: Actor, request: DeleteExperimentTag) -> None:
    await services.experiments.delete_tag(actor, request.experiment_id, request.key)


ROUTES = [
    *rpc("POST", "experiments/create", Permission.WRITE, CreateExperiment, create),
    *rpc("GET", "experiments/get", Permission.READ, ExperimentRequest, get),
    *rpc("GET", "experiments/get-by-name", Permission.READ, GetExperimentByName, get_by_name),
    *rpc("POST", "experiments/search", Permission.READ, SearchExperiments, search),
    *rpc("GET", "experiments/search", Permission.READ, SearchExperiments, search),
    *rpc("POST", "experiments/update", Permission.WRITE, UpdateExperiment, update),
    *rpc("POST", "experiments/delete", Permission.WRITE, ExperimentRequest, delete),
    *rpc("POST", "experiments/restore", Permission.WRITE, ExperimentRequest, restore),
    *rpc("POST", "experiments/set-experiment-tag", Permission.WRITE, SetExperimentTag, set_tag),
    *rpc("POST", "experiments/delete-experiment-tag", Permission.WRITE, DeleteExperimentTag, delete_tag),
]
