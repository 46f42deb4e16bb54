"""What must be so of accounts: of names, passwords, tokens and admins, and of who looks after them."""

from collections import defaultdict
from collections.abc import Sequence

from trackback import limits
from trackback.entities import ANYONE, Actor, Grant, Permission, Role, Token, User
from trackback.errors import InvalidParameter, InvalidState, NotFound, PermissionDenied
from trackback.limits import shown
from trackback.services import access
from trackback.services.identities import USER_NAME_LENGTH, is_user_name, permissions_of
from trackback.services.subjects import resolve_stream, shown_stream
from trackback.storage import Transaction, accounts
from trackback.storage.accounts import UserRecord

PASSWORD_LENGTHS = (12, 1024)  # the least is MLflow's; without a bound, to hash one would take any time
TOKEN_NAME_LENGTH = 128
TOKEN_DAYS = 3650


def check_accounts(actor: Actor) -> None:
    """Whoever reaches a server without accounts may do everything, but not let himself in for later."""
    if actor.grants is None:
        raise InvalidState(
            "This server was started without --auth, so it has no accounts. `trackback user add NAME --admin "
            "--backend-store-uri URI` makes the first one, on the database itself."
        )


def require_admin(actor: Actor) -> None:
    check_accounts(actor)
    access.require(actor, Permission.ADMIN)


def existing_user(tx: Transaction, name: str) -> UserRecord:
    if is_user_name(name) and (user := accounts.find_user(tx, name)):
        return user
    raise NotFound(f"There is no user {shown(name)}.")


def loaded_users(tx: Transaction, users: Sequence[UserRecord]) -> list[User]:
    """The users with their roles; resources by the names that they have now."""
    found = accounts.grants_of(tx, [user.id for user in users])
    names = {record.resource: shown_stream(tx, record.resource) for record in found if record.resource}
    roles: defaultdict[int, list[tuple[Role, str | None]]] = defaultdict(list)
    for record in found:
        roles[record.account].append((record.role, names.get(record.resource)))
    return [
        User(
            name=user.name,
            created=user.created_ms,
            service=bool(user.service),
            disabled=user.disabled_ms,
            grants=tuple(Grant(user.name, role, resource) for role, resource in roles[user.id]),
        )
        for user in users
    ]


def check_admins(tx: Transaction, before: set[int]) -> None:
    if before and not accounts.admins(tx):
        raise InvalidState("This is the last admin, without whom nobody could change accounts. Make another one first.")


def resolved_place(tx: Transaction, actor: Actor, resource: str) -> str:
    return resolve_stream(tx, resource, actor) if resource else ""


def check_user_name(name: str) -> None:
    if not is_user_name(name) or name == ANYONE.name:
        raise InvalidParameter(
            f"Invalid user name {shown(name)}: it must have at most {USER_NAME_LENGTH} letters, digits and . _ - + @, "
            f"begin with a letter or digit, and not be {ANYONE.name}."
        )


def checked_password(password: str) -> str:
    least, most = PASSWORD_LENGTHS
    if not least <= len(password) <= most:
        raise InvalidParameter(f"A password must have from {least} to {most} characters; this one has {len(password)}.")
    return limits.check_text(password, "password")


def checked_days(days: int) -> int:
    if not 1 <= days <= TOKEN_DAYS:
        raise InvalidParameter(f"Invalid number of days {days}: a token may live from 1 to {TOKEN_DAYS}, or for ever.")
    return days


def check_whole(actor: Actor) -> None:
    """Who signs in with a password may all that the user may, so that a token that may less gives nobody one."""
    scopes = actor.token.scopes if actor.token else ()
    if scopes and permissions_of(scopes) != permissions_of(Role):
        raise PermissionDenied(
            f"With a token for {' and '.join(scopes)} the password of {actor.name} can't be changed. Sign in with the "
            "name and the password, or with a token without scopes."
        )


def check_no_more_than(token: Token | None, scopes: Sequence[Role], expires: int | None) -> None:
    if token is None:
        return
    if token.scopes and not permissions_of(scopes or Role) <= permissions_of(token.scopes):
        raise PermissionDenied(
            f"With a token for {' and '.join(token.scopes)} none can be made that may more. Give it no other scopes."
        )
    if token.expires is not None and (expires is None or expires > token.expires):
        raise PermissionDenied("With a token that expires no token can be made that lives longer. Give it fewer days.")


def checked_number(text: str, what: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise InvalidParameter(f"Invalid value {shown(text)} for parameter '{what}' supplied: it is a number.")
