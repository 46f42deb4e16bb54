"""One request and its answer on a connection, as ASGI sees them."""

from asyncio import CancelledError
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from trackback.errors import Unavailable
from trackback.server.body import ClientGone
from trackback.server.replies import send_error

_NO_BODY = (204, 304)


class Cycle(RequestResponseCycle):
    """uvicorn's, but the head leaves in one packet with the first piece of the body, and nobody writes to a client
    that is gone: ``send`` raises ClientGone.
    """

    _head = b""

    async def run_asgi(self, app: ASGIApp) -> None:  # type: ignore[override]  # as below
        """A request that outlasts the patience of a stop is told so."""

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except CancelledError:
                await self._give_up(scope)

        await super().run_asgi(run)  # type: ignore[arg-type]

    async def _give_up(self, scope: Scope) -> None:
        if self.response_started:
            self.disconnected = True
            self.transport.abort()
            return
        self.keep_alive = False
        with suppress(ClientGone):
            await send_error(scope, self.send, Unavailable("The server is stopping. Repeat the request in a moment."))

    async def send(self, message: Message) -> None:  # type: ignore[override]  # ASGI's messages are TypedDicts there
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected or self.transport.is_closing():
            self.disconnected = True
            raise ClientGone
        if not self.response_started:
            self._start(message)
        else:
            self._continue(message.get("body", b""), message.get("more_body", False))

    def _start(self, message: Message) -> None:
        status = message["status"]
        self.response_started = True
        self.waiting_for_100_continue = False
        head = [STATUS_LINE[status]]
        lines = 2
        for name, value in (*self.default_headers, *message["headers"]):
            if name == b"connection" and value == b"close":
                self.keep_alive = False  # which is said below
                continue
            head += (name, b": ", value, b"\r\n")
            lines += 1
            if name == b"content-length":
                self.expected_content_length = int(value)
                self.chunked_encoding = False
        if self.scope["method"] == "HEAD" or status in _NO_BODY:
            self.chunked_encoding = False
            self.expected_content_length = 0
        elif self.chunked_encoding is None:
            self.chunked_encoding = True
            head.append(b"transfer-encoding: chunked\r\n")
            lines += 1
        if not self.keep_alive:
            head.append(b"connection: close\r\n")
            lines += 1
        head.append(b"\r\n")
        self._head = b"".join(head)
        if self._head.count(b"\n") != lines or self._head.count(b"\r") != lines:
            raise RuntimeError("a header of the answer holds a line break")

    def _continue(self, body: bytes, more_body: bool) -> None:
        if self.response_complete:
            raise RuntimeError("the answer has ended already")
        if self.scope["method"] == "HEAD":
            body = b""
        if self.chunked_encoding:
            body = self._chunk(body, last=not more_body)
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (self.expected_content_length and not more_body):
                raise RuntimeError("the answer's body has not the length that its headers say")
        if self._head:
            body, self._head = self._head + body, b""
        if body:
            self.transport.write(body)
        if not more_body:
            self._complete()

    def _chunk(self, body: bytes, *, last: bool) -> bytes:
        end = b"0\r\n\r\n" if last else b""
        return b"%x\r\n%b\r\n%b" % (len(body), body, end) if body else end

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
