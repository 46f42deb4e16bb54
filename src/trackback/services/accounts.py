"""Accounts: users, their tokens and their roles. Whatever changes is in the audit log."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from trackback import limits
from trackback.entities import Actor, Grant, Grants, Permission, Role, Token, User
from trackback.errors import AlreadyExists, InvalidParameter, NotFound, PermissionDenied
from trackback.limits import shown
from trackback.services import access
from trackback.services.account_rules import (
    TOKEN_NAME_LENGTH,
    check_accounts,
    check_admins,
    check_no_more_than,
    check_user_name,
    check_whole,
    checked_days,
    checked_number,
    checked_password,
    existing_user,
    loaded_users,
    require_admin,
    resolved_place,
)
from trackback.services.attempts import Attempts
from trackback.services.clock import Clock, now_ms
from trackback.services.identities import new_secret, permissions_of, token_digest
from trackback.services.pages import Page
from trackback.services.passwords import Passwords
from trackback.services.policies import Retry, retry_nothing
from trackback.storage import Storage, Transaction, accounts, audit, promotions, sessions

PER_PAGE = 1000

OPERATOR = Actor("command line", grants=Grants(everywhere=permissions_of(Role)))
"""Who works on the database itself."""

_DAY_MS = 24 * 3600 * 1000

T = TypeVar("T")


class NewToken(NamedTuple):
    """The secret is told once, now: only its digest is kept."""

    token: Token
    secret: str


class Accounts:
    """``changes`` counts what was changed through this object, so that whoever remembers roles knows to look again.

    ``retry`` is called in the transaction of each change by which somebody may more: see ``Policies``.
    """

    def __init__(
        self, storage: Storage, passwords: Passwords, clock: Clock = now_ms, *, retry: Retry = retry_nothing
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self._clock = clock
        self._retry = retry
        self._attempts = Attempts()
        self.changes = 0

    def note_change(self) -> None:
        """What is remembered of who asks may not be so any more."""
        self.changes += 1

    async def has_admin(self) -> bool:
        return await self._storage.look_up(lambda tx: bool(accounts.admins(tx)))

    async def add_user(
        self, actor: Actor, name: str, *, password: str = "", service: bool = False, roles: Sequence[Role] = ()
    ) -> User:
        """A new user, with roles for everything; without a password nobody can sign in by that name yet.

        Raises AlreadyExists if the name was ever taken: the records know users by their names.
        """
        require_admin(actor)
        check_user_name(name)
        if service and password:
            raise InvalidParameter(f"The service {shown(name)} can't have a password: make a token for it.")
        hashed = await self._passwords.hash(checked_password(password)) if password else None
        now = self._clock()

        def operation(tx: Transaction) -> User:
            user = accounts.add_user(tx, name, service=service, password=hashed, created_ms=now)
            if user is None:
                raise AlreadyExists(f"There is a user {shown(name)} already. Names are never given to another.")
            details = {"service": service, "roles": sorted(set(roles))}
            audit.record(tx, actor, "user.add", f"users/{name}", details, time_ms=now)
            for role in sorted(set(roles)):
                accounts.grant(tx, user.id, role, "")
            return loaded_users(tx, [user])[0]

        return await self._change(operation)

    async def users(self, actor: Actor, *, max_results: int = PER_PAGE, page_token: str = "") -> Page[User]:
        """By name, with their roles."""
        require_admin(actor)
        limits.check_max_results(max_results, PER_PAGE)
        limits.check_text(page_token, "page_token")

        def operation(tx: Transaction) -> Page[User]:
            found = accounts.list_users(tx, page_token, max_results + 1)
            page = found[:max_results]
            return Page(loaded_users(tx, page), page[-1].name if len(found) > max_results else None)

        return await self._storage.read(operation)

    async def user(self, actor: Actor, name: str) -> User:
        """One user, with the roles. Raises NotFound if there is none of that name."""
        require_admin(actor)
        return await self._storage.look_up(lambda tx: loaded_users(tx, [existing_user(tx, name)])[0])

    async def myself(self, actor: Actor) -> User:
        """The caller, with its roles. Raises InvalidState without accounts."""
        check_accounts(actor)
        return await self._storage.look_up(lambda tx: loaded_users(tx, [existing_user(tx, actor.name)])[0])

    async def disable(self, actor: Actor, name: str) -> User:
        """From now on the user can't sign in, by password or token. Raises InvalidState for the last admin."""
        return await self._set_disabled(actor, name, self._clock())

    async def enable(self, actor: Actor, name: str) -> User:
        return await self._set_disabled(actor, name, None)

    async def _set_disabled(self, actor: Actor, name: str, disabled_ms: int | None) -> User:
        require_admin(actor)
        now = self._clock()

        def operation(tx: Transaction) -> User:
            promotions.hold(tx)
            before = accounts.hold_admins(tx)
            user = existing_user(tx, name)
            if (user.disabled_ms is None) != (disabled_ms is None):
                accounts.set_disabled(tx, user.id, disabled_ms)
                sessions.end_all(tx, user.id)
                check_admins(tx, before)
                action = "user.enable" if disabled_ms is None else "user.disable"
                audit.record(tx, actor, action, f"users/{name}", time_ms=now)
                if disabled_ms is None:
                    self._retry(tx, None)
            return loaded_users(tx, [existing_user(tx, name)])[0]

        return await self._change(operation)

    async def set_password(self, actor: Actor, name: str, password: str, current: str = "") -> None:
        """An admin may set anybody's; others their own, if they know the ``current`` one. The user's sessions end.

        Raises InvalidParameter for a password that is too short, PermissionDenied for a wrong current one or with a
        token of narrower scopes, and Overloaded after several wrong ones.
        """
        own = actor.name == name and current
        if own:
            check_accounts(actor)
            check_whole(actor)
        else:
            require_admin(actor)
        checked_password(password)
        if own:
            await self._check_current(actor, current)
        hashed = await self._passwords.hash(password)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            user = existing_user(tx, name)
            if user.service:
                raise InvalidParameter(f"{shown(name)} is a service, which has no password: make a token for it.")
            accounts.set_password(tx, user.id, hashed)
            sessions.end_all(tx, user.id)
            audit.record(tx, actor, "user.password", f"users/{name}", time_ms=now)

        await self._change(operation)

    async def _check_current(self, actor: Actor, current: str) -> None:
        """Slowed like signing in: who has somebody's token is not to find out the password with it."""
        kept = (await self._storage.look_up(lambda tx: existing_user(tx, actor.name))).password
        self._attempts.begin(actor.name, actor.address)
        if not await self._passwords.match(current, kept):
            raise PermissionDenied("The current password is wrong, so it stays.")
        self._attempts.succeed(actor.name, actor.address)

    async def create_token(
        self, actor: Actor, name: str, *, user: str = "", scopes: Sequence[Role] = (), days: int | None = None
    ) -> NewToken:
        """A token for the caller itself or, by an admin, for a service.

        scopes: roles; the token may do what its user may, and no more than these.
        days: after which it expires; None for never.

        With a token no token can be made that may more, or lives longer: PermissionDenied.
        """
        check_accounts(actor)
        owner = user or actor.name
        if owner != actor.name:
            require_admin(actor)
        limits.check_length(name, "name", TOKEN_NAME_LENGTH)
        now = self._clock()
        expires = None if days is None else now + checked_days(days) * _DAY_MS
        kept = tuple(sorted(set(scopes)))
        check_no_more_than(actor.token, kept, expires)
        secret = new_secret()

        def operation(tx: Transaction) -> NewToken:
            record = existing_user(tx, owner)
            if owner != actor.name and not record.service:
                raise PermissionDenied(f"{owner} is a person: only {owner} can make tokens for {owner}.")
            number = accounts.add_token(tx, record.id, token_digest(secret), name, kept, now, expires)
            token = Token(str(number), owner, name, now, kept, expires)
            details = {"user": owner, "name": name, "scopes": list(kept), "expires": expires}
            audit.record(tx, actor, "token.create", f"tokens/{number}", details, time_ms=now)
            return NewToken(token, secret)

        return await self._change(operation)

    async def tokens(
        self, actor: Actor, *, user: str = "", max_results: int = PER_PAGE, page_token: str = ""
    ) -> Page[Token]:
        """The caller's tokens or, for an admin, anybody's; the newest first, those that are not valid any more too."""
        check_accounts(actor)
        owner = user or actor.name
        if owner != actor.name:
            require_admin(actor)
        limits.check_max_results(max_results, PER_PAGE)
        before = checked_number(page_token, "page_token") if page_token else limits.INT64_MAX

        def operation(tx: Transaction) -> Page[Token]:
            found = accounts.tokens_of(tx, existing_user(tx, owner).id, before, max_results + 1)
            page = found[:max_results]
            return Page(page, page[-1].id if len(found) > max_results else None)

        return await self._storage.read(operation)

    async def revoke_token(self, actor: Actor, token_id: str) -> None:
        """One of the caller's or, by an admin, anybody's; again changes nothing."""
        check_accounts(actor)
        number = checked_number(token_id, "id")
        now = self._clock()

        def operation(tx: Transaction) -> None:
            record = accounts.find_token_numbered(tx, number)
            if record is None or (record.owner.name != actor.name and not access.may(actor, Permission.ADMIN)):
                raise NotFound(f"There is no token {token_id}, or it is not yours.")
            if accounts.revoke_token(tx, number, now):
                details = {"user": record.owner.name, "name": record.token.name}
                audit.record(tx, actor, "token.revoke", f"tokens/{number}", details, time_ms=now)

        await self._change(operation)

    async def grant(self, actor: Actor, user: str, role: Role, resource: str = "") -> None:
        """Give a role for all there is, for ``models:/<name>`` or for ``experiments:/<id>``; again changes nothing."""
        require_admin(actor)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            promotions.hold(tx)
            record, place = existing_user(tx, user), resolved_place(tx, actor, resource)
            if accounts.grant(tx, record.id, role, place):
                details = {"role": role, "resource": resource or None}
                audit.record(tx, actor, "role.grant", f"users/{user}", details, time_ms=now)
                self._retry(tx, None)  # for an experiment too: versions may come from its runs

        await self._change(operation)

    async def revoke(self, actor: Actor, user: str, role: Role, resource: str = "") -> None:
        """Take a role away. Raises NotFound where the user does not have it, InvalidState for the last admin's."""
        require_admin(actor)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            before = accounts.hold_admins(tx)
            record, place = existing_user(tx, user), resolved_place(tx, actor, resource)
            if not accounts.revoke(tx, record.id, role, place):
                raise NotFound(f"{user} does not have the role {role} for {resource or 'everything'}.")
            check_admins(tx, before)
            details = {"role": role, "resource": resource or None}
            audit.record(tx, actor, "role.revoke", f"users/{user}", details, time_ms=now)

        await self._change(operation)

    async def grants(self, actor: Actor, *, user: str = "") -> list[Grant]:
        """The caller's roles or, for an admin, anybody's."""
        check_accounts(actor)
        owner = user or actor.name
        if owner != actor.name:
            require_admin(actor)
        return await self._storage.look_up(lambda tx: list(loaded_users(tx, [existing_user(tx, owner)])[0].grants))

    async def _change(self, operation: Callable[[Transaction], T]) -> T:
        try:
            return await self._storage.write(operation)
        finally:
            self.note_change()
