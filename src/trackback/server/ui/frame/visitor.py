"""Who looks at a page, and from where: what the frame and the forms of every page need, without being handed it."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from trackback.entities import Actor, Permission
from trackback.server import cookies
from trackback.server.ui.frame.form_data import FormData
from trackback.services import Services, access

THEMES = ("light", "dark")
KEPT = "trackback.visitor"
"""Where a scope holds the visitor that a page is made for."""

_PROOF_BYTES = 32
_NOTICE_S = 30
_NOTICE_LENGTH = 1000
_REDIRECTS = (302, 303, 307)
_SECTIONS = {
    "": "Experiments",
    "experiments": "Experiments",
    "runs": "Experiments",
    "compare": "Experiments",
    "models": "Experiments",
    "registry": "Models",
    "promotions": "Promotions",
    "deployments": "Deployments",
    "trace": "Trace",
}


class Problem(NamedTuple):
    """Why what was sent to ``action`` was refused."""

    action: str
    message: str


@dataclass
class Visitor:
    """``url`` is the page's: its path and query. ``secret`` ties forms to the visitor; only what is derived from it,
    ``csrf``, is in pages. After a form was refused, ``problem`` says why, and ``form`` is what was in it.
    """

    actor: Actor
    url: str
    secret: str
    theme: str = ""
    has_accounts: bool = False
    is_new: bool = False
    problem: Problem | None = None
    problem_was_shown: bool = False
    form: FormData | None = None
    notice: str = ""
    takes_gzip: bool = False
    scope: Scope = field(default_factory=lambda: {"headers": [], "scheme": "http"})
    _numbers: int = 0

    @property
    def csrf(self) -> str:
        """Proof that a form is of this visitor's page. It looks different each time, as pages are compressed: else its
        length among what others may write on a page would tell it, letter by letter.
        """
        mask = secrets.token_bytes(_PROOF_BYTES)
        return (mask + _xor(mask, self._proof)).hex()

    @property
    def _proof(self) -> bytes:
        return hmac.new(self.secret.encode(), b"forms", hashlib.sha256).digest()

    def proved_by(self, sent: str) -> bool:
        try:
            masked = bytes.fromhex(sent)
        except ValueError:
            return False
        return hmac.compare_digest(_xor(masked[:_PROOF_BYTES], masked[_PROOF_BYTES:]), self._proof)

    @property
    def name(self) -> str:
        """Of the user who is signed in; empty if none is."""
        return self.actor.user

    @property
    def may_sign_in(self) -> bool:
        return self.has_accounts and not self.name

    @property
    def origin(self) -> str:
        """Where the visitor's browser finds this server, for code that is to be copied."""
        host = next((value.decode("latin-1") for name, value in self.scope["headers"] if name == b"host"), "")
        return f"{'https' if cookies.is_secure(self.scope) else 'http'}://{host}"

    @property
    def section(self) -> str:
        """Which section of the site the page belongs to."""
        return _SECTIONS.get(self.url.partition("?")[0].split("/")[1], "")

    @property
    def is_answer_to_a_form(self) -> bool:
        return self.form is not None

    def may(self, permission: str, *, experiment: int | str | None = None, model: int | str | None = None) -> bool:
        """Whether the visitor has the permission everywhere, or for one of these objects: whether to show a button."""
        if self.has_accounts and self.actor.grants is None:
            return False
        return access.may(
            self.actor,
            Permission(permission),
            experiment=None if experiment is None else int(experiment),
            model=None if model is None else int(model),
        )

    def problem_at(self, action: str) -> str:
        """What is wrong with what was sent there, which whoever asks shows."""
        if self.problem is None or self.problem_was_shown or unquote(self.problem.action) != unquote(action):
            return ""
        self.problem_was_shown = True
        return self.problem.message

    def sent(self, name: str, otherwise: object = "") -> object:
        """What was in a field of the form that was refused."""
        return otherwise if self.form is None or name not in self.form else self.form.get(name)

    def number(self) -> int:
        """Another one each time: elements that labels belong to need ids."""
        self._numbers += 1
        return self._numbers

    def remember(self, response: Response, scope: Scope) -> None:
        """Have a new visitor's browser keep the secret, without which its forms are refused."""
        if self.is_new:
            cookies.give(response, scope, cookies.VISIT, self.secret, None)
        if self.notice and response.status_code not in _REDIRECTS:
            cookies.take_away(response, scope, cookies.NOTICE)

    def leave_notice(self, response: Response, text: str) -> None:
        """Have the next page show it."""
        cookies.give(response, self.scope, cookies.NOTICE, quote(text[:_NOTICE_LENGTH]), _NOTICE_S)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=False))


_current: ContextVar[Visitor] = ContextVar("visitor")


def visitor() -> Visitor:
    """Whom the page that is being made is for."""
    return _current.get()


def visiting(services: Services, actor: Actor, request: Request) -> Visitor:
    """The visitor of a request; the same one where a page is the answer to a form."""
    if isinstance(known := request.scope.get(KEPT), Visitor):
        return known
    scope = request.scope
    secret = cookies.read(scope, cookies.SESSION) or cookies.read(scope, cookies.VISIT)
    theme = cookies.read(scope, cookies.THEME)
    path, query = scope["raw_path"].decode("ascii", "replace"), scope["query_string"].decode("ascii", "replace")
    return Visitor(
        actor=actor,
        url=f"{path}?{query}" if query else path,
        secret=secret or secrets.token_urlsafe(24),
        theme=theme if theme in THEMES else "",
        has_accounts=services.sessions.enabled,
        is_new=not secret,
        notice=unquote(cookies.read(scope, cookies.NOTICE)),
        takes_gzip="gzip" in request.headers.get("accept-encoding", ""),
        scope=scope,
    )


@contextmanager
def made_for(someone: Visitor) -> Iterator[None]:
    token = _current.set(someone)
    try:
        yield
    finally:
        _current.reset(token)
