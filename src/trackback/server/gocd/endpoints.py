"""Requests as GoCD's plugin relays them: the body is GoCD's own, and so is the answer, to the letter."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from starlette.types import Receive, Scope, Send

from trackback.entities import Actor, Permission
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server.body import read_body
from trackback.server.mlflow.endpoints import check_content_type
from trackback.server.replies import send_json
from trackback.server.routing import BodyLimits, Handler, Route
from trackback.services import Services

PREFIX = "/gocd/v1/"

_URL = re.compile(r"https?://[^/?#@\s]+(?:/[^?#\s]*)?")

R = TypeVar("R", bound=msgspec.Struct)
RelayFunction = Callable[[Services, Actor, R], Awaitable[object]]

_encode = msgspec.json.Encoder().encode


class Relayed(msgspec.Struct, frozen=True, rename="kebab"):
    """Base of GoCD's requests. Later releases of GoCD may say more: what is not known here is passed over."""


class Field(msgspec.Struct, frozen=True):
    """A field of a configuration."""

    value: str | None = None


Configuration = dict[str, Field]


@dataclass(frozen=True)
class Relay(Generic[R]):
    """Decodes a request, calls one function, and answers what it returns; None is GoCD's "no change"."""

    request: type[R]
    function: RelayFunction[R]

    def bind(self, services: Services, limits: BodyLimits) -> Handler:
        decode = msgspec.json.Decoder(self.request).decode

        async def handle(actor: Actor, scope: Scope, receive: Receive, send: Send) -> int:
            check_content_type(scope)
            body = await read_body(scope, receive, limits.json)
            try:
                request = decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise InvalidParameter(f"Invalid request: {shown(str(error), 300)}.") from None
            answer = await self.function(services, actor, request)
            return await send_json(send, b"{}" if answer is None else _encode(answer))

        return handle


def relay(path: str, permission: Permission, request: type[R], function: RelayFunction[R]) -> Route:
    return Route("POST", PREFIX + path, permission, Relay(request, function))


def values(configuration: Configuration) -> dict[str, str]:
    """The fields that have a value."""
    return {key: field.value for key, field in configuration.items() if field.value}


def is_server_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None
