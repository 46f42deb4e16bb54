"""What becomes of errors, and who is told of a request."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from trackback.entities import Actor, Permission
from trackback.errors import InvalidParameter, PermissionDenied
from trackback.server.authorization import admit_anybody
from trackback.server.body import ClientGone
from trackback.server.dispatch import Dispatcher
from trackback.server.replies import send_json
from trackback.server.routing import BodyLimits, Handler, Route, Router, Target
from trackback.services import Services


class Unbound:
    def bind(self, services: Services, limits: BodyLimits) -> Handler:
        raise AssertionError("the tests bind by hand")


@dataclass
class Exchange:
    """Sends one request to an application of one route, GET /, and notes what comes of it."""

    answer: Callable[[], Awaitable[None]]
    sent: list[Message] = field(default_factory=list)
    observed: list[tuple[str, int]] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)
    permissions: list[Permission] = field(default_factory=list)
    denied: bool = False

    async def run(self, path: str = "/") -> None:
        route = Route("GET", "/", Permission.READ, Unbound())
        app = Dispatcher(
            router=Router([Target(route, self._handle)]),
            guard=lambda scope: None,
            admit=self._admit,
            observe=lambda scope, route, status, seconds: self.observed.append((route, status)),
        )
        scope: Scope = {"method": "GET", "path": path, "raw_path": path.encode(), "client": ("192.0.2.1", 5)}
        await app(scope, self._receive, self._send)

    @property
    def reply(self) -> tuple[int, Any]:
        start, body = self.sent
        return start["status"], json.loads(body["body"])

    async def _handle(self, actor: Actor, scope: Scope, receive: Receive, send: Send) -> int:
        self.actors.append(actor)
        await self.answer()
        return await send_json(send, b"{}")

    async def _admit(self, scope: Scope, permission: Permission, *, is_page: bool = False) -> Actor:
        self.permissions.append(permission)
        if self.denied:
            raise PermissionDenied("no")
        return await admit_anybody(scope, permission)

    async def _receive(self) -> Message:
        raise AssertionError("nothing is read")

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


async def nothing() -> None:
    pass


async def test_an_endpoint_is_told_who_asks_and_its_permission_is_asked_for() -> None:
    exchange = Exchange(nothing)
    await exchange.run()

    assert exchange.actors == [Actor("anyone", "192.0.2.1")]
    assert exchange.permissions == [Permission.READ]
    assert exchange.observed == [("/", 200)]


async def test_an_endpoint_is_not_asked_without_permission() -> None:
    exchange = Exchange(nothing, denied=True)
    await exchange.run()

    assert exchange.reply == (403, {"error_code": "PERMISSION_DENIED", "message": "no"})
    assert exchange.actors == []


async def test_our_own_errors_are_answered_with_their_status_and_code() -> None:
    async def fail() -> None:
        raise InvalidParameter("Invalid value '\ud800' for it.")

    exchange = Exchange(fail)
    await exchange.run()

    assert exchange.reply == (
        400,
        {"error_code": "INVALID_PARAMETER_VALUE", "message": r"Invalid value '\ud800' for it."},
    )
    assert exchange.observed == [("/", 400)]


async def test_any_other_error_is_logged_whole_and_told_by_its_number_only(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise KeyError("secret")

    exchange = Exchange(fail)
    with caplog.at_level(logging.ERROR):
        await exchange.run()

    status, reply = exchange.reply
    (record,) = caplog.records
    assert (status, reply["error_code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in reply["message"]
    assert record.__dict__["request_id"] in reply["message"]
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError


async def test_nobody_is_answered_who_is_gone() -> None:
    async def fail() -> None:
        raise ClientGone

    exchange = Exchange(fail)
    await exchange.run()

    assert exchange.sent == []
    assert exchange.observed == [("/", 499)]


async def test_unknown_paths_are_observed_as_one() -> None:
    exchange = Exchange(nothing)
    await exchange.run("/random")

    assert exchange.reply[0] == 404
    assert exchange.observed == [("(none)", 404)]
