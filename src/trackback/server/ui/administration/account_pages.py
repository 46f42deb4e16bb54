"""Accounts: one's own roles, tokens and password; for admins all users, and each by itself."""

from typing import NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission, Role, Token, User
from trackback.entities.accounts import Grant
from trackback.errors import NotFound
from trackback.limits import shown
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.services import Services, access
from trackback.services.accounts import NewToken
from trackback.services.clock import now_ms
from trackback.services.pages import Page

PATH = "/accounts"
ROWS = 100


class Account(NamedTuple):
    """A user with the tokens; ``is_own`` of the visitor's."""

    user: User
    tokens: Page[Token]
    is_own: bool


@page
async def show_accounts(services: Services, actor: Actor, request: Request) -> Response:
    """One's own account and, for an admin, the users. Without accounts, how to have some."""
    if not services.sessions.enabled:
        return await render("administration/no_accounts.html")
    account = await find_account(services, actor, actor.name, request.query_params.get("tokens", ""))
    users: Page[User] | None = None
    if access.may(actor, Permission.ADMIN):
        users = await services.accounts.users(
            actor, max_results=ROWS, page_token=request.query_params.get("page_token", "")
        )
    return await show_account(account, users)


@page
async def show_user(services: Services, actor: Actor, request: Request) -> Response:
    name = request.path_params["name"]
    return await show_account(await find_account(services, actor, name, request.query_params.get("tokens", "")))


async def find_account(services: Services, actor: Actor, name: str, page_token: str = "") -> Account:
    """Raises NotFound if there is no such user, and for anybody else's where the actor is no admin."""
    is_own = name == actor.name
    if not is_own and not access.may(actor, Permission.ADMIN):
        raise NotFound(f"There is no user {shown(name)}, or it is not for you to see.")
    user = await services.accounts.myself(actor) if is_own else await services.accounts.user(actor, name)
    tokens = await services.accounts.tokens(actor, user=name, max_results=ROWS, page_token=page_token)
    return Account(user, tokens, is_own)


async def show_account(account: Account, users: Page[User] | None = None, created: NewToken | None = None) -> Response:
    """``created``: a token whose secret is shown, this once."""
    return await render(
        "administration/account.html",
        account=account,
        here=f"{PATH}/{quote(account.user.name, safe='')}",
        users=users,
        created=created,
        roles=list(Role),
        state_of=state_of,
        place_of=place_of,
    )


def state_of(token: Token) -> str:
    if token.revoked is not None:
        return "revoked"
    return "expired" if token.expires is not None and token.expires <= now_ms() else "active"


def place_of(grant: Grant) -> str:
    """The page of what a role is for; empty for everything."""
    kind, _, rest = (grant.resource or "").partition(":/")
    if kind == "models":
        return f"/registry/{quote(rest, safe='')}"
    return f"/experiments/{quote(rest, safe='')}" if kind == "experiments" else ""


ROUTES = [
    shows(PATH, show_accounts, Permission.SELF),
    shows(f"{PATH}/{{name}}", show_user, Permission.SELF),
]
