"""The kinds of endpoints that speak MLflow's protocol, and how its modules declare them.

``rpc`` takes a struct and returns one, as JSON, and so does ``poll``, after a while; ``raw`` takes Starlette's Request
and returns its Response. Each declaration makes a route for every prefix that MLflow serves it under.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trackback.entities import Actor, Permission
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server.body import read_body
from trackback.server.mlflow.protojson import Decoder, encode
from trackback.server.raw import Raw
from trackback.server.replies import send_json
from trackback.server.routing import READMIT, BodyLimits, Handler, Readmit, Route
from trackback.services import Services

TRACKING = ("/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/")
AJAX_ONLY = ("/ajax-api/2.0/mlflow/",)
ARTIFACTS = ("/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/")

# A body of this size may take long enough to decode that it should not hold up other requests.
LARGE_BODY_BYTES = 1 << 20

R = TypeVar("R", bound=msgspec.Struct)
RpcFunction = Callable[[Services, Actor, R], Awaitable[msgspec.Struct | None]]
PollFunction = Callable[[Services, Readmit, R], Awaitable[msgspec.Struct | None]]
Encoder = Callable[[msgspec.Struct | None], bytes]
RawFunction = Callable[[Services, Actor, Request], Awaitable[Response]]


@dataclass(frozen=True)
class Rpc(Generic[R]):
    """Decodes a request, calls one function, encodes what it returns (None: an empty object).

    This is the path of every logged metric, so it speaks ASGI without a Request and a Response in between.
    """

    request: type[R]
    function: RpcFunction[R]
    decoder: Decoder[R]
    encoder: Encoder = encode

    def bind(self, services: Services, limits: BodyLimits) -> Handler:
        function, decoder, encoder, limit = self.function, self.decoder, self.encoder, limits.json

        async def handle(actor: Actor, scope: Scope, receive: Receive, send: Send) -> int:
            request = await _read(decoder, scope, receive, limit)
            return await send_json(send, encoder(await function(services, actor, request)))

        return handle


@dataclass(frozen=True)
class Poll(Generic[R]):
    """An ``Rpc`` whose answer may be long in coming: its function is told not who asks, but how to ask that again."""

    request: type[R]
    function: PollFunction[R]
    decoder: Decoder[R]

    def bind(self, services: Services, limits: BodyLimits) -> Handler:
        async def handle(actor: Actor, scope: Scope, receive: Receive, send: Send) -> int:
            request = await _read(self.decoder, scope, receive, limits.json)
            return await send_json(send, encode(await self.function(services, scope[READMIT], request)))

        return handle


async def _read(decoder: Decoder[R], scope: Scope, receive: Receive, limit: int) -> R:
    method = scope["method"]
    if scope["query_string"] and method in ("GET", "HEAD"):
        return decoder.query(scope["query_string"], scope["path_params"])
    if method in ("POST", "PUT"):
        check_content_type(scope)
    body = await read_body(scope, receive, limit)
    if len(body) < LARGE_BODY_BYTES:
        return decoder.body(body, scope["path_params"])
    return await asyncio.to_thread(decoder.body, body, scope["path_params"])


def rpc(
    method: str,
    path: str,
    permission: Permission,
    request: type[R],
    function: RpcFunction[R],
    *,
    under: Sequence[str] = TRACKING,
    encoder: Encoder = encode,
) -> list[Route]:
    """Routes for a function from ``request`` to a struct; the path's parameters become fields of the request.

    encoder: ``encode_as_it_is`` for answers that repeat JSON of others, in which null stays null.
    """
    endpoint = Rpc(request, function, Decoder(request), encoder)
    return [Route(method, prefix + path, permission, endpoint) for prefix in under]


def poll(
    method: str,
    path: str,
    permission: Permission,
    request: type[R],
    function: PollFunction[R],
    *,
    under: Sequence[str] = TRACKING,
) -> list[Route]:
    """Routes like those of ``rpc`` for a function that may wait, and finds out again and again who asks."""
    endpoint = Poll(request, function, Decoder(request))
    return [Route(method, prefix + path, permission, endpoint) for prefix in under]


def raw(
    method: str,
    path: str,
    permission: Permission,
    function: RawFunction,
    *,
    under: Sequence[str] = ARTIFACTS,
    is_page: bool = False,
) -> list[Route]:
    """Routes for a function from Starlette's Request to its Response."""
    return [Route(method, prefix + path, permission, Raw(function), is_page) for prefix in under]


def query_field(request: Request, name: str) -> str:
    """A field of the query of a ``raw`` request; InvalidParameter if it is missing, or empty."""
    if value := request.query_params.get(name):
        return value
    raise InvalidParameter(
        f"Missing value for required parameter '{name}'. "
        "See the API docs for more information about request parameters."
    )


def check_content_type(scope: Scope) -> None:
    """InvalidParameter unless the body is said to be JSON: what a form of another site sends, is not."""
    sent = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            if value == b"application/json":
                return
            sent = value
    if sent.partition(b";")[0].strip().lower() != b"application/json":
        raise InvalidParameter(
            f"Bad Request. Content-Type must be application/json, not {shown(sent.decode('latin-1'))}."
        )
