"""Endpoints that need the request as it comes: artifacts, pages."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from trackback.entities import Actor
from trackback.server.body import ClientGone, limited
from trackback.server.routing import BodyLimits, Handler
from trackback.services import Services

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Raw:
    """Calls a function that takes Starlette's Request and returns its Response; bodies have the artifacts' limit."""

    function: Callable[[Services, Actor, Request], Awaitable[Response]]

    def bind(self, services: Services, limits: BodyLimits) -> Handler:
        async def handle(actor: Actor, scope: Scope, receive: Receive, send: Send) -> int:
            request = Request(scope, limited(scope, receive, limits.artifact))
            response = await self.function(services, actor, request)
            await _send(response, scope, receive, send)
            return response.status_code

        return handle


async def _send(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the response. Once it has begun, an error can't be answered any more: the connection ends in the middle."""
    started = False

    async def send_and_note(message: Message) -> None:
        nonlocal started
        started = True
        await send(message)

    try:
        await response(scope, receive, send_and_note)
    except ClientGone:
        raise
    except Exception as error:
        if not started:
            raise
        log.exception("the answer to %s %s broke off", scope["method"], scope["path"])
        raise ClientGone from error
