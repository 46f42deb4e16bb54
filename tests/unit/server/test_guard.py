"""Which Host and Origin headers a server takes."""

import pytest
from starlette.types import Scope

from trackback.errors import PermissionDenied
from trackback.server.guard import make_guard


def passes(
    host: str | None,
    origin: str | None = None,
    *,
    method: str = "POST",
    path: str = "/",
    bound: str = "127.0.0.1",
    allowed: tuple[str, ...] = (),
) -> bool:
    headers = [(b"host", host.encode())] if host is not None else []
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    scope: Scope = {"headers": headers, "method": method, "path": path}
    try:
        make_guard(bound, allowed)(scope)
    except PermissionDenied:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:5000", "LOCALHOST", "127.0.0.1:5000", "127.1.2.3", "[::1]", "[::1]:5000", "x.localhost"],
)
def test_a_server_on_loopback_answers_to_names_of_loopback(host: str) -> None:
    assert passes(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "",
        "[",
        None,
    ],
)
def test_a_server_on_loopback_answers_to_no_other_name(host: str | None) -> None:
    assert not passes(host)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_host_may_not_even_read(method: str) -> None:
    assert not passes("evil.example", method=method)


def test_health_is_answered_under_any_name() -> None:
    assert passes("evil.example", path="/health", method="GET")


@pytest.mark.parametrize(
    ("host", "passed"), [("models.example:80", True), ("localhost", True), ("evil.example", False)]
)
def test_names_can_be_allowed(host: str, passed: bool) -> None:
    assert passes(host, allowed=("Models.example",)) is passed


def test_a_server_on_other_addresses_answers_to_any_name_unless_some_are_given() -> None:
    assert passes("models.example", bound="0.0.0.0")
    assert not passes("models.example", bound="0.0.0.0", allowed=("other.example",))
    assert passes("models.example", bound="0.0.0.0", allowed=("*",))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:5000", "http://[", "x"]
)
def test_a_page_of_another_origin_may_not_change_anything(method: str, origin: str) -> None:
    assert not passes("localhost:5000", origin, method=method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_page_of_another_origin_may_ask(method: str) -> None:
    assert passes("localhost:5000", "http://evil.example", method=method)


def test_our_own_pages_may_change_things() -> None:
    assert passes("localhost:5000", "http://localhost:5000")


@pytest.mark.parametrize("allowed", ["models.example", "https://models.example"])
def test_an_allowed_origin_may_change_things(allowed: str) -> None:
    assert passes("localhost:5000", "https://models.example", allowed=(allowed,))


def test_a_foreign_page_may_not_change_things_on_a_server_on_other_addresses() -> None:
    assert not passes("models.example", "http://evil.example", bound="0.0.0.0")
