"""What a browser is told where a request got no further than to a page's door: sign in, or why not."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Scope, Send

from trackback.entities import ANYONE
from trackback.errors import TrackbackError, Unauthenticated
from trackback.server.credentials import authorization
from trackback.server.replies import send_error, told_error
from trackback.server.ui.frame.form_data import page_of
from trackback.server.ui.frame.rendering import render
from trackback.server.ui.frame.visitor import Visitor, made_for

LOGIN = "/login"
FETCHED_BY_HTMX = "hx-request"


@dataclass(frozen=True)
class Refusals:
    has_accounts: bool

    async def answer(self, scope: Scope, send: Send, error: Exception) -> int:
        """A page for whoever takes HTML, or the way to the form that signs in; MLflow's error object for others."""
        request = Request(scope)
        asks_by_htmx = FETCHED_BY_HTMX in request.headers
        if not (asks_by_htmx or "text/html" in request.headers.get("accept", "")):
            return await send_error(scope, send, error)
        if isinstance(error, Unauthenticated) and self.has_accounts and not authorization(scope):
            response = _led_to_login(request) if not asks_by_htmx else _told_to_go_to_login(request)
        else:
            response = await self._page(request, told_error(scope, error))
        await response(scope, _nothing_more, send)
        return response.status_code

    async def _page(self, request: Request, error: TrackbackError) -> Response:
        someone = Visitor(ANYONE, request.url.path, "", has_accounts=self.has_accounts)
        with made_for(someone):
            return await render("error.html", error.status, error=error)


def login_url(then: str) -> str:
    return LOGIN if then == "/" else f"{LOGIN}?next={quote(then, safe='/')}"


def _led_to_login(request: Request) -> Response:
    """And, once signed in, back: to the page itself, or to the one that a form was on."""
    scope = request.scope
    if scope["method"] in ("GET", "HEAD"):
        query = scope["query_string"].decode("ascii", "replace")
        path = scope["raw_path"].decode("ascii", "replace")
        then = f"{path}?{query}" if query else path
    else:
        then = page_of(request.headers.get("referer", ""))
    return RedirectResponse(login_url(then), 303, {"cache-control": "no-store"})


def _told_to_go_to_login(request: Request) -> Response:
    """A part of a page was asked for: the whole page goes."""
    then = page_of(request.headers.get("hx-current-url", ""))
    return Response(status_code=401, headers={"hx-redirect": login_url(then), "cache-control": "no-store"})


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}
