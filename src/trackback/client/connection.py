"""One pool of HTTP connections to a server, and what is said when they fail.

http.client, since it is quick to import, and since the bytes of files go between sockets and buffers with nothing in
between. Apart from the transport, so that even that is imported when the first call is made.
"""

import selectors
import ssl
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from trackback.client import outages
from trackback.client.address import Address
from trackback.client.downloads import PartialFile
from trackback.client.pipeline import Pipeline
from trackback.client.proxies import proxy_for
from trackback.client.refusals import no_answer, refusal
from trackback.client.uploads import Pieces
from trackback.client.wire import UNREADABLE, decode
from trackback.errors import InvalidParameter

T = TypeVar("T", bound=msgspec.Struct)
Buffer = bytes | memoryview

ERROR_BODY_BYTES = 2**16
CONNECT_S = 10.0
IDLE_S = 4.0
"""A connection is not used again after this. uvicorn, which MLflow's server runs on, closes them after 5 s, and a
request sent just then may be lost."""

_HUNG_UP = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)


class Connection:
    """For many threads, and for one process. What goes wrong is raised as a Failure, or as the final error."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._place = urlsplit(address.uri)
        self._proxy = proxy_for(address)
        self._context = tls_context(address)
        self._idle: deque[tuple[HTTPConnection, float]] = deque()

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[0].close()

    def exchange(
        self, method: str, target: str, body: bytes | None, answer: type[T], media_type: str = "application/json"
    ) -> T:
        """Send JSON, or something else, or nothing, and read the answer."""
        headers = {} if body is None else {"content-type": media_type, "content-length": str(len(body))}
        request = self._named(method, target)
        with self._answer(method, target, headers, () if body is None else (body,)) as response:
            with self._failures(request):
                content = response.read()
            status = response.status
        try:
            return decode(content, answer)
        except UNREADABLE as error:
            raise no_answer(request, status, content, error) from error

    def put(self, target: str, pieces: Pieces) -> Mapping[str, str]:
        """Send a file; the headers of the answer."""
        headers = {"content-type": "application/octet-stream", "content-length": str(pieces.size)}
        with self._answer("PUT", target, headers, pieces) as response:
            return _headers(response)

    def fetch(self, target: str, partial: PartialFile) -> None:
        """Receive a file, or what ``partial`` lacks of it."""
        request = self._named("GET", target)
        with self._answer("GET", target, partial.headers()) as response:
            partial.begin(response.status, _headers(response))
            with Pipeline(partial.write, response.length) as pipeline:
                while count := self._receive(request, response, pipeline.buffer()):
                    pipeline.push(count)
            if response.length:
                raise outages.cut_off(request, f"{response.length} bytes were still to come")

    def _receive(self, request: str, response: HTTPResponse, buffer: memoryview) -> int:
        with self._failures(request):
            return response.readinto(buffer)

    @contextmanager
    def _answer(
        self, method: str, target: str, headers: Mapping[str, str], pieces: Iterable[Buffer] = ()
    ) -> Iterator[HTTPResponse]:
        """The answer, its body yet to be read; Failure if there is none, or it is an error."""
        request = self._named(method, target)
        connection = self._connected()
        again = False
        try:
            self._send(request, connection, method, target, headers, pieces)
            with self._failures(request):
                response = connection.getresponse()
            if response.status >= 300:
                with self._failures(request):
                    body = response.read(ERROR_BODY_BYTES)
                raise refusal(request, response.status, _headers(response), body)
            yield response
            with self._failures(request):
                response.read()
            again = not response.will_close
        finally:
            if again:
                self._idle.append((connection, time.monotonic()))
            else:
                connection.close()

    def _send(
        self,
        request: str,
        connection: HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        pieces: Iterable[Buffer],
    ) -> None:
        with self._failures(request):
            whole = self._place.path + target
            through = self._proxy is not None and self._place.scheme == "http"
            connection.putrequest(method, self._address.uri + target if through else whole, skip_accept_encoding=True)
            proxy_headers = self._proxy.headers if self._proxy and through else {}
            for name, value in {**self._address.headers, **proxy_headers, **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
        # A server that refuses may hang up before it has read all: its answer says why.
        with suppress(*_HUNG_UP), _closing(iter(pieces)) as sent:
            for piece in sent:
                with self._failures(request, but=_HUNG_UP):
                    connection.sock.sendall(piece)

    def _connected(self) -> HTTPConnection:
        """A connection that was used a moment ago, or a new one."""
        while self._idle:
            connection, since = self._idle.pop()
            if time.monotonic() - since < IDLE_S and _is_silent(connection):
                return connection
            connection.close()
        connection = self._new()
        try:
            connection.connect()
        except UnicodeError as error:
            raise InvalidParameter(f"{self._address.uri} can't be reached: its host is no name. Check it.") from error
        except OSError as error:
            connection.close()
            if self._proxy and error.errno is None and not isinstance(error, TimeoutError):
                raise outages.refused_by_proxy(self._address.uri, error) from error
            raise outages.no_connection(
                self._address.uri, None if isinstance(error, TimeoutError) else error
            ) from error
        connection.sock.settimeout(self._timeout_s)
        return connection

    def _new(self) -> HTTPConnection:
        host, port = self._place.hostname or "", self._place.port
        timeout_s = min(CONNECT_S, self._timeout_s)
        at = (self._proxy.host, self._proxy.port) if self._proxy else (host, port)
        if self._place.scheme == "http":
            return HTTPConnection(*at, timeout=timeout_s)
        connection = HTTPSConnection(*at, timeout=timeout_s, context=self._context)
        if self._proxy:
            connection.set_tunnel(host, port or 443, self._proxy.headers)
        return connection

    def _named(self, method: str, target: str) -> str:
        return f"{method} {self._address.uri}{target.partition('?')[0]}"

    @contextmanager
    def _failures(self, request: str, but: tuple[type[OSError], ...] = ()) -> Iterator[None]:
        try:
            yield
        except but:
            raise
        except TimeoutError as error:
            raise outages.silence(request, self._timeout_s) from error
        except (OSError, HTTPException) as error:
            raise outages.cut_off(request, error) from error


def tls_context(address: Address) -> ssl.SSLContext:
    """The authorities of the system, or of SSL_CERT_FILE and SSL_CERT_DIR; where there are none, certifi's."""
    if address.uri.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the world's certificates takes 20 ms
    known = ssl.get_default_verify_paths()
    if known.cafile or known.capath:
        return ssl.create_default_context()
    import certifi  # noqa: PLC0415 - rarely needed

    return ssl.create_default_context(cafile=certifi.where())


@contextmanager
def _closing(pieces: Iterator[Buffer]) -> Iterator[Iterator[Buffer]]:
    """What reads a file ends its threads when it is closed; other iterators have nothing to close."""
    try:
        yield pieces
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


def _is_silent(connection: HTTPConnection) -> bool:
    """Whether a connection that nothing was asked on says nothing: one that the server has closed says so."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return not selector.select(0)


def _headers(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}
