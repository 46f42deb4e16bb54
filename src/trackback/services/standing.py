"""What somebody whom the records name may do by now: roles are taken away long after they were used."""

from typing import NamedTuple

from trackback.entities import Permission, Role
from trackback.services.identities import permissions_of
from trackback.storage import Transaction, accounts


class Standing(NamedTuple):
    """A user's roles for one model or experiment, be they for that alone or for everything."""

    roles: frozenset[Role]
    service: bool
    disabled: bool

    @property
    def permissions(self) -> frozenset[Permission]:
        """Those of the roles, of which who is disabled can make no use."""
        return permissions_of(self.roles)

    def may(self, permission: Permission) -> bool:
        return not self.disabled and permission in self.permissions


def standing_of(tx: Transaction, name: str, stream: str) -> Standing | None:
    """How a user stands with the model or experiment of ``stream``; None if there is no such user."""
    user = accounts.find_user(tx, name)
    if user is None:
        return None
    roles = frozenset(grant.role for grant in accounts.grants_of(tx, [user.id]) if grant.resource in ("", stream))
    return Standing(roles, bool(user.service), user.disabled_ms is not None)
