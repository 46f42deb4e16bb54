"""Our API for deployments: what is live where, and what was."""

import msgspec

from trackback.entities import Actor, Deployment, DeploymentKind, Permission
from trackback.limits import DEPLOYMENTS_PER_PAGE_DEFAULT
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services
from trackback.services.deployment_reports import DeploymentReport
from trackback.services.locators import Place
from trackback.services.times import parse_time_ms


class ReportDeployment(Message, frozen=True):
    kind: DeploymentKind
    locator: NonEmpty
    environment: str = ""
    version: str = ""
    digest: str = ""
    promotion: Int64 | None = None
    build: Int64 | None = None
    image: str = ""
    region: str = ""
    slot: str = ""
    key: str = ""
    started: Int64 | None = None
    ended: Int64 | None = None
    replaces: tuple[Int64, ...] = ()
    replaces_previous: bool = False


class EndDeployment(Message, frozen=True):
    id: Int64
    ended: Int64 | None = None


class DeploymentRequest(Message, frozen=True):
    id: Int64


class ListDeployments(Message, frozen=True):
    """``at`` is a time: what was live then; ``now`` is one, too."""

    environment: str = ""
    at: str = ""
    stream: str = ""
    version: str = ""
    digest: str = ""
    locator: str = ""
    max_results: Int64 = DEPLOYMENTS_PER_PAGE_DEFAULT
    page_token: str = ""


class DeploymentAnswer(msgspec.Struct):
    deployment: Deployment


class DeploymentsAnswer(msgspec.Struct, omit_defaults=True):
    deployments: tuple[Deployment, ...]
    next_page_token: str | None = None


async def report(services: Services, actor: Actor, request: ReportDeployment) -> DeploymentAnswer:
    said = DeploymentReport(
        place=Place(request.kind, request.locator, request.image, request.region, request.slot),
        environment=request.environment,
        subject=request.version,
        digest=request.digest,
        promotion=request.promotion,
        build=request.build,
        key=request.key,
        started_ms=request.started,
        ended_ms=request.ended,
        replaces=request.replaces,
        replaces_previous=request.replaces_previous,
    )
    return DeploymentAnswer(await services.deployments.report(actor, said))


async def end(services: Services, actor: Actor, request: EndDeployment) -> DeploymentAnswer:
    return DeploymentAnswer(await services.deployments.end(actor, request.id, request.ended))


async def get(services: Services, actor: Actor, request: DeploymentRequest) -> DeploymentAnswer:
    return DeploymentAnswer(await services.deployments.get(actor, request.id))


async def search(services: Services, actor: Actor, request: ListDeployments) -> DeploymentsAnswer:
    page = await services.deployments.search(
        actor,
        environment=request.environment,
        at_ms=parse_time_ms(request.at, "at") if request.at not in ("", "now") else None,
        live=request.at == "now",
        stream=request.stream,
        subject=request.version,
        digest=request.digest,
        locator=request.locator,
        max_results=request.max_results,
        page_token=request.page_token,
    )
    return DeploymentsAnswer(tuple(page.items), page.next_page_token)


ROUTES = [
    *rpc("POST", "deployments", Permission.WRITE, ReportDeployment, report, under=API),
    *rpc("GET", "deployments", Permission.READ, ListDeployments, search, under=API),
    *rpc("GET", "deployments/{id}", Permission.READ, DeploymentRequest, get, under=API),
    *rpc("POST", "deployments/{id}/end", Permission.WRITE, EndDeployment, end, under=API),
]
