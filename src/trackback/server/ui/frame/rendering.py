"""From a template to an answer. Whatever users have logged is escaped, and no page may load or run what is not ours."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from trackback import __version__
from trackback.entities import Actor
from trackback.errors import TrackbackError
from trackback.server.ui.frame import assets, formats
from trackback.server.ui.frame.visitor import made_for, visiting, visitor
from trackback.services import Services
from trackback.services.clock import now_ms

if TYPE_CHECKING:
    from jinja2 import Environment

Page = Callable[[Services, Actor, Request], Awaitable[Response]]

FOLDER = Path(__file__).parents[1] / "templates"
_POLICY = (
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "; ".join(_POLICY),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_ZIPPED = {"content-encoding": "gzip", "vary": "Accept-Encoding"}
_QUICKLY = 4
_WORTH_ZIPPING = 1000
DATA_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


async def render(template: str, status: int = 200, **values: object) -> Response:
    """The page, written in a thread: a wide table takes long enough that other requests would wait."""
    zipped = visitor().takes_gzip

    def write() -> bytes:
        text = _environment().get_template(template).render(values).encode(errors="replace")
        return gzip.compress(text, _QUICKLY, mtime=0) if zipped else text

    return HTMLResponse(await asyncio.to_thread(write), status, HEADERS | (_ZIPPED if zipped else {}))


def data(content: object, status: int = 200) -> Response:
    """JSON for a script of a page."""
    body = msgspec.json.encode(content)
    zipped = len(body) > _WORTH_ZIPPING and visitor().takes_gzip
    if zipped:
        body = gzip.compress(body, 1, mtime=0)
    return Response(body, status, DATA_HEADERS | (_ZIPPED if zipped else {}), "application/json")


def page(function: Page) -> Page:
    """Errors of trackback's own become pages, of the status that they have as JSON."""

    @wraps(function)
    async def answer(services: Services, actor: Actor, request: Request) -> Response:
        someone = visiting(services, actor, request)
        with made_for(someone):
            try:
                response = await function(services, actor, request)
            except TrackbackError as error:
                response = await render("error.html", error.status, error=error)
        someone.remember(response, request.scope)
        return response

    return answer


def data_source(function: Page) -> Page:
    """What scripts ask: errors stay JSON, which leave where those of all requests do."""

    @wraps(function)
    async def answer(services: Services, actor: Actor, request: Request) -> Response:
        with made_for(visiting(services, actor, request)):
            return await function(services, actor, request)

    return answer


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only pages need it

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in formats.FILTERS:
        environment.filters[function.__name__] = function
    environment.globals |= {
        "asset": assets.url,
        "now_ms": now_ms,
        "trackback_version": __version__,
        "unique": lambda: visitor().number(),
        "visitor": visitor,
    }
    return environment
