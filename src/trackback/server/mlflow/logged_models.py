"""MLflow's endpoints for logged models."""

import msgspec

from trackback.entities import Actor, DatasetFilter, LoggedModel, LoggedModelStatus, Permission
from trackback.errors import InvalidParameter
from trackback.limits import LOGGED_MODELS_PER_PAGE_DEFAULT, shown
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.server.mlflow.runs import KeyValue, pairs
from trackback.services import Services
from trackback.services.logged_models import ModelOrder


class CreateLoggedModel(Message, frozen=True):
    experiment_id: NonEmpty
    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: tuple[KeyValue, ...] = ()
    tags: tuple[KeyValue, ...] = ()


class LoggedModelRequest(Message, frozen=True):
    """``id`` is the model's in the path."""

    id: NonEmpty


class GetLoggedModel(LoggedModelRequest, frozen=True):
    allow_deleted: bool = False


class NamedTwice(LoggedModelRequest, frozen=True, kw_only=True):
    """MLflow wants the model's id in the body too."""

    model_id: NonEmpty

    @property
    def model(self) -> str:
        if self.model_id == self.id:
            return self.id
        raise InvalidParameter(
            f"Invalid value {shown(self.model_id)} for parameter 'model_id' supplied: "
            f"the path names another model, {shown(self.id)}."
        )


class FinalizeLoggedModel(NamedTwice, frozen=True, kw_only=True):
    status: LoggedModelStatus


class AddParams(NamedTwice, frozen=True, kw_only=True):
    params: tuple[KeyValue, ...] = ()


class SetTags(LoggedModelRequest, frozen=True):
    tags: tuple[KeyValue, ...] = ()


class DeleteTag(LoggedModelRequest, frozen=True):
    tag_key: NonEmpty


class DatasetFields(Message, frozen=True):
    dataset_name: str = ""
    dataset_digest: str = ""


class OrderFields(DatasetFields, frozen=True):
    field_name: str = ""
    ascending: bool = True


class SearchLoggedModels(Message, frozen=True):
    experiment_ids: tuple[str, ...]
    filter: str = ""
    datasets: tuple[DatasetFields, ...] = ()
    max_results: Int64 = LOGGED_MODELS_PER_PAGE_DEFAULT
    order_by: tuple[OrderFields, ...] = ()
    page_token: str = ""


class LoggedModelAnswer(msgspec.Struct):
    model: LoggedModel


class LoggedModelsAnswer(msgspec.Struct, omit_defaults=True):
    models: tuple[LoggedModel, ...] = ()
    next_page_token: str | None = None


async def create(services: Services, actor: Actor, request: CreateLoggedModel) -> LoggedModelAnswer:
    model = await services.logged_models.create(
        actor,
        request.experiment_id,
        name=request.name,
        model_type=request.model_type,
        source_run_id=request.source_run_id,
        params=pairs(request.params),
        tags=pairs(request.tags),
    )
    return LoggedModelAnswer(model)


async def get(services: Services, actor: Actor, request: GetLoggedModel) -> LoggedModelAnswer:
    model = await services.logged_models.get(actor, request.id, allow_deleted=request.allow_deleted)
    return LoggedModelAnswer(model)


async def finalize(services: Services, actor: Actor, request: FinalizeLoggedModel) -> LoggedModelAnswer:
    return LoggedModelAnswer(await services.logged_models.finalize(actor, request.model, request.status))


async def delete(services: Services, actor: Actor, request: LoggedModelRequest) -> None:
    await services.logged_models.delete(actor, request.id)


async def add_params(services: Services, actor: Actor, request: AddParams) -> None:
    await services.logged_models.add_params(actor, request.model, pairs(request.params))


async def set_tags(services: Services, actor: Actor, request: SetTags) -> None:
    await services.logged_models.set_tags(actor, request.id, pairs(request.tags))


async def delete_tag(services: Services, actor: Actor, request: DeleteTag) -> None:
    await services.logged_models.delete_tag(actor, request.id, request.tag_key)


async def search(services: Services, actor: Actor, request: SearchLoggedModels) -> LoggedModelsAnswer:
    page = await services.logged_models.search(
        actor,
        request.experiment_ids,
        filter_text=request.filter,
        datasets=[DatasetFilter(each.dataset_name, each.dataset_digest) for each in request.datasets],
        order_by=[
            ModelOrder(each.field_name, each.ascending, each.dataset_name, each.dataset_digest)
            for each in request.order_by
        ],
        max_results=request.max_results or LOGGED_MODELS_PER_PAGE_DEFAULT,
        page_token=request.page_token,
    )
    return LoggedModelsAnswer(tuple(page.items), page.next_page_token)


ROUTES = [
    *rpc("POST", "logged-models", Permission.WRITE, CreateLoggedModel, create),
    *rpc("POST", "logged-models/search", Permission.READ, SearchLoggedModels, search),
    *rpc("GET", "logged-models/{id}", Permission.READ, GetLoggedModel, get),
    *rpc("PATCH", "logged-models/{id}", Permission.WRITE, FinalizeLoggedModel, finalize),
    *rpc("DELETE", "logged-models/{id}", Permission.WRITE, LoggedModelRequest, delete),
    *rpc("POST", "logged-models/{id}/params", Permission.WRITE, AddParams, add_params),
    *rpc("PATCH", "logged-models/{id}/tags", Permission.WRITE, SetTags, set_tags),
    *rpc("DELETE", "logged-models/{id}/tags/{tag_key}", Permission.WRITE, DeleteTag, delete_tag),
]
