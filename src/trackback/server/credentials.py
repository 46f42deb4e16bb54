"""What a request signs in with: HTTP's Authorization header, as MLflow's clients send it."""

from base64 import b64decode
from typing import NamedTuple

from starlette.types import Scope

from trackback.services.identities import TOKEN_PREFIX, wrong


class Credentials(NamedTuple):
    """A token (``name`` is None then), or a user's name and password."""

    name: str | None
    secret: str


def authorization(scope: Scope) -> bytes:
    """The header as it was sent; empty if there is none."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            sent: bytes = value
            return sent
    return b""


def read_credentials(header: bytes) -> Credentials:
    """What the header says. A token may also come as the password of Basic, with any user name.

    Raises Unauthenticated for what is neither Bearer nor Basic, or can't be read.
    """
    scheme, _, value = header.partition(b" ")
    try:
        match scheme.lower():
            case b"bearer":
                return Credentials(None, value.strip().decode("ascii"))
            case b"basic":
                name, colon, password = b64decode(value.strip(), validate=True).decode().partition(":")
                if colon:
                    return Credentials(None if password.startswith(TOKEN_PREFIX) else name, password)
    except ValueError:
        pass
    raise wrong()
