"""A small HTTP server that answers as a test's script says, well or badly."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.program import free_port
from trackback.client.retries import Retries
from trackback.client.transport import RETRIES, Transport

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Seen:
    """A request, as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    port: int


def reply(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    """A whole answer; ``_`` in a header's name stands for ``-``."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _send_head(handler, status, len(body), headers)
        handler.wfile.write(body)

    return answer


def cut(status: int, body: bytes, after: int, **headers: str) -> Answer:
    """An answer whose connection is cut after so many bytes of its body."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _send_head(handler, status, len(body), headers)
        handler.wfile.write(body[:after])
        handler.close_connection = True

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """No answer: the connection is closed."""
    handler.close_connection = True


def hang(handler: BaseHTTPRequestHandler) -> None:
    """No answer, until the client has gone."""
    handler.rfile.read(1)
    handler.close_connection = True


class FaultyServer:
    """Answers requests in the order of the script, the last for ever; ``seen`` is what it was sent.

    certificate: the file of a certificate and its key, to speak TLS. reads_bodies: whether it reads what it is sent.
    """

    def __init__(self, *script: Answer, certificate: Path | None = None, reads_bodies: bool = True) -> None:
        self.seen: list[Seen] = []
        self._script = list(script)
        self._lock = threading.Lock()
        self._port = free_port()
        self._certificate = certificate
        self._reads_bodies = reads_bodies
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self._port}"

    def then(self, *script: Answer) -> None:
        self._script = list(script)

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._server.daemon_threads = True
        if self._certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self._certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()

    def close(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self, seen: Seen) -> Answer:
        with self._lock:
            self.seen.append(seen)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        faulty = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length", 0)) if faulty._reads_bodies else 0
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                faulty._next(Seen(self.command, self.path, headers, body, self.client_address[1]))(self)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None: ...

        return Handler


def _send_head(handler: BaseHTTPRequestHandler, status: int, length: int, headers: Mapping[str, str]) -> None:
    handler.send_response(status)
    for name, value in ({"content_type": "application/json", "content_length": str(length)} | dict(headers)).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


@contextmanager
def talk_to(
    *script: Answer, retries: Retries = RETRIES, timeout_s: float = 30
) -> Iterator[tuple[FaultyServer, Transport]]:
    """A server with this script, and a transport to it."""
    with FaultyServer(*script) as server, Transport(server.url, retries=retries, timeout_s=timeout_s) as transport:
        yield server, transport
