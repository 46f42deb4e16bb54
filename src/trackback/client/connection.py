"""One pool of HTTP connections to a server, and what httpx says when they fail.

Apart from the transport, so that httpx, slow to import, is imported when the first call is made.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from socket import gaierror
from typing import TypeVar

import httpx
import msgspec

from trackback import __version__
from trackback.client.address import Address
from trackback.client.downloads import PartialFile
from trackback.client.failures import Failure
from trackback.client.refusals import no_answer, refusal
from trackback.client.uploads import Pieces
from trackback.client.wire import UNREADABLE, decode
from trackback.errors import InvalidParameter, Unavailable

T = TypeVar("T", bound=msgspec.Struct)

ERROR_BODY_BYTES = 2**16
CONNECT_S = 10.0
IDLE_S = 4.0
"""A connection is not used again after this. uvicorn, which MLflow's server runs on, closes them after 5 s, and a
request sent just then may be lost."""

_DOUBT = " Whether it was carried out is not known."


class Connection:
    """For many threads, and for one process. What goes wrong is raised as a Failure, or as the final error."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._uri = address.uri
        self._timeout_s = timeout_s
        headers = {"user-agent": f"trackback/{__version__}", "accept-encoding": "identity"}
        if address.authorization:
            headers["authorization"] = address.authorization
        plain = address.is_loopback and address.uri.startswith("http:")
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            limits=httpx.Limits(keepalive_expiry=IDLE_S),
            trust_env=not address.is_loopback,  # no proxy leads back to this machine
            # Reading the world's certificates takes 20 ms, and nothing here would use them.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else httpx.create_ssl_context(),
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

    def put(self, target: str, pieces: Pieces) -> Mapping[str, str]:
        """Send a file; the headers of the answer."""
        headers = {"content-type": "application/octet-stream", "content-length": str(pieces.size)}
        with self._open("PUT", target, headers, iter(pieces)) as response:
            response.read()
        return response.headers

    def fetch(self, target: str, partial: PartialFile) -> None:
        """Receive a file, or what ``partial`` lacks of it."""
        with self._open("GET", target, partial.headers()) as response:
            partial.begin(response.status_code, response.headers)
            for piece in response.iter_bytes():
                partial.write(piece)

    @contextmanager
    def _open(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes | Iterator[bytes] | None = None
    ) -> Iterator[httpx.Response]:
        """The answer, its body yet to be read; Failure if there is none, or it is an error, or it is cut short."""
        request = self._named(method, target)
        try:
            with self._client.stream(method, self._uri + target, headers=headers, content=content) as response:
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
        match error, _root(error):
            case httpx.ProxyError(), _:
                message = f"The proxy between here and {self._uri} refused: {error}. Check HTTPS_PROXY and NO_PROXY."
            case httpx.ConnectError(), gaierror() as root:
                message = f"The host of {self._uri} is not known: {root.strerror}. Check the tracking URI."
            case httpx.ConnectError(), ssl.SSLError() as root:
                return Failure(Unavailable(self._insecure(root)), passing=isinstance(root, ssl.SSLEOFError))
            case ((httpx.ConnectError() | httpx.ConnectTimeout()), root):
                message = (
                    f"No server answers at {self._uri} ({root or 'no connection in time'}). "
                    "`trackback server` starts one; TRACKBACK_TRACKING_URI says where it is."
                )
            case httpx.TimeoutException(), _:
                return Failure(Unavailable(f"{request}: no answer for {self._timeout_s:g} s.{_DOUBT}"), True)
            case _:
                return Failure(
                    Unavailable(f"{request} was cut off: {str(error) or type(error).__name__}.{_DOUBT}"), True
                )
        return Failure(Unavailable(message), passing=True, unheard=True)

    def _insecure(self, error: ssl.SSLError) -> str:
        reason = getattr(error, "verify_message", "") or error.reason or error
        return (
            f"No secure connection to {self._uri}: {reason}. If the server's certificate comes from an authority of "
            "your own, set SSL_CERT_FILE to that authority's; if the server speaks plain HTTP, use http:// for it."
        )


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
