"""What requests sign in with."""

from base64 import b64encode

import pytest

from trackback.errors import Unauthenticated
from trackback.server.credentials import Credentials, read_credentials


def basic(text: str) -> bytes:
    return b"Basic " + b64encode(text.encode())


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        (b"Bearer tbk_abc", Credentials(None, "tbk_abc")),
        (b"bearer  tbk_abc ", Credentials(None, "tbk_abc")),
        (basic("ann:secret"), Credentials("ann", "secret")),
        (basic("ann:a:b:"), Credentials("ann", "a:b:")),
        (basic("änn:schlüssel"), Credentials("änn", "schlüssel")),
        (basic("ann:"), Credentials("ann", "")),
        (basic("token:tbk_abc"), Credentials(None, "tbk_abc")),
        (basic(":tbk_abc"), Credentials(None, "tbk_abc")),
    ],
    ids=repr,
)
def test_bearer_and_basic_are_read_as_clients_send_them(header: bytes, meant: Credentials) -> None:
    assert read_credentials(header) == meant


@pytest.mark.parametrize(
    "header",
    [
        b"Digest x",
        b"Basic",
        b"Basic !!!",
        b"Basic " + b64encode(b"\xff:\xff"),
        basic("no colon"),
        b"Bearer \xe9",
        b"tbk_abc",
    ],
    ids=repr,
)
def test_anything_else_is_refused(header: bytes) -> None:
    with pytest.raises(Unauthenticated):
        read_credentials(header)
