"""Calls for accounts: users, their tokens and their roles, and the record of changes. Trackback only."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from trackback.client.api.calls import OURS, Calls, segment
from trackback.client.pages import Page
from trackback.entities import AuditEntry, Grant, Role, Token, User

USERS = f"{OURS}users"
TOKENS = f"{OURS}tokens"
GRANTS = f"{OURS}grants"


class NewToken(NamedTuple):
    """A token and its secret, which nobody is told again."""

    token: Token
    secret: str


class NewTokenAnswer(msgspec.Struct):
    token: Token
    secret: str


class Accounts(Calls):
    """PermissionDenied, where it says nothing else: only admins may."""

    def get_myself(self) -> User:
        """Who you are signed in as, with your roles. Unauthenticated: the server knows nobody, or not you."""
        return self._one("user", User, "GET", f"{OURS}me", {})

    def add_user(
        self, name: str, *, password: str = "", service: bool = False, roles: Sequence[Role | str] = ()
    ) -> User:
        """Add a person, with a password, or a service, with none. AlreadyExists: the name is taken."""
        fields = {"name": name, "password": password, "service": service, "roles": list(roles)}
        return self._one("user", User, "POST", USERS, fields, idempotent=False)

    def list_users(self, max_results: int | None = None, page_token: str | None = None) -> Page[User]:
        """All users with their roles, by name."""
        return self._page("users", User, "GET", USERS, {"max_results": max_results, "page_token": page_token})

    def disable_user(self, name: str) -> User:
        """Have a user sign in no more. NotFound: there is none of this name."""
        return self._one("user", User, "POST", f"{USERS}/{segment(name)}/disable", {})

    def enable_user(self, name: str) -> User:
        """Let a disabled user sign in again. NotFound: there is none of this name."""
        return self._one("user", User, "POST", f"{USERS}/{segment(name)}/enable", {})

    def set_password(self, name: str, password: str, current_password: str = "") -> None:
        """Set a password: your own, with the one that you have, or as an admin anybody's.

        InvalidParameter: it is too short. PermissionDenied: the current one is wrong, or you are no admin.
        """
        fields = {"password": password, "current_password": current_password}
        self._do("POST", f"{USERS}/{segment(name)}/password", fields)

    def create_token(
        self, name: str, *, user: str = "", scopes: Sequence[Role | str] = (), days: int | None = None
    ) -> NewToken:
        """Make a token: for yourself, or as an admin for a service. ``days``: until it expires; None: never.

        scopes: the roles that it may do no more than; all that its user may, if there are none.

        PermissionDenied: it is for somebody else, and you are no admin.
        """
        fields = {"name": name, "user": user, "scopes": list(scopes), "days": days}
        made = self._whole(NewTokenAnswer, "POST", TOKENS, fields, idempotent=False)
        return NewToken(made.token, made.secret)

    def list_tokens(self, user: str = "", max_results: int | None = None, page_token: str | None = None) -> Page[Token]:
        """Your tokens, or as an admin somebody's, the newest first, those that are not valid any more too."""
        fields = {"user": user, "max_results": max_results, "page_token": page_token}
        return self._page("tokens", Token, "GET", TOKENS, fields)

    def revoke_token(self, token_id: str) -> None:
        """End a token. NotFound: there is none of this id that is yours to end."""
        self._do("DELETE", f"{TOKENS}/{segment(token_id)}", {})

    def list_grants(self, user: str = "") -> tuple[Grant, ...]:
        """Your roles, or as an admin somebody's."""
        return self._several("grants", Grant, "GET", GRANTS, {"user": user})

    def grant_role(self, user: str, role: Role | str, resource: str = "") -> None:
        """Give a user a role: for ``models:/churn``, ``experiments:/12``, or everything. NotFound: there is none."""
        self._do("POST", GRANTS, {"user": user, "role": role, "resource": resource})

    def revoke_role(self, user: str, role: Role | str, resource: str = "") -> None:
        """Take a role away. NotFound: the user has not got it."""
        self._do("DELETE", GRANTS, {"user": user, "role": role, "resource": resource}, idempotent=False)

    def search_audit(
        self,
        *,
        actor: str = "",
        object: str = "",  # noqa: A002 - the entry's own word
        action: str = "",
        since: str = "",
        until: str = "",
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Page[AuditEntry]:
        """What was changed, by whom and from where, the newest first. Times are as ``2026-11-01T00:00:00Z``.

        InvalidParameter: one is no time.
        """
        fields = {
            "actor": actor,
            "object": object,
            "action": action,
            "since": since,
            "until": until,
            "max_results": max_results,
            "page_token": page_token,
        }
        return self._page("entries", AuditEntry, "GET", f"{OURS}audit", fields)
