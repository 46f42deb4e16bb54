"""Routes for those who watch the server: /health, /version, /ready, /metrics."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from trackback import __version__
from trackback.entities import Actor, Permission
from trackback.errors import TrackbackError
from trackback.server.observation import RequestStatistics
from trackback.server.raw import Raw
from trackback.server.replies import send_json
from trackback.server.routing import BodyLimits, Handler, Route
from trackback.services import Services

if TYPE_CHECKING:
    from trackback.server.exposition import Exposition

READY_TIMEOUT_S = 5.0

Ping = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


def probe_routes(pings: Mapping[str, Ping], statistics: RequestStatistics, waiting: Callable[[], int]) -> list[Route]:
    """``pings``: what the server needs to be ready, by name; ``waiting``: how many operations wait for the database."""
    return [
        Route("GET", "/health", Permission.NOTHING, Raw(_health)),
        Route("GET", "/version", Permission.NOTHING, Raw(_version)),
        Route("GET", "/ready", Permission.NOTHING, Ready(pings)),
        Route("GET", "/metrics", Permission.NOTHING, Raw(Scrape(statistics, waiting))),
    ]


async def _health(services: Services, actor: Actor, request: Request) -> Response:
    return PlainTextResponse("OK")


async def _version(services: Services, actor: Actor, request: Request) -> Response:
    """Our own. MLflow's tracing client posts its traces to servers of 3.4 and later; ours takes none."""
    return PlainTextResponse(__version__)


class Readiness(msgspec.Struct):
    ready: bool
    checks: dict[str, str]


@dataclass(frozen=True)
class Ready:
    """200 if all that the server needs answers, else 503; either way a word on each of them."""

    pings: Mapping[str, Ping]

    def bind(self, services: Services, limits: BodyLimits) -> Handler:
        async def handle(actor: Actor, scope: Scope, receive: Receive, send: Send) -> int:
            words = await asyncio.gather(*(_try(name, ping) for name, ping in self.pings.items()))
            readiness = Readiness(all(word == "ok" for word in words), dict(zip(self.pings, words, strict=True)))
            return await send_json(send, msgspec.json.encode(readiness), 200 if readiness.ready else 503)

        return handle


async def _try(name: str, ping: Ping) -> str:
    """Why it does not answer is for the log only: anybody may ask."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await ping()
    except TimeoutError:
        log.warning("not ready: no answer from the %s within %g s", name, READY_TIMEOUT_S)
    except TrackbackError as error:
        log.warning("not ready: no answer from the %s: %s", name, error)
    else:
        return "ok"
    return "does not answer"


class Scrape:
    """Answers /metrics."""

    def __init__(self, statistics: RequestStatistics, waiting: Callable[[], int]) -> None:
        self._statistics = statistics
        self._waiting = waiting
        self._exposition: Exposition | None = None

    async def __call__(self, services: Services, actor: Actor, request: Request) -> Response:
        text = await asyncio.to_thread(self._text)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    def _text(self) -> bytes:
        if self._exposition is None:
            from trackback.server.exposition import Exposition  # noqa: PLC0415 - takes 0.1 s, and only scrapes need it

            self._exposition = Exposition(self._statistics, self._waiting)
        return self._exposition.text()
