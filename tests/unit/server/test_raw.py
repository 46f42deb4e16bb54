"""Endpoints that take the request as it comes."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Message, Scope

from trackback.entities import ANYONE, Actor
from trackback.errors import InvalidParameter, TooLarge
from trackback.server.body import ClientGone
from trackback.server.raw import Raw
from trackback.server.routing import BodyLimits
from trackback.services import Services

SERVICES = cast(Services, None)  # none of the endpoints here asks for one


async def exchange(
    function: Callable[[Services, Actor, Request], Awaitable[Response]],
    *chunks: bytes,
    gone: bool = False,
    limit: int | None = None,
) -> tuple[int, list[Message]]:
    """The status that the endpoint reports, and what it sends; the client sends ``chunks``, and may be gone then."""
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "PUT",
        "path": "/x",
        "headers": [(b"content-length", b"%d" % sum(map(len, chunks)))] if limit != 0 else [],
        "asgi": {"spec_version": "2.4"},
        "path_params": {},
    }
    handle = Raw(function).bind(SERVICES, BodyLimits(json=1, artifact=limit))
    return await handle(ANYONE, scope, receive, send), sent


async def read_all(services: Services, actor: Actor, request: Request) -> Response:
    return JSONResponse({"read": (await request.body()).decode()}, status_code=201)


async def test_an_endpoint_reads_the_body_and_its_response_is_sent() -> None:
    status, (start, body) = await exchange(read_all, b"a", b"b")

    assert (status, start["status"]) == (201, 201)
    assert json.loads(body["body"]) == {"read": "ab"}


async def test_a_body_within_the_limit_of_artifacts_is_read_and_a_larger_one_is_not() -> None:
    assert (await exchange(read_all, b"ab", b"cd", limit=4))[0] == 201
    with pytest.raises(TooLarge):
        await exchange(read_all, b"ab", b"cd", limit=3)


async def test_a_body_that_does_not_say_its_length_is_counted() -> None:
    with pytest.raises(TooLarge):
        await exchange(read_all, b"a", limit=0)


async def test_a_client_that_is_gone_ends_the_endpoint() -> None:
    with pytest.raises(ClientGone):
        await exchange(read_all, b"a", gone=True)


async def test_an_error_before_the_response_is_for_the_one_place_that_answers_errors() -> None:
    async def fail(services: Services, actor: Actor, request: Request) -> Response:
        raise InvalidParameter("no")

    with pytest.raises(InvalidParameter):
        await exchange(fail)


async def test_an_error_in_the_middle_of_the_response_is_logged_and_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece"
        raise OSError("the disk is gone")

    async def stream(services: Services, actor: Actor, request: Request) -> Response:
        return StreamingResponse(pieces())

    with caplog.at_level(logging.ERROR), pytest.raises(ClientGone):
        await exchange(stream)

    assert [record.getMessage() for record in caplog.records] == ["the answer to PUT /x broke off"]
