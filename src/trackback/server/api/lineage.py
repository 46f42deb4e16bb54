"""Our API for what something came from, and what came from it."""

import msgspec

from trackback.entities import Actor, AffectedModel, Permission, Provenance, Trace
from trackback.limits import AFFECTED_PER_PAGE_DEFAULT
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services
from trackback.services.impact import Question


class TraceRequest(Message, frozen=True):
    x: NonEmpty


class ImpactRequest(Message, frozen=True):
    dataset: str = ""
    package: str = ""
    commit: str = ""
    run: str = ""
    max_results: Int64 = AFFECTED_PER_PAGE_DEFAULT
    page_token: str = ""


class ProvenanceRequest(Message, frozen=True):
    run_id: NonEmpty


class ImpactAnswer(msgspec.Struct, omit_defaults=True):
    """``affected`` counts all versions; ``unindexed`` those that were not looked at yet, if there are any."""

    affected: int
    models: tuple[AffectedModel, ...]
    unindexed: int = 0
    next_page_token: str | None = None


class ProvenanceAnswer(msgspec.Struct):
    provenance: Provenance


async def trace(services: Services, actor: Actor, request: TraceRequest) -> Trace:
    return await services.traces.find(actor, request.x)


async def impact(services: Services, actor: Actor, request: ImpactRequest) -> ImpactAnswer:
    page = await services.impacts.find(
        actor,
        Question(dataset=request.dataset, package=request.package, commit=request.commit, run=request.run),
        max_results=request.max_results,
        page_token=request.page_token,
    )
    (found,) = page.items
    return ImpactAnswer(found.affected, found.models, found.unindexed, page.next_page_token)


async def provenance(services: Services, actor: Actor, request: ProvenanceRequest) -> ProvenanceAnswer:
    return ProvenanceAnswer(await services.provenance.get(actor, request.run_id))


ROUTES = [
    *rpc("GET", "trace/{x:path}", Permission.READ, TraceRequest, trace, under=API),
    *rpc("GET", "impact", Permission.READ, ImpactRequest, impact, under=API),
    *rpc("GET", "provenance", Permission.READ, ProvenanceRequest, provenance, under=API),
]
