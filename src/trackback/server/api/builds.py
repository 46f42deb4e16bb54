"""Our API for builds: what CI does for promotions."""

import msgspec

from trackback.entities import Actor, Build, BuildResult, Permission
from trackback.limits import BUILDS_PER_PAGE_DEFAULT
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message
from trackback.services import Services
from trackback.services.builds import BuildReport


class ReportBuild(Message, frozen=True):
    key: str = ""
    promotion: Int64 | None = None
    system: str = ""
    pipeline: str = ""
    counter: str = ""
    stage: str = ""
    job: str = ""
    url: str = ""
    log_url: str = ""
    result: BuildResult | None = None
    started: Int64 | None = None
    finished: Int64 | None = None


class UpdateBuild(Message, frozen=True):
    id: Int64
    url: str = ""
    log_url: str = ""
    result: BuildResult | None = None
    started: Int64 | None = None
    finished: Int64 | None = None


class BuildRequest(Message, frozen=True):
    id: Int64


class ListBuilds(Message, frozen=True):
    promotion: Int64 | None = None
    subject: str = ""
    url: str = ""
    key: str = ""
    max_results: Int64 = BUILDS_PER_PAGE_DEFAULT
    page_token: str = ""


class BuildAnswer(msgspec.Struct):
    build: Build


class BuildsAnswer(msgspec.Struct, omit_defaults=True):
    builds: tuple[Build, ...]
    next_page_token: str | None = None


async def report(services: Services, actor: Actor, request: ReportBuild) -> BuildAnswer:
    said = BuildReport(
        key=request.key,
        promotion=request.promotion,
        system=request.system,
        pipeline=request.pipeline,
        counter=request.counter,
        stage=request.stage,
        job=request.job,
        url=request.url,
        log_url=request.log_url,
        result=request.result,
        started_ms=request.started,
        finished_ms=request.finished,
    )
    return BuildAnswer(await services.builds.report(actor, said))


async def update(services: Services, actor: Actor, request: UpdateBuild) -> BuildAnswer:
    said = BuildReport(
        url=request.url,
        log_url=request.log_url,
        result=request.result,
        started_ms=request.started,
        finished_ms=request.finished,
    )
    return BuildAnswer(await services.builds.update(actor, request.id, said))


async def get(services: Services, actor: Actor, request: BuildRequest) -> BuildAnswer:
    return BuildAnswer(await services.builds.get(actor, request.id))


async def search(services: Services, actor: Actor, request: ListBuilds) -> BuildsAnswer:
    page = await services.builds.search(
        actor,
        promotion=request.promotion,
        subject=request.subject,
        url=request.url,
        key=request.key,
        max_results=request.max_results,
        page_token=request.page_token,
    )
    return BuildsAnswer(tuple(page.items), page.next_page_token)


ROUTES = [
    *rpc("POST", "builds", Permission.WRITE, ReportBuild, report, under=API),
    *rpc("GET", "builds", Permission.READ, ListBuilds, search, under=API),
    *rpc("GET", "builds/{id}", Permission.READ, BuildRequest, get, under=API),
    *rpc("PATCH", "builds/{id}", Permission.WRITE, UpdateBuild, update, under=API),
]
