"""Our API for accounts: users, their tokens and their roles."""

import msgspec

from trackback.entities import Actor, Grant, Permission, Role, Token, User
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services


class AddUser(Message, frozen=True):
    name: NonEmpty
    password: str = ""
    service: bool = False
    roles: tuple[Role, ...] = ()


class ListUsers(Message, frozen=True):
    max_results: Int64 = 100
    page_token: str = ""


class NamedUser(Message, frozen=True):
    name: NonEmpty


class SetPassword(Message, frozen=True):
    name: NonEmpty
    password: NonEmpty
    current_password: str = ""


class CreateToken(Message, frozen=True):
    name: NonEmpty
    user: str = ""
    scopes: tuple[Role, ...] = ()
    days: Int64 | None = None


class ListTokens(Message, frozen=True):
    user: str = ""
    max_results: Int64 = 100
    page_token: str = ""


class TokenRequest(Message, frozen=True):
    id: NonEmpty


class ListGrants(Message, frozen=True):
    user: str = ""


class GrantRequest(Message, frozen=True):
    user: NonEmpty
    role: Role
    resource: str = ""


class Nobody(Message, frozen=True):
    pass


class UserAnswer(msgspec.Struct):
    user: User


class UsersAnswer(msgspec.Struct, omit_defaults=True):
    users: tuple[User, ...] = ()
    next_page_token: str | None = None


class NewTokenAnswer(msgspec.Struct):
    """``secret`` is told in this answer only."""

    token: Token
    secret: str


class TokensAnswer(msgspec.Struct, omit_defaults=True):
    tokens: tuple[Token, ...] = ()
    next_page_token: str | None = None


class GrantsAnswer(msgspec.Struct, omit_defaults=True):
    grants: tuple[Grant, ...] = ()


async def show_myself(services: Services, actor: Actor, request: Nobody) -> UserAnswer:
    return UserAnswer(await services.accounts.myself(actor))


async def add_user(services: Services, actor: Actor, request: AddUser) -> UserAnswer:
    return UserAnswer(
        await services.accounts.add_user(
            actor, request.name, password=request.password, service=request.service, roles=request.roles
        )
    )


async def list_users(services: Services, actor: Actor, request: ListUsers) -> UsersAnswer:
    page = await services.accounts.users(actor, max_results=request.max_results, page_token=request.page_token)
    return UsersAnswer(tuple(page.items), page.next_page_token)


async def disable_user(services: Services, actor: Actor, request: NamedUser) -> UserAnswer:
    return UserAnswer(await services.accounts.disable(actor, request.name))


async def enable_user(services: Services, actor: Actor, request: NamedUser) -> UserAnswer:
    return UserAnswer(await services.accounts.enable(actor, request.name))


async def set_password(services: Services, actor: Actor, request: SetPassword) -> None:
    await services.accounts.set_password(actor, request.name, request.password, request.current_password)


async def create_token(services: Services, actor: Actor, request: CreateToken) -> NewTokenAnswer:
    created = await services.accounts.create_token(
        actor, request.name, user=request.user, scopes=request.scopes, days=request.days
    )
    return NewTokenAnswer(created.token, created.secret)


async def list_tokens(services: Services, actor: Actor, request: ListTokens) -> TokensAnswer:
    page = await services.accounts.tokens(
        actor, user=request.user, max_results=request.max_results, page_token=request.page_token
    )
    return TokensAnswer(tuple(page.items), page.next_page_token)


async def revoke_token(services: Services, actor: Actor, request: TokenRequest) -> None:
    await services.accounts.revoke_token(actor, request.id)


async def list_grants(services: Services, actor: Actor, request: ListGrants) -> GrantsAnswer:
    return GrantsAnswer(tuple(await services.accounts.grants(actor, user=request.user)))


async def grant(services: Services, actor: Actor, request: GrantRequest) -> None:
    await services.accounts.grant(actor, request.user, request.role, request.resource)


async def revoke(services: Services, actor: Actor, request: GrantRequest) -> None:
    await services.accounts.revoke(actor, request.user, request.role, request.resource)


ROUTES = [
    *rpc("GET", "me", Permission.SELF, Nobody, show_myself, under=API),
    *rpc("POST", "users", Permission.ADMIN, AddUser, add_user, under=API),
    *rpc("GET", "users", Permission.ADMIN, ListUsers, list_users, under=API),
    *rpc("POST", "users/{name}/disable", Permission.ADMIN, NamedUser, disable_user, under=API),
    *rpc("POST", "users/{name}/enable", Permission.ADMIN, NamedUser, enable_user, under=API),
    *rpc("POST", "users/{name}/password", Permission.SELF, SetPassword, set_password, under=API),
    *rpc("POST", "tokens", Permission.SELF, CreateToken, create_token, under=API),
    *rpc("GET", "tokens", Permission.SELF, ListTokens, list_tokens, under=API),
    *rpc("DELETE", "tokens/{id}", Permission.SELF, TokenRequest, revoke_token, under=API),
    *rpc("GET", "grants", Permission.SELF, ListGrants, list_grants, under=API),
    *rpc("POST", "grants", Permission.ADMIN, GrantRequest, grant, under=API),
    *rpc("DELETE", "grants", Permission.ADMIN, GrantRequest, revoke, under=API),
]
