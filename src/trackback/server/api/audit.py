"""Our API for the audit log."""

import msgspec

from trackback.entities import Actor, AuditEntry, Permission
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message
from trackback.services import Services
from trackback.services.times import parse_time_ms


class SearchAudit(Message, frozen=True):
    """``since`` and ``until`` are times, as ``2026-11-01T00:00:00Z`` or in milliseconds since the epoch."""

    actor: str = ""
    object: str = ""
    action: str = ""
    since: str = ""
    until: str = ""
    max_results: Int64 = 100
    page_token: str = ""


class AuditAnswer(msgspec.Struct, omit_defaults=True):
    entries: tuple[AuditEntry, ...] = ()
    next_page_token: str | None = None


async def search(services: Services, actor: Actor, request: SearchAudit) -> AuditAnswer:
    page = await services.audit.search(
        actor,
        by=request.actor,
        object=request.object,
        action=request.action,
        since_ms=parse_time_ms(request.since, "since") if request.since else None,
        until_ms=parse_time_ms(request.until, "until") if request.until else None,
        max_results=request.max_results,
        page_token=request.page_token,
    )
    return AuditAnswer(tuple(page.items), page.next_page_token)


ROUTES = rpc("GET", "audit", Permission.ADMIN, SearchAudit, search, under=API)
