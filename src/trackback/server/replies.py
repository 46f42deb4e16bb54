"""Replies of JSON as ASGI messages, and the one place that errors leave through."""

import itertools
import logging
import os

import msgspec
from starlette.types import Send

from trackback.errors import MethodNotAllowed, TrackbackError

Header = tuple[bytes, bytes]

log = logging.getLogger(__name__)

# As MLflow sends them, so that a browser neither guesses types nor frames pages of others.
_JSON_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"vary", b"Origin"),
)

_encode = msgspec.json.Encoder().encode
_request_numbers = itertools.count(1)
_process = os.urandom(4).hex()


class ErrorReply(msgspec.Struct, frozen=True):
    error_code: str
    message: str


async def send_json(send: Send, body: bytes, status: int = 200, headers: tuple[Header, ...] = ()) -> int:
    """Answer with ``body``; the status, for the caller to pass on."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*_JSON_HEADERS, length, *headers]})
    await send({"type": "http.response.body", "body": body})
    return status


async def send_error(send: Send, error: Exception) -> int:
    """Answer with MLflow's error object. Of an error that is not ours, the client learns nothing but a number."""
    if not isinstance(error, TrackbackError):
        request_id = new_request_id()
        log.error("internal error in request %s", request_id, exc_info=error)
        error = TrackbackError(f"An internal error occurred. The server's log tells more, under request {request_id}.")
    headers = ((b"allow", ", ".join(error.allowed).encode()),) if isinstance(error, MethodNotAllowed) else ()
    return await send_json(send, error_body(error), error.status, headers)


def error_body(error: TrackbackError) -> bytes:
    # A message may quote halves of surrogate pairs, which UTF-8 has no bytes for.
    message = error.message.encode(errors="backslashreplace").decode()
    return _encode(ErrorReply(error.code, message))


def new_request_id() -> str:
    return f"{_process}-{next(_request_numbers):x}"
