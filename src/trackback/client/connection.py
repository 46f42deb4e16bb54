"""One pool of HTTP connections to a server, for calls, and what httpx says when they fail.

Apart from the transport, so that httpx, slow to import, is imported when the first call is made.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import httpx
import msgspec

from trackback.client import outages
from trackback.client.address import Address
from trackback.client.announcements import unannounced
from trackback.client.failures import Failure
from trackback.client.refusals import no_answer, refusal
from trackback.client.wire import UNREADABLE, decode
from trackback.errors import InvalidParameter

T = TypeVar("T", bound=msgspec.Struct)

ERROR_BODY_BYTES = 2**16
CONNECT_S = 10.0
IDLE_S = 4.0
"""A connection is not used again after this. uvicorn, which MLflow's server runs on, closes them after 5 s, and a
request sent just then may be lost."""


class Connection:
    """For many threads, and for one process. What goes wrong is raised as a Failure, or as the final error."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._uri = address.uri
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            headers=address.headers,
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            limits=httpx.Limits(keepalive_expiry=IDLE_S),
            trust_env=not address.is_loopback,  # no proxy leads back to this machine
            verify=tls_context(address),
        )

    def close(self) -> None:
        self._client.close()

    def exchange(self, method: str, target: str, body: bytes | None, answer: type[T]) -> T:
        """Send JSON, or nothing, and read the answer."""
        headers = {} if body is None else {"content-type": "application/json"}
        with self._open(method, target, headers, body) as response:
            content = response.read()
        try:
            return decode(content, answer)
        except UNREADABLE as error:
            raise no_answer(self._named(method, target), response.status_code, content, error) from error

    @contextmanager
    def _open(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes | None
    ) -> Iterator[httpx.Response]:
        """The answer, its body yet to be read; Failure if there is none, or it is an error, or it is cut short."""
        request = self._named(method, target)
        try:
            with ExitStack() as stack:
                asked = self._client.stream(method, self._uri + target, headers=headers, content=content)
                with unannounced():
                    response = stack.enter_context(asked)
                if response.status_code >= 300:
                    raise refusal(request, response.status_code, response.headers, _beginning(response))
                yield response
        except httpx.TransportError as error:
            raise self._failure(request, error) from error
        except httpx.InvalidURL as error:
            raise InvalidParameter(f"{request} can't be sent: {error}.") from error

    def _named(self, method: str, target: str) -> str:
        return f"{method} {self._uri}{target.partition('?')[0]}"

    def _failure(self, request: str, error: httpx.TransportError) -> Failure:
        match error:
            case httpx.ProxyError():
                return outages.refused_by_proxy(self._uri, error)
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return outages.no_connection(self._uri, _root(error))
            case httpx.TimeoutException():
                return outages.silence(request, self._timeout_s)
            case _:
                return outages.cut_off(request, error)


def tls_context(address: Address) -> ssl.SSLContext:
    if address.is_loopback and address.uri.startswith("http:"):
        # Reading the world's certificates takes 20 ms, and nothing here would use them.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.create_ssl_context()


def _beginning(response: httpx.Response) -> bytes:
    """An error's body, as far as anybody will read it."""
    body = b""
    for piece in response.iter_bytes():
        body += piece
        if len(body) > ERROR_BODY_BYTES:
            break
    return body[:ERROR_BODY_BYTES]


def _root(error: BaseException) -> BaseException | None:
    """The system's error at the bottom of those that wrap it."""
    while not isinstance(error, OSError):
        inner = error.__cause__ or error.__context__
        if inner is None:
            return None
        error = inner
    return error
