"""MLflow's endpoints for registered models and their aliases."""

import msgspec

from trackback.entities import Actor, ModelVersion, Permission, RegisteredModel
from trackback.limits import REGISTERED_MODELS_PER_PAGE_DEFAULT
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.server.mlflow.runs import KeyValue, pairs
from trackback.services import Services


class CreateRegisteredModel(Message, frozen=True):
    name: NonEmpty
    tags: tuple[KeyValue, ...] = ()
    description: str = ""


class RegisteredModelRequest(Message, frozen=True):
    name: NonEmpty


class UpdateRegisteredModel(RegisteredModelRequest, frozen=True):
    description: str = ""


class RenameRegisteredModel(RegisteredModelRequest, frozen=True, kw_only=True):
    new_name: NonEmpty


class SearchRegisteredModels(Message, frozen=True):
    filter: str = ""
    max_results: Int64 = REGISTERED_MODELS_PER_PAGE_DEFAULT
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class GetLatestVersions(RegisteredModelRequest, frozen=True):
    stages: tuple[str, ...] = ()


class SetRegisteredModelTag(RegisteredModelRequest, frozen=True, kw_only=True):
    key: NonEmpty
    value: str = ""


class DeleteRegisteredModelTag(RegisteredModelRequest, frozen=True, kw_only=True):
    key: NonEmpty


class AliasRequest(RegisteredModelRequest, frozen=True, kw_only=True):
    alias: NonEmpty


class SetAlias(AliasRequest, frozen=True, kw_only=True):
    version: NonEmpty


class RegisteredModelAnswer(msgspec.Struct):
    registered_model: RegisteredModel


class RegisteredModelsAnswer(msgspec.Struct, omit_defaults=True):
    registered_models: tuple[RegisteredModel, ...] = ()
    next_page_token: str | None = None


class ModelVersionAnswer(msgspec.Struct):
    model_version: ModelVersion


class ModelVersionsAnswer(msgspec.Struct, omit_defaults=True):
    model_versions: tuple[ModelVersion, ...] = ()
    next_page_token: str | None = None


async def create(services: Services, actor: Actor, request: CreateRegisteredModel) -> RegisteredModelAnswer:
    model = await services.registered_models.create(
        actor,
        request.name,
        description=request.description,
        tags=pairs(request.tags),
    )
    return RegisteredModelAnswer(model)


async def get(services: Services, actor: Actor, request: RegisteredModelRequest) -> RegisteredModelAnswer:
    return RegisteredModelAnswer(await services.registered_models.get(actor, request.name))


async def update(services: Services, actor: Actor, request: UpdateRegisteredModel) -> RegisteredModelAnswer:
    return RegisteredModelAnswer(await services.registered_models.update(actor, request.name, request.description))


async def rename(services: Services, actor: Actor, request: RenameRegisteredModel) -> RegisteredModelAnswer:
    return RegisteredModelAnswer(await services.registered_models.rename(actor, request.name, request.new_name))


async def delete(services: Services, actor: Actor, request: RegisteredModelRequest) -> None:
    await services.registered_models.delete(actor, request.name)


async def search(services: Services, actor: Actor, request: SearchRegisteredModels) -> RegisteredModelsAnswer:
    page = await services.registered_models.search(
        actor,
        max_results=request.max_results,
        filter_text=request.filter,
        order_by=request.order_by,
        page_token=request.page_token,
    )
    return RegisteredModelsAnswer(tuple(page.items), page.next_page_token)


async def get_latest_versions(services: Services, actor: Actor, request: GetLatestVersions) -> ModelVersionsAnswer:
    return ModelVersionsAnswer(tuple(await services.model_versions.latest(actor, request.name, request.stages)))


async def set_tag(services: Services, actor: Actor, request: SetRegisteredModelTag) -> None:
    await services.registered_models.set_tag(actor, request.name, request.key, request.value)


async def delete_tag(services: Services, actor: Actor, request: DeleteRegisteredModelTag) -> None:
    await services.registered_models.delete_tag(actor, request.name, request.key)


async def set_alias(services: Services, actor: Actor, request: SetAlias) -> None:
    await services.registered_models.set_alias(actor, request.name, request.alias, request.version)


async def delete_alias(services: Services, actor: Actor, request: AliasRequest) -> None:
    await services.registered_models.delete_alias(actor, request.name, request.alias)


async def get_by_alias(services: Services, actor: Actor, request: AliasRequest) -> ModelVersionAnswer:
    return ModelVersionAnswer(await services.model_versions.get_by_alias(actor, request.name, request.alias))


# MLflow's own server answers a POST of search with 405, but its R client sends one.
ROUTES = [
    *rpc("POST", "registered-models/create", Permission.WRITE, CreateRegisteredModel, create),
    *rpc("GET", "registered-models/get", Permission.READ, RegisteredModelRequest, get),
    *rpc("PATCH", "registered-models/update", Permission.WRITE, UpdateRegisteredModel, update),
    *rpc("POST", "registered-models/rename", Permission.WRITE, RenameRegisteredModel, rename),
    *rpc("DELETE", "registered-models/delete", Permission.WRITE, RegisteredModelRequest, delete),
    *rpc("GET", "registered-models/search", Permission.READ, SearchRegisteredModels, search),
    *rpc("POST", "registered-models/search", Permission.READ, SearchRegisteredModels, search),
    *rpc("GET", "registered-models/get-latest-versions", Permission.READ, GetLatestVersions, get_latest_versions),
    *rpc("POST", "registered-models/get-latest-versions", Permission.READ, GetLatestVersions, get_latest_versions),
    *rpc("POST", "registered-models/set-tag", Permission.WRITE, SetRegisteredModelTag, set_tag),
    *rpc("DELETE", "registered-models/delete-tag", Permission.WRITE, DeleteRegisteredModelTag, delete_tag),
    *rpc("GET", "registered-models/alias", Permission.READ, AliasRequest, get_by_alias),
    *rpc("POST", "registered-models/alias", Permission.WRITE, SetAlias, set_alias),
    *rpc("DELETE", "registered-models/alias", Permission.WRITE, AliasRequest, delete_alias),
]
