"""Reading a request's body, within a limit."""

from starlette.types import Message, Receive, Scope

from trackback.errors import TooLarge


class ClientGone(Exception):
    """The client closed the connection before it had sent all, or received all. Nobody is left to answer."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises TooLarge before reading one that says it is, and after ``limit`` bytes of any other."""
    check_content_length(scope, limit)
    message = await receive()
    body = _chunk(message)
    size = len(body)
    chunks = [body]
    while size <= limit and message["more_body"]:
        message = await receive()
        chunk = _chunk(message)
        size += len(chunk)
        chunks.append(chunk)
    if size > limit:
        raise _too_large(limit)
    return body if len(chunks) == 1 else b"".join(chunks)


def limited(scope: Scope, receive: Receive, limit: int | None) -> Receive:
    """``receive`` that raises TooLarge past ``limit`` bytes of body, and ClientGone when the client is."""
    check_content_length(scope, limit)
    size = 0

    async def receive_within_limit() -> Message:
        nonlocal size
        message = await receive()
        size += len(_chunk(message))
        if limit is not None and size > limit:
            raise _too_large(limit)
        return message

    return receive_within_limit


def check_content_length(scope: Scope, limit: int | None) -> None:
    if limit is None:
        return
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise _too_large(limit)


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message["body"]
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request's body is larger than this server takes here: {limit} bytes. Send less at once.")
