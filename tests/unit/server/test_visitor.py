"""Cookies of pages, and what ties a form to whoever it was made for."""

import pytest
from starlette.responses import Response
from starlette.types import Scope

from trackback.entities import ANYONE, Actor, Grants, Permission
from trackback.server import cookies
from trackback.server.ui.frame.visitor import Problem, Visitor


def scope(host: str, *, cookie: str = "", forwarded: str = "", scheme: str = "http") -> Scope:
    headers = [(b"host", host.encode()), (b"cookie", cookie.encode()), (b"x-forwarded-proto", forwarded.encode())]
    return {"headers": headers, "scheme": scheme}


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1:5000", "trackback_session_5000"),
        ("[::1]:5001", "trackback_session_5001"),
        ("track.example", "trackback_session"),
        ("track.example:", "trackback_session"),
        ("[::1]", "trackback_session"),
    ],
)
def test_servers_on_one_host_have_cookies_of_their_own(host: str, name: str) -> None:
    asked = scope(host, cookie=f"{name}=mine; trackback_session_9=other; trackback_session_=third")
    assert cookies.read(asked, cookies.SESSION) == "mine"
    response = Response()
    cookies.give(response, asked, cookies.SESSION, "new")
    assert response.headers["set-cookie"].startswith(f"{name}=new;")


@pytest.mark.parametrize(
    ("asked", "secure"),
    [
        (scope("a", scheme="https"), True),
        (scope("a", forwarded="https"), True),
        (scope("a", forwarded="http"), False),
        (scope("a"), False),
    ],
)
def test_a_cookie_that_was_given_over_tls_goes_over_tls_only(asked: Scope, secure: bool) -> None:
    response = Response()
    cookies.give(response, asked, cookies.SESSION, "new")
    assert ("Secure" in response.headers["set-cookie"]) is secure


def test_a_proof_looks_different_each_time_and_holds_for_its_visitor_only() -> None:
    ann, bob = Visitor(ANYONE, "/", "ann's secret"), Visitor(ANYONE, "/", "bob's secret")
    first, second = ann.csrf, ann.csrf
    assert first != second
    assert ann.proved_by(first)
    assert ann.proved_by(second)
    assert not bob.proved_by(first)


@pytest.mark.parametrize("sent", ["", "00", "zz", "0" * 128, "0" * 64, "é"])
def test_what_is_no_proof_proves_nothing(sent: str) -> None:
    assert not Visitor(ANYONE, "/", "a secret").proved_by(sent)


def test_a_problem_is_shown_once_where_the_form_was_sent() -> None:
    visitor = Visitor(ANYONE, "/", "s", problem=Problem("/runs/a b/delete", "no"))
    assert visitor.problem_at("/runs/other/delete") == ""
    assert not visitor.problem_was_shown
    assert visitor.problem_at("/runs/a%20b/delete") == "no"
    assert visitor.problem_at("/runs/a%20b/delete") == ""
    assert visitor.problem_was_shown


def test_buttons_are_for_who_may_press_them() -> None:
    writes = Actor("ann", grants=Grants(experiments={3: frozenset((Permission.READ, Permission.WRITE))}))
    ann = Visitor(writes, "/", "s", has_accounts=True)
    assert ann.may("write", experiment="3")
    assert not ann.may("write", experiment="4")
    assert not ann.may("write")
    assert Visitor(ANYONE, "/", "s").may("admin")
    assert not Visitor(ANYONE, "/login", "s", has_accounts=True).may("read")
