"""The cookies of our pages.

A browser sends what one port of a host has set to its other ports too, so each name ends with the port: several
servers on one machine don't sign each other out.
"""

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

SESSION = "trackback_session"
"""The secret of a session: who signed in with it may do what its user may."""
VISIT = "trackback_visit"
"""A random text that forms of whoever has no session are tied to."""
THEME = "trackback_theme"
COLUMNS = "trackback_columns"
"""Of the runs of the experiment whose path it is kept for."""
NOTICE = "trackback_notice"
"""What the next page is to say of what was just done."""

_YEAR_S = 365 * 24 * 3600


def read(scope: Scope, name: str) -> str:
    """The value of a cookie; empty if there is none."""
    sent = "; ".join(value.decode("latin-1") for header, value in scope["headers"] if header == b"cookie")
    return cookie_parser(sent).get(_named(scope, name), "") if sent else ""


def give(
    response: Response, scope: Scope, name: str, value: str, max_age_s: int | None = _YEAR_S, path: str = "/"
) -> None:
    """Have the browser keep the value where no script can read it, and send it along with requests of our own pages
    and of links to them; those below ``path`` only.
    """
    response.set_cookie(
        _named(scope, name),
        value,
        max_age=max_age_s,
        path=path,
        httponly=True,
        samesite="lax",
        secure=is_secure(scope),
    )


def take_away(response: Response, scope: Scope, name: str, path: str = "/") -> None:
    give(response, scope, name, "", 0, path)


def is_secure(scope: Scope) -> bool:
    """Whether the browser speaks HTTPS, with us or with a proxy before us."""
    return scope["scheme"] == "https" or _header(scope, b"x-forwarded-proto").strip().lower() == b"https"


def _named(scope: Scope, name: str) -> str:
    port = _header(scope, b"host").rpartition(b"]")[2].partition(b":")[2]
    return f"{name}_{port.decode()}" if port.isdigit() else name


def _header(scope: Scope, name: bytes) -> bytes:
    return next((bytes(value) for header, value in scope["headers"] if header == name), b"")
