"""What is said where there is no connection, or it ends too early."""

import ssl
from socket import gaierror

from trackback.client.failures import Failure
from trackback.client.peers import Peer
from trackback.errors import Unavailable

_DOUBT = " Whether it was carried out is not known."


def no_connection(uri: str, cause: BaseException | None, peer: Peer) -> Failure:
    """There is no connection to the server at ``uri``. ``cause`` is the system's error, if there is one."""
    match cause:
        case gaierror():
            message = f"The host of {uri} is not known: {cause.strerror}. {peer.unknown_host}"
        case ssl.SSLError():
            return Failure(Unavailable(_insecure(uri, cause)), passing=isinstance(cause, ssl.SSLEOFError))
        case _:
            message = f"No server answers at {uri} ({cause or 'no connection in time'}). {peer.no_server}"
    return Failure(Unavailable(message), passing=True, unheard=True)


def refused_by_proxy(uri: str, cause: BaseException) -> Failure:
    message = f"The proxy between here and {uri} refused: {cause}. Check HTTPS_PROXY and NO_PROXY."
    return Failure(Unavailable(message), passing=True, unheard=True)


def silence(request: str, timeout_s: float) -> Failure:
    return Failure(Unavailable(f"{request}: no answer for {timeout_s:g} s.{_DOUBT}"), passing=True)


def cut_off(request: str, cause: BaseException | str) -> Failure:
    said = str(cause) or type(cause).__name__
    return Failure(Unavailable(f"{request} was cut off: {said}.{_DOUBT}"), passing=True)


def _insecure(uri: str, error: ssl.SSLError) -> str:
    reason = getattr(error, "verify_message", "") or error.reason or error
    return (
        f"No secure connection to {uri}: {reason}. If the server's certificate comes from an authority of "
        "your own, set SSL_CERT_FILE to that authority's; if the server speaks plain HTTP, use http:// for it."
    )
