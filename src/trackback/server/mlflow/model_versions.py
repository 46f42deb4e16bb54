"""MLflow's endpoints for versions of registered models."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission
from trackback.limits import MODEL_VERSIONS_PER_PAGE_DEFAULT
from trackback.server.downloads import download
from trackback.server.mlflow.endpoints import query_field, raw, rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.server.mlflow.registered_models import ModelVersionAnswer, ModelVersionsAnswer
from trackback.server.mlflow.runs import KeyValue, pairs
from trackback.services import Services


class CreateModelVersion(Message, frozen=True):
    name: NonEmpty
    source: NonEmpty
    run_id: str = ""
    tags: tuple[KeyValue, ...] = ()
    run_link: str = ""
    description: str = ""
    model_id: str = ""


class ModelVersionRequest(Message, frozen=True):
    name: NonEmpty
    version: NonEmpty


class UpdateModelVersion(ModelVersionRequest, frozen=True):
    description: str = ""


class TransitionStage(ModelVersionRequest, frozen=True, kw_only=True):
    stage: NonEmpty
    archive_existing_versions: bool = False


class SearchModelVersions(Message, frozen=True):
    filter: str = ""
    max_results: Int64 = MODEL_VERSIONS_PER_PAGE_DEFAULT
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class SetModelVersionTag(ModelVersionRequest, frozen=True, kw_only=True):
    key: NonEmpty
    value: str = ""


class DeleteModelVersionTag(ModelVersionRequest, frozen=True, kw_only=True):
    key: NonEmpty


class DownloadUriAnswer(msgspec.Struct):
    artifact_uri: str


async def create(services: Services, actor: Actor, request: CreateModelVersion) -> ModelVersionAnswer:
    version = await services.model_versions.create(
        actor,
        request.name,
        request.source,
        run_id=request.run_id,
        model_id=request.model_id,
        run_link=request.run_link,
        description=request.description,
        tags=pairs(request.tags),
    )
    return ModelVersionAnswer(version)


async def get(services: Services, actor: Actor, request: ModelVersionRequest) -> ModelVersionAnswer:
    return ModelVersionAnswer(await services.model_versions.get(actor, request.name, request.version))


async def update(services: Services, actor: Actor, request: UpdateModelVersion) -> ModelVersionAnswer:
    version = await services.model_versions.update(actor, request.name, request.version, request.description)
    return ModelVersionAnswer(version)


async def delete(services: Services, actor: Actor, request: ModelVersionRequest) -> None:
    await services.model_versions.delete(actor, request.name, request.version)


async def transition_stage(services: Services, actor: Actor, request: TransitionStage) -> ModelVersionAnswer:
    version = await services.model_versions.transition_stage(
        actor, request.name, request.version, request.stage, archive_existing=request.archive_existing_versions
    )
    return ModelVersionAnswer(version)


async def search(services: Services, actor: Actor, request: SearchModelVersions) -> ModelVersionsAnswer:
    page = await services.model_versions.search(
        actor,
        max_results=request.max_results,
        filter_text=request.filter,
        order_by=request.order_by,
        page_token=request.page_token,
    )
    return ModelVersionsAnswer(tuple(page.items), page.next_page_token)


async def get_download_uri(services: Services, actor: Actor, request: ModelVersionRequest) -> DownloadUriAnswer:
    return DownloadUriAnswer(await services.model_versions.download_uri(actor, request.name, request.version))


async def set_tag(services: Services, actor: Actor, request: SetModelVersionTag) -> None:
    await services.model_versions.set_tag(actor, request.name, request.version, request.key, request.value)


async def delete_tag(services: Services, actor: Actor, request: DeleteModelVersionTag) -> None:
    await services.model_versions.delete_tag(actor, request.name, request.version, request.key)


async def fetch(services: Services, actor: Actor, request: Request) -> Response:
    name, version, path = (query_field(request, field) for field in ("name", "version", "path"))
    return download(await services.artifacts.open_of_version(actor, name, version, path), request)


ROUTES = [
    *rpc("POST", "model-versions/create", Permission.WRITE, CreateModelVersion, create),
    *rpc("GET", "model-versions/get", Permission.READ, ModelVersionRequest, get),
    *rpc("PATCH", "model-versions/update", Permission.WRITE, UpdateModelVersion, update),
    *rpc("DELETE", "model-versions/delete", Permission.WRITE, ModelVersionRequest, delete),
    *rpc("POST", "model-versions/transition-stage", Permission.WRITE, TransitionStage, transition_stage),
    *rpc("GET", "model-versions/search", Permission.READ, SearchModelVersions, search),
    *rpc("POST", "model-versions/search", Permission.READ, SearchModelVersions, search),
    *rpc("GET", "model-versions/get-download-uri", Permission.READ, ModelVersionRequest, get_download_uri),
    *rpc("POST", "model-versions/set-tag", Permission.WRITE, SetModelVersionTag, set_tag),
    *rpc("DELETE", "model-versions/delete-tag", Permission.WRITE, DeleteModelVersionTag, delete_tag),
    *raw("GET", "model-versions/get-artifact", Permission.READ, fetch, under=("/",), is_page=True),
]
