"""What the plugin asks for on an agent: files to fetch, and artifacts to publish."""

import msgspec

from trackback.entities import Actor, Permission
from trackback.server.gocd.endpoints import relay
from trackback.server.mlflow.protojson import Int64, NonEmpty
from trackback.services import Services
from trackback.services.gocd.files import FetchedTree, Wanted
from trackback.services.gocd.publications import Begun, Published, UploadedFile


class FilesRequest(msgspec.Struct, frozen=True):
    promotion: Int64 | None = None
    model: str = ""
    version: str = ""
    run_id: str = ""
    pattern: str = "**"


class BeginRequest(msgspec.Struct, frozen=True):
    """``job`` are variables of the job's environment; ``artifact`` is the plan's id in GoCD."""

    model: NonEmpty
    job: dict[str, str]
    experiment: str | None = None
    description: str | None = None
    artifact: str | None = None


class FinishRequest(msgspec.Struct, frozen=True):
    run_id: NonEmpty
    files: tuple[UploadedFile, ...]


class Metadata(msgspec.Struct, frozen=True):
    """What GoCD keeps of an artifact, and hands to the jobs that fetch it."""

    model: str
    version: str
    digest: str
    run_id: str


class FinishAnswer(msgspec.Struct, frozen=True):
    metadata: Metadata


async def find_files(services: Services, actor: Actor, request: FilesRequest) -> FetchedTree:
    wanted = Wanted(request.promotion, request.model, request.version, request.run_id)
    return await services.gocd.files.find(actor, wanted, request.pattern)


async def begin(services: Services, actor: Actor, request: BeginRequest) -> Begun:
    asked = Published(
        model=request.model,
        variables=request.job,
        experiment=request.experiment or "",
        description=request.description or "",
        artifact=request.artifact or "",
    )
    return await services.gocd.publications.begin(actor, asked)


async def finish(services: Services, actor: Actor, request: FinishRequest) -> FinishAnswer:
    version = await services.gocd.publications.finish(actor, request.run_id, request.files)
    return FinishAnswer(Metadata(version.name, version.version, f"sha256:{version.digest}", request.run_id))


ROUTES = [
    relay("task/files", Permission.READ, FilesRequest, find_files),
    relay("artifact/begin", Permission.WRITE, BeginRequest, begin),
    relay("artifact/finish", Permission.WRITE, FinishRequest, finish),
]
