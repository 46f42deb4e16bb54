"""The ASGI application: from a request to its route, by way of everything that all requests go through."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from starlette.types import Receive, Scope, Send

from trackback.server.authorization import Admit
from trackback.server.body import ClientGone
from trackback.server.replies import send_error
from trackback.server.routing import READMIT, ROUTER, Router

CLIENT_GONE = 499
NO_ROUTE = "(none)"

Guard = Callable[[Scope], None]
Refuse = Callable[[Scope, Send, Exception], Awaitable[int]]
"""Answers with an error, and returns the status."""
Observe = Callable[[Scope, str, int, float], None]
"""Is told of each request: the path of its route, the status and the seconds it took."""


@dataclass(frozen=True)
class Dispatcher:
    router: Router
    guard: Guard
    admit: Admit
    observe: Observe
    stop_waiting: Callable[[], None] = lambda: None
    refuse_page: Refuse = send_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        route, refuse = NO_ROUTE, self.refuse_page
        try:
            try:
                self.guard(scope)
                target, scope["path_params"] = self.router.find(scope["method"], scope["path"], scope["raw_path"])
                route = target.route.path
                refuse = self.refuse_page if target.route.is_page else send_error
                admit = partial(self.admit, scope, target.route.permission, is_page=target.route.is_page)
                scope[READMIT], scope[ROUTER] = admit, self.router
                actor = await admit()
                status = await target.handle(actor, scope, receive, send)
            except ClientGone:
                raise
            except Exception as error:  # noqa: BLE001 - the outermost edge: whoever answers logs what is not ours
                status = await refuse(scope, send, error)
        except ClientGone:
            status = CLIENT_GONE
        self.observe(scope, route, status, perf_counter() - started)
