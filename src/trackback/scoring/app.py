"""The routes of the scoring server, as an ASGI application."""

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from trackback.errors import MethodNotAllowed, UnknownEndpoint
from trackback.limits import shown
from trackback.scoring.backlog import Backlog
from trackback.scoring.messages import Answer, Question
from trackback.scoring.served import Served
from trackback.server.body import ClientGone, read_body
from trackback.server.observation import Observer, RequestStatistics
from trackback.server.replies import send_error

if TYPE_CHECKING:
    from trackback.scoring.exposition import Exposition

CLIENT_GONE = 499
NO_ROUTE = "(none)"
PROTOCOL_VERSION = "3.17.2"  # of MLflow, whose server answers /version with its own

_PLAIN = "text/plain; charset=utf-8"


class ScoringApp:
    """``guard`` raises PermissionDenied for requests that a foreign web page made."""

    def __init__(
        self, backlog: Backlog, served: Served, guard: Callable[[Scope], None], max_body_bytes: int, log_requests: bool
    ) -> None:
        self._backlog = backlog
        self._served = served
        self._guard = guard
        self._max_body_bytes = max_body_bytes
        self._statistics = RequestStatistics()
        self._observe = Observer(self._statistics, log_requests=log_requests)
        self._exposition: Exposition | None = None
        self._door: bool | None = None
        self._looks: Mapping[str, Callable[[], Answer]] = {
            "/ping": self._ping,
            "/health": self._health,
            "/version": lambda: Answer(200, PROTOCOL_VERSION.encode()),
        }

    def has_door(self, is_open: bool) -> None:
        """Be told of a server that takes turns with another one. While its door is closed, answers end connections:
        so clients that keep theirs come to the other one.
        """
        self._door = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        path = scope["path"]
        known = path == "/invocations" or path == "/metrics" or path in self._looks
        try:
            try:
                self._guard(scope)
                answer = await self._answer(scope["method"], path, scope, receive)
                status = await _send(send, answer, self._door is False)
            except ClientGone:
                raise
            except Exception as error:  # noqa: BLE001 - the outermost edge: send_error logs what is not ours
                status = await send_error(scope, send, error)
        except ClientGone:
            status = CLIENT_GONE
        self._observe(scope, path if known else NO_ROUTE, status, perf_counter() - started)

    async def _answer(self, method: str, path: str, scope: Scope, receive: Receive) -> Answer:
        if path == "/invocations":
            _check_method(method, path, ("POST",))
            body = await read_body(scope, receive, self._max_body_bytes)
            return await self._backlog.ask(Question(_content_type(scope), body))
        if path == "/metrics":
            _check_method(method, path, ("GET", "HEAD"))
            return Answer(200, await asyncio.to_thread(self._metrics), "text/plain; version=0.0.4; charset=utf-8")
        if look := self._looks.get(path):
            _check_method(method, path, ("GET", "HEAD"))
            return look()
        raise UnknownEndpoint(
            f"There is no {method} {shown(path, 200)} here. A scoring server has /invocations, /ping, /health, "
            "/version and /metrics."
        )

    def _ping(self) -> Answer:
        return Answer(200 if self._served.alive else 503, b"\n")

    def _health(self) -> Answer:
        health = replace(self._served.health, accepting=self._door)
        return Answer(200 if self._served.alive else 503, msgspec.json.encode(health) + b"\n")

    def _metrics(self) -> bytes:
        if self._exposition is None:
            from trackback.scoring.exposition import Exposition  # noqa: PLC0415 - takes 0.1 s, and only scrapes need it

            self._exposition = Exposition(self._statistics, self._backlog, self._served)
        return self._exposition.text()


def _check_method(method: str, path: str, allowed: tuple[str, ...]) -> None:
    if method not in allowed:
        raise MethodNotAllowed(f"{method} is not allowed for {path}. Allowed: {', '.join(allowed)}.", allowed)


def _content_type(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return str(value, "latin-1")
    return ""


async def _send(send: Send, answer: Answer, is_last: bool) -> int:
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(answer.body)),
    ]
    if is_last:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
    return answer.status
