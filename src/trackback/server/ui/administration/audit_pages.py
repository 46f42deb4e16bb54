"""The audit log: who changed what, the newest first, by its filters."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, AuditEntry, Permission
from trackback.errors import InvalidParameter
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.services import Services
from trackback.services.pages import Page
from trackback.services.times import parse_time_ms

PATH = "/audit"
ROWS = 100
ACTIONS = (
    *("role.grant", "role.revoke", "user.add", "user.disable", "user.enable", "user.password"),
    *("token.create", "token.revoke", "session.begin", "session.end"),
    *("promotion.promote", "promotion.override", "policy.set", "policy.remove", "alias.set", "alias.delete"),
    *("model.create", "model.delete", "version.create", "version.delete", "version.purge", "stage.set"),
    *("webhook.create", "webhook.update", "webhook.delete", "webhook.replay"),
)
"""Suggested where one is asked for; any other may be typed."""


@dataclass(frozen=True)
class AuditState:
    """The URL of the page: field by field, as they are typed."""

    actor: str = ""
    object: str = ""
    action: str = ""
    since: str = ""
    until: str = ""
    page_token: str = ""

    @classmethod
    def of(cls, request: Request) -> Self:
        query = request.query_params
        return cls(*(query.get(field.name, "").strip() for field in fields(cls)))

    @property
    def is_filtered(self) -> bool:
        return replace(self, page_token="") != AuditState()

    def url(self, **changes: Any) -> str:
        state = replace(self, **changes)
        query = {field.name: text for field in fields(self) if (text := getattr(state, field.name))}
        return f"{PATH}?{urlencode(query)}" if query else PATH


@page
async def show_audit(services: Services, actor: Actor, request: Request) -> Response:
    state, problem = AuditState.of(request), ""
    found: Page[AuditEntry] = Page(())
    try:
        found = await services.audit.search(
            actor,
            by=state.actor,
            object=state.object,
            action=state.action,
            since_ms=parse_time_ms(state.since, "since") if state.since else None,
            until_ms=parse_time_ms(state.until, "until") if state.until else None,
            max_results=ROWS,
            page_token=state.page_token,
        )
    except InvalidParameter as error:
        problem = error.message
    return await render(
        "administration/audit.html",
        400 if problem else 200,
        state=state,
        found=found,
        problem=problem,
        actions=ACTIONS,
        place_of=place_of,
    )


def place_of(entry: AuditEntry) -> str:
    """The page of what was changed; empty if it has none."""
    kind, _, name = entry.object.partition("/")
    match kind:
        case "users":
            return f"/accounts/{quote(name, safe='')}"
        case "webhooks" | "experiments" | "promotions" | "runs":
            return f"/{kind}/{quote(name, safe='')}"
        case "models" if isinstance(called := entry.details.get("name"), str):
            return f"/registry/{quote(called, safe='')}"
    return ""


ROUTES = [shows(PATH, show_audit, Permission.ADMIN)]
