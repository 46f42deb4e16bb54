"""Connections for files: their bytes go between sockets and buffers with nothing in between.

httpx, which calls go through, copies each piece several times, and takes most of a processor for 1 GB/s.
"""

import time
from base64 import b64encode
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from trackback.client import outages
from trackback.client.address import Address, without_userinfo
from trackback.client.connection import CONNECT_S, ERROR_BODY_BYTES, IDLE_S, tls_context
from trackback.client.downloads import PartialFile
from trackback.client.pipeline import Pipeline
from trackback.client.refusals import refusal
from trackback.client.uploads import Pieces
from trackback.errors import InvalidParameter

_HUNG_UP = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)


class _Proxy(NamedTuple):
    host: str
    port: int
    headers: dict[str, str]


class Bodies:
    """For many threads, and for one process. What goes wrong is raised as a Failure, or as the final error."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._place = urlsplit(address.uri)
        self._proxy = _proxy_for(address)
        self._context = tls_context(address)
        self._idle: deque[tuple[HTTPConnection, float]] = deque()

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[0].close()

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
        self, method: str, target: str, headers: Mapping[str, str], pieces: Pieces | None = None
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
        pieces: Pieces | None,
    ) -> None:
        with self._failures(request):
            whole = self._place.path + target
            through = self._proxy is not None and self._place.scheme == "http"
            connection.putrequest(method, self._address.uri + target if through else whole, skip_accept_encoding=True)
            proxy_headers = self._proxy.headers if self._proxy and through else {}
            for name, value in {**self._address.headers, **proxy_headers, **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
        if pieces is None:
            return
        # A server that refuses may hang up before it has read all: its answer says why.
        with suppress(*_HUNG_UP), closing(iter(pieces)) as sent:
            for piece in sent:
                with self._failures(request, but=_HUNG_UP):
                    connection.sock.sendall(piece)

    def _connected(self) -> HTTPConnection:
        """A connection that was used a moment ago, or a new one."""
        while self._idle:
            connection, since = self._idle.pop()
            if time.monotonic() - since < IDLE_S:
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


def _headers(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _proxy_for(address: Address) -> _Proxy | None:
    """The proxy that the environment names for the address; none leads back to this machine."""
    place = urlsplit(address.uri)
    known = getproxies()
    uri = known.get(place.scheme) or known.get("all")
    if not uri or address.is_loopback or proxy_bypass(place.hostname or ""):
        return None
    proxy = urlsplit(uri if "://" in uri else f"http://{uri}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise InvalidParameter(
            f"The proxy {without_userinfo(uri)} can't be used: files go through proxies of http:// only. Change "
            "HTTPS_PROXY or HTTP_PROXY, or name the server's host in NO_PROXY."
        )
    headers = {}
    if proxy.username:
        credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        headers["proxy-authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    return _Proxy(proxy.hostname, proxy.port or 80, headers)
