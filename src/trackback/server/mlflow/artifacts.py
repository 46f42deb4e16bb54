"""MLflow's endpoints for artifacts: the proxy that its clients use, and those by run and by logged model."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, FileInfo, Permission
from trackback.errors import InvalidParameter, NotImplementedHere
from trackback.server.body import limited
from trackback.server.downloads import download, etag
from trackback.server.mlflow.endpoints import AJAX_ONLY, ARTIFACTS, TRACKING, query_field, raw, rpc
from trackback.server.mlflow.protojson import Message, NonEmpty
from trackback.server.mlflow.runs import RunRequest
from trackback.services import Services

UI_UPLOAD_BYTES = 10 * 2**20  # MLflow's limit for what its pages upload


class ListArtifacts(Message, frozen=True):
    path: str = ""


class ArtifactPath(Message, frozen=True):
    path: str


class ListRunArtifacts(RunRequest, frozen=True, kw_only=True):
    path: str = ""
    page_token: str = ""  # taken and not needed: a listing is whole


class ListModelArtifacts(Message, frozen=True):
    model_id: NonEmpty
    artifact_directory_path: str = ""
    page_token: str = ""


class FilesAnswer(msgspec.Struct, omit_defaults=True):
    files: tuple[FileInfo, ...] = ()


class TreeAnswer(msgspec.Struct, omit_defaults=True):
    root_uri: str
    files: tuple[FileInfo, ...] = ()


async def list_directory(services: Services, actor: Actor, request: ListArtifacts) -> FilesAnswer:
    return FilesAnswer(tuple(await services.artifacts.list_directory(actor, request.path)))


async def upload(services: Services, actor: Actor, request: Request) -> Response:
    digest = await services.artifacts.put(actor, request.path_params["path"], request.stream())
    return Response(headers={"etag": etag(digest)})


async def fetch(services: Services, actor: Actor, request: Request) -> Response:
    return download(await services.artifacts.open(actor, request.path_params["path"]), request)


async def delete(services: Services, actor: Actor, request: ArtifactPath) -> None:
    await services.artifacts.delete(actor, request.path)


async def refuse_multipart(services: Services, actor: Actor, request: Request) -> Response:
    raise NotImplementedHere("Multipart uploads are not supported: upload the file with one PUT, which may be large.")


async def refuse_presigned(services: Services, actor: Actor, request: Request) -> Response:
    raise NotImplementedHere("Presigned downloads are not supported: download the file with GET.")


async def refuse_presigned_url(services: Services, actor: Actor, request: Request) -> Response:
    raise InvalidParameter("This server gives out no presigned URLs: upload and download files through it.")


async def list_of_run(services: Services, actor: Actor, request: ListRunArtifacts) -> TreeAnswer:
    listing = await services.artifacts.list_run(actor, request.run, request.path)
    return TreeAnswer(listing.root_uri, tuple(listing.files))


async def fetch_of_run(services: Services, actor: Actor, request: Request) -> Response:
    return download(await services.artifacts.open_of_run(actor, _run(request), query_field(request, "path")), request)


async def upload_to_run(services: Services, actor: Actor, request: Request) -> Response:
    body = Request(request.scope, limited(request.scope, request.receive, UI_UPLOAD_BYTES))
    digest = await services.artifacts.put_to_run(actor, _run(request), query_field(request, "path"), body.stream())
    return Response("{}", headers={"etag": etag(digest)}, media_type="application/json")


async def list_of_model(services: Services, actor: Actor, request: ListModelArtifacts) -> TreeAnswer:
    listing = await services.artifacts.list_model(actor, request.model_id, request.artifact_directory_path)
    return TreeAnswer(listing.root_uri, tuple(listing.files))


async def fetch_of_model(services: Services, actor: Actor, request: Request) -> Response:
    path = query_field(request, "artifact_file_path")
    return download(await services.artifacts.open_of_model(actor, request.path_params["model_id"], path), request)


def _run(request: Request) -> str:
    return request.query_params.get("run_id") or request.query_params.get("run_uuid") or query_field(request, "run_id")


ROUTES = [
    *rpc("GET", "artifacts", Permission.READ, ListArtifacts, list_directory, under=ARTIFACTS),
    *raw("PUT", "artifacts/{path:path}", Permission.WRITE, upload),
    *raw("GET", "artifacts/{path:path}", Permission.READ, fetch),
    *rpc("DELETE", "artifacts/{path:path}", Permission.WRITE, ArtifactPath, delete, under=ARTIFACTS),
    *raw("POST", "mpu/create/{path:path}", Permission.WRITE, refuse_multipart),
    *raw("POST", "mpu/complete/{path:path}", Permission.WRITE, refuse_multipart),
    *raw("POST", "mpu/abort/{path:path}", Permission.WRITE, refuse_multipart),
    *raw("GET", "presigned/{path:path}", Permission.READ, refuse_presigned),
    *rpc("GET", "artifacts/list", Permission.READ, ListRunArtifacts, list_of_run),
    *raw("POST", "artifacts/presigned-upload-url", Permission.WRITE, refuse_presigned_url, under=TRACKING),
    *raw("POST", "artifacts/presigned-download-url", Permission.READ, refuse_presigned_url, under=TRACKING),
    *raw("GET", "get-artifact", Permission.READ, fetch_of_run, under=("/",), is_page=True),
    *raw("POST", "upload-artifact", Permission.WRITE, upload_to_run, under=AJAX_ONLY),
    *rpc("GET", "logged-models/{model_id}/artifacts/directories", Permission.READ, ListModelArtifacts, list_of_model),
    *raw("GET", "logged-models/{model_id}/artifacts/files", Permission.READ, fetch_of_model, under=AJAX_ONLY),
]
