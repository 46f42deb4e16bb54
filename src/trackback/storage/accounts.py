"""Users, their tokens and their roles."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trackback.entities import Role, Token
from trackback.storage.interface import Row, Transaction

_USER = "u.id, u.name, u.service, u.password, u.created_ms, u.disabled_ms"
_TOKEN = "t.id, u.name, t.name, t.scopes, t.created_ms, t.expires_ms, t.last_used_ms, t.revoked_ms"


class UserRecord(NamedTuple):
    """A row of users. ``password`` is its hash."""

    id: int
    name: str
    service: int
    password: str | None
    created_ms: int
    disabled_ms: int | None


class GrantRecord(NamedTuple):
    """A row of grants: ``resource`` is ``experiments/<id>``, ``models/<id>``, or empty for all there is."""

    account: int
    resource: str
    role: Role


class TokenRecord(NamedTuple):
    """A token, and whom it belongs to."""

    token: Token
    owner: UserRecord


def add_user(tx: Transaction, name: str, *, service: bool, password: str | None, created_ms: int) -> UserRecord | None:
    """None if the name is taken."""
    row = tx.row(
        "INSERT INTO users AS u (name, service, password, created_ms) VALUES (?, ?, ?, ?)"
        f" ON CONFLICT (name) DO NOTHING RETURNING {_USER.replace('u.', '')}",
        name,
        int(service),
        password,
        created_ms,
    )
    return UserRecord(*row) if row else None


def find_user(tx: Transaction, name: str) -> UserRecord | None:
    row = tx.row(f"SELECT {_USER} FROM users u WHERE u.name = ?", name)
    return UserRecord(*row) if row else None


def find_user_numbered(tx: Transaction, account: int) -> UserRecord:
    """The user of that number, which there is."""
    return UserRecord(*tx.rows(f"SELECT {_USER} FROM users u WHERE u.id = ?", account)[0])


def list_users(tx: Transaction, after: str, limit: int) -> list[UserRecord]:
    """By name, those after one."""
    return [
        UserRecord(*row)
        for row in tx.rows(f"SELECT {_USER} FROM users u WHERE u.name > ? ORDER BY u.name LIMIT ?", after, limit)
    ]


def set_password(tx: Transaction, account: int, password: str) -> None:
    tx.run("UPDATE users SET password = ? WHERE id = ?", password, account)


def set_disabled(tx: Transaction, account: int, disabled_ms: int | None) -> None:
    tx.run("UPDATE users SET disabled_ms = ? WHERE id = ?", disabled_ms, account)


def hold_admins(tx: Transaction) -> set[int]:
    """Who can do everything, in a write: nobody else adds to them or takes from them before the transaction ends.

    Whoever changes one of them waits for the first user's row, whoever that is.
    """
    tx.rows("SELECT id FROM users WHERE id = (SELECT min(id) FROM users) {for_update}")
    return admins(tx)


def admins(tx: Transaction) -> set[int]:
    rows = tx.rows(
        "SELECT u.id FROM grants g JOIN users u ON u.id = g.account"
        " WHERE g.resource = '' AND g.role = ? AND u.disabled_ms IS NULL",
        Role.ADMIN.value,
    )
    return {account for (account,) in rows}


def grant(tx: Transaction, account: int, role: Role, resource: str) -> bool:
    """Whether the user did not have the role."""
    added = tx.run(
        "INSERT INTO grants (account, resource, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        account,
        resource,
        role.value,
    )
    return added > 0


def revoke(tx: Transaction, account: int, role: Role, resource: str) -> bool:
    """Whether the user had the role."""
    return (
        tx.run(
            "DELETE FROM grants WHERE account = ? AND resource = ? AND role = ?",
            account,
            resource,
            role.value,
        )
        > 0
    )


def grants_of(tx: Transaction, accounts: Iterable[int]) -> list[GrantRecord]:
    rows = tx.rows(
        "SELECT account, resource, role FROM grants WHERE account {ints} ORDER BY account, resource, role",
        sorted(accounts),
    )
    return [GrantRecord(account, resource, Role(role)) for account, resource, role in rows]


def add_token(
    tx: Transaction,
    account: int,
    digest: str,
    name: str,
    scopes: Sequence[Role],
    created_ms: int,
    expires_ms: int | None,
) -> int:
    """The number of the new token."""
    row = tx.row(
        "INSERT INTO tokens (account, digest, name, scopes, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)"
        " RETURNING id",
        account,
        digest,
        name,
        " ".join(scopes),
        created_ms,
        expires_ms,
    )
    assert row is not None
    number: int = row[0]
    return number


def find_token(tx: Transaction, digest: str) -> TokenRecord | None:
    """The token of a secret, by the secret's SHA-256."""
    return _token(tx, "t.digest = ?", digest)


def find_token_numbered(tx: Transaction, number: int) -> TokenRecord | None:
    return _token(tx, "t.id = ?", number)


def tokens_of(tx: Transaction, account: int, before: int, limit: int) -> list[Token]:
    """The newest first, those numbered less than one."""
    rows = tx.rows(
        f"SELECT {_TOKEN} FROM tokens t JOIN users u ON u.id = t.account WHERE t.account = ? AND t.id < ?"
        " ORDER BY t.id DESC LIMIT ?",
        account,
        before,
        limit,
    )
    return [_made(row) for row in rows]


def revoke_token(tx: Transaction, number: int, revoked_ms: int) -> bool:
    """Whether the token had not been revoked."""
    return tx.run("UPDATE tokens SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL", revoked_ms, number) > 0


def note_use(tx: Transaction, number: int, used_ms: int) -> None:
    tx.run(
        "UPDATE tokens SET last_used_ms = ? WHERE id = ? AND (last_used_ms IS NULL OR last_used_ms < ?)",
        used_ms,
        number,
        used_ms,
    )


def _token(tx: Transaction, where: str, value: object) -> TokenRecord | None:
    row = tx.row(f"SELECT {_USER}, {_TOKEN} FROM tokens t JOIN users u ON u.id = t.account WHERE {where}", value)
    if row is None:
        return None
    width = len(UserRecord._fields)
    return TokenRecord(_made(row[width:]), UserRecord(*row[:width]))


def _made(row: Row) -> Token:
    number, user, name, scopes, created_ms, expires_ms, last_used_ms, revoked_ms = row
    return Token(
        id=str(number),
        user=user,
        name=name,
        created=created_ms,
        scopes=tuple(map(Role, scopes.split())),
        expires=expires_ms,
        last_used=last_used_ms,
        revoked=revoked_ms,
    )
