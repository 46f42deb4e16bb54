"""HTTP/1.1 on one connection: uvicorn's protocol, with deadlines for the client and answers that are always JSON.

uvicorn waits for half a header or half a body as long as the client likes, and so does its stop. Here every connection
is looked at once in a while (``sweep``), which costs a request a few assignments and no timers.
"""

import re
from asyncio import Event
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from trackback.errors import BadRequest, DeadlineExceeded, TrackbackError
from trackback.server.cycle import Cycle
from trackback.server.deadlines import Deadlines, Phase, Sight, Verdict, Watch
from trackback.server.replies import error_body

MAX_HEADER_BYTES = 64 * 1024
READ_AHEAD_BYTES = 1 << 20
WRITE_AHEAD_BYTES = 2 << 20
LINGER_S = 2.0
DISCARDED_BYTES = 64 << 20

# A request for another protocol may be answered as if it had not been made (RFC 9110, 7.8). The parser would take what
# follows the headers for that protocol's, and lose the body: Java's own client asks for HTTP/2 so with every POST.
_UPGRADE = re.compile(rb"(\r\n)upgrade(?=[ \t]*:)", re.IGNORECASE)

# Since 2.4 an application is told of a client that is gone by an error of ``send``.
_ASGI = {"version": "3.0", "spec_version": "2.4"}


class Protocol(HttpToolsProtocol):
    """One connection."""

    cycle: Cycle | None  # type: ignore[assignment]

    def __init__(self, deadlines: Deadlines, **uvicorn_arguments: Any) -> None:
        super().__init__(**uvicorn_arguments)
        self._watch = Watch(deadlines)
        self._in_headers = False
        self._in_body = False
        self._header_bytes = 0
        self._received = 0
        self._discarded = 0
        self._requests = 0
        self._refused_at: float | None = None

    # What the transport calls

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WRITE_AHEAD_BYTES)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._refused_at is not None:
            return
        requests = self._requests
        try:
            self.parser.feed_data(data if self._in_body else _without_upgrade(data))
        except httptools.HttpParserUpgrade:
            if self.cycle is not None:
                self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            self._refuse(BadRequest(f"This can't be understood as an HTTP request: {error}."))
            return
        if self._in_headers and self._requests == requests:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(BadRequest(f"The request's headers have more than {MAX_HEADER_BYTES} bytes."))

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._requests += 1
        self._discarded = 0
        self._in_headers = True
        self._header_bytes = 0

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._in_body = True
        scope, parser = self.scope, self.parser
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        version = parser.get_http_version()
        scope["asgi"] = _ASGI  # type: ignore[typeddict-item]
        scope["http_version"] = version
        scope["method"] = parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version == "1.1" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._discard(body)
            return
        cycle.body += body
        if len(cycle.body) > READ_AHEAD_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    # What the cycle and the server call

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def shutdown(self) -> None:
        """The server stops: what is under way is finished, as far as the sweeps allow."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def sweep(self, now: float, stopping: bool) -> None:
        """Cut the client off if it has taken too long."""
        if self._refused_at is not None:
            if stopping or now - self._refused_at >= LINGER_S:
                self.transport.abort()
            return
        sight = Sight(
            self._phase,
            self._requests,
            self._received,
            self.transport.get_write_buffer_size(),
            not self.flow.read_paused,
        )
        match self._watch.look(sight, now, stopping):
            case Verdict.CLOSE:
                self.transport.close()
            case Verdict.REFUSE:
                part = "headers" if sight.phase is Phase.HEADERS else "body"
                self._refuse(DeadlineExceeded(f"The request's {part} did not arrive in time. Send it again."))
            case Verdict.ABORT:
                self.transport.abort()

    @property
    def _phase(self) -> Phase:
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._in_body:
            return Phase.BODY
        if answering or self.transport.is_closing():
            return Phase.ANSWER
        if self._in_headers:
            return Phase.HEADERS
        return Phase.IDLE if self.cycle else Phase.NEW

    def _discard(self, body: bytes) -> None:
        """Forget what still comes of a body after the answer: most clients read that only when they have sent all."""
        self._discarded += len(body)
        if self._discarded > DISCARDED_BYTES:
            self.transport.abort()

    def _refuse(self, error: TrackbackError) -> None:
        """Answer with an error in the endpoint's place, if it has not begun to, and end the connection.

        To close it while the client still sends would take the answer back: what comes is read, for a while.
        """
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started or self.pipeline or self._in_headers:
                self.transport.abort()
                return
        body = error_body(error)
        self.transport.write(
            b"%bcontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[error.status], len(body), body)
        )
        self.transport.write_eof()
        self._refused_at = self.loop.time()
        self.flow.resume_reading()


def _without_upgrade(data: bytes) -> bytes:
    """Headers, and what comes after them, with another name for the header that asks for another protocol."""
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(rb"\1x-not-taken-up", head) + end + rest if b"pgrade" in head else data
