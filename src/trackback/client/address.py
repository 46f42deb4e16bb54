"""Where the server is and who asks: from arguments, from the URI itself, or from the environment."""

import os
import re
from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from trackback import __version__
from trackback.errors import InvalidParameter
from trackback.limits import shown

DEFAULT_URI = "http://127.0.0.1:5000"

_USERINFO = re.compile("//.*@")
_SPACE = re.compile(r"\s")
_HEADER_TEXT = re.compile("[!-~]+")


@dataclass(frozen=True)
class Address:
    """``uri`` has no credentials and no slash at its end; ``authorization`` is the header of that name."""

    uri: str
    authorization: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What every request to it says. Bodies are taken as they are: digests and ranges are of those."""
        headers = {"user-agent": f"trackback/{__version__}", "accept-encoding": "identity"}
        return {**headers, "authorization": self.authorization} if self.authorization else headers

    @property
    def is_loopback(self) -> bool:
        host = urlsplit(self.uri).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def find_address(
    uri: str | None = None, *, token: str | None = None, username: str | None = None, password: str | None = None
) -> Address:
    """The server's address; what is not given is looked up in the environment.

    uri: else ``TRACKBACK_TRACKING_URI``, ``MLFLOW_TRACKING_URI``, or ``DEFAULT_URI``.
    token: of HTTP's Bearer scheme; else ``TRACKBACK_TOKEN`` or ``MLFLOW_TRACKING_TOKEN``.
    username, password: of HTTP's Basic scheme; else those in the URI, or ``MLFLOW_TRACKING_USERNAME`` and
        ``MLFLOW_TRACKING_PASSWORD``. Where a name and a token are both set, the name wins, as in MLflow.

    InvalidParameter: the URI is not one of a server, or the credentials could not be sent as they are.
    """
    given = uri or _variable("TRACKBACK_TRACKING_URI", "MLFLOW_TRACKING_URI") or DEFAULT_URI
    parts = _split(given.strip())
    authorization = (
        _authorization(token, username, password)
        or _authorization(None, unquote(parts.username or ""), unquote(parts.password or ""))
        or _authorization(
            _variable("TRACKBACK_TOKEN", "MLFLOW_TRACKING_TOKEN"),
            _variable("MLFLOW_TRACKING_USERNAME"),
            _variable("MLFLOW_TRACKING_PASSWORD"),
        )
    )
    place = parts.netloc.rpartition("@")[2]
    return Address(urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", "")), authorization)


def address_of(uri: str, token: str, *, named: str, such_as: str) -> Address:
    """The address of another kind of server, which messages call ``named``. Nothing is taken from the environment.

    such_as: an example of such an address. token: of HTTP's Bearer scheme; credentials in the URI are left out.

    InvalidParameter: the URI is not one of a server, or the token is missing or could not be sent as it is.
    """
    parts = _split(uri.strip(), f"address of {named}", such_as)
    authorization = _authorization(token, None, None, named)
    if authorization is None:
        raise InvalidParameter(f"Missing token for {named}. Make one there.")
    place = parts.netloc.rpartition("@")[2]
    return Address(urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", "")), authorization)


def without_userinfo(uri: str) -> str:
    """``uri``, well formed or not, as it may be shown."""
    return _USERINFO.sub("//", uri)


def _variable(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)


def _split(uri: str, named: str = "tracking URI", such_as: str = DEFAULT_URI) -> SplitResult:
    try:
        parts = urlsplit(uri)
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if not complete or parts.scheme not in ("http", "https") or parts.query or parts.fragment or _SPACE.search(uri):
        advice = " `trackback server` starts one." if such_as == DEFAULT_URI else ""
        raise InvalidParameter(
            f"Invalid {named} {shown(without_userinfo(uri))}: it must be that of a server, such as {such_as}, with "
            f"nothing after its path.{advice}"
        )
    return parts


def _authorization(
    token: str | None, username: str | None, password: str | None, named: str = "the tracking server"
) -> str | None:
    """The header's value. What is wrong with credentials is said without showing them."""
    if username and password:
        if ":" in username:
            raise InvalidParameter(f"The user name for {named} contains a colon, which HTTP can't send.")
        return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"
    if token and (token := token.strip()):
        if not _HEADER_TEXT.fullmatch(token):
            raise InvalidParameter(f"The token for {named} contains spaces or characters beyond ASCII.")
        return f"Bearer {token}"
    return None
