"""Replies of JSON as ASGI messages, and the one place that errors leave through."""

import logging

import msgspec
from starlette.types import Scope, Send

from trackback.errors import MethodNotAllowed, TrackbackError, Unauthenticated
from trackback.server.request_ids import request_id

Header = tuple[bytes, bytes]

log = logging.getLogger(__name__)

# As MLflow sends them, so that a browser neither guesses types nor frames pages of others.
_JSON_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"vary", b"Origin"),
)

# Basic lets a browser ask for name and password by itself.
_CHALLENGES: tuple[Header, ...] = (
    (b"www-authenticate", b'Basic realm="trackback", charset="UTF-8"'),
    (b"www-authenticate", b'Bearer realm="trackback"'),
)

_encode = msgspec.json.Encoder().encode


class ErrorReply(msgspec.Struct, frozen=True):
    error_code: str
    message: str


async def send_json(send: Send, body: bytes, status: int = 200, headers: tuple[Header, ...] = ()) -> int:
    """Answer with ``body``; the status, for the caller to pass on."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*_JSON_HEADERS, length, *headers]})
    await send({"type": "http.response.body", "body": body})
    return status


async def send_error(scope: Scope, send: Send, error: Exception) -> int:
    """Answer with MLflow's error object."""
    told = told_error(scope, error)
    return await send_json(send, error_body(told), told.status, _headers(told))


def told_error(scope: Scope, error: Exception) -> TrackbackError:
    """What the client is told. One that is not ours is logged, and the client learns only the request's id."""
    if isinstance(error, TrackbackError):
        return error
    name = request_id(scope)
    log.error("internal error in request %s", name, exc_info=error, extra={"request_id": name})
    return TrackbackError(f"An internal error occurred. The server's log tells more, under request {name}.")


def _headers(error: TrackbackError) -> tuple[Header, ...]:
    if isinstance(error, MethodNotAllowed):
        return ((b"allow", ", ".join(error.allowed).encode()),)
    return _CHALLENGES if isinstance(error, Unauthenticated) else ()


def error_body(error: TrackbackError) -> bytes:
    # A message may quote halves of surrogate pairs, which UTF-8 has no bytes for.
    message = error.message.encode(errors="backslashreplace").decode()
    return _encode(ErrorReply(error.code, message))
