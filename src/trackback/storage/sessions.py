"""Sessions of the pages: a row each, under the digest of the secret that the browser keeps."""

from typing import NamedTuple

from trackback.entities import Token
from trackback.storage.accounts import TokenRecord, UserRecord, find_token_numbered, find_user_numbered
from trackback.storage.interface import Transaction


class SessionRecord(NamedTuple):
    """A row of sessions. ``token`` is what was signed in with; None after a password."""

    digest: str
    owner: UserRecord
    token: Token | None
    created_ms: int
    used_ms: int
    expires_ms: int


def add(
    tx: Transaction,
    digest: str,
    account: int,
    token: int | None,
    *,
    created_ms: int,
    expires_ms: int,
    address: str | None,
) -> None:
    tx.run(
        "INSERT INTO sessions (digest, account, token, created_ms, used_ms, expires_ms, address)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        digest,
        account,
        token,
        created_ms,
        created_ms,
        expires_ms,
        address,
    )


def find(tx: Transaction, digest: str) -> SessionRecord | None:
    row = tx.row(
        "SELECT account, token, created_ms, used_ms, expires_ms FROM sessions WHERE digest = ?",
        digest,
    )
    if row is None:
        return None
    account, number, created_ms, used_ms, expires_ms = row
    token: TokenRecord | None = None if number is None else find_token_numbered(tx, number)
    owner = find_user_numbered(tx, account)
    return SessionRecord(digest, owner, token.token if token else None, created_ms, used_ms, expires_ms)


def note_use(tx: Transaction, digest: str, used_ms: int, expires_ms: int) -> None:
    tx.run(
        "UPDATE sessions SET used_ms = ?, expires_ms = ? WHERE digest = ? AND used_ms < ?",
        used_ms,
        expires_ms,
        digest,
        used_ms,
    )


def end(tx: Transaction, digest: str) -> bool:
    """Whether there was such a session."""
    return tx.run("DELETE FROM sessions WHERE digest = ?", digest) > 0


def end_all(tx: Transaction, account: int) -> int:
    """Those of a user; how many there were."""
    return tx.run("DELETE FROM sessions WHERE account = ?", account)


def sweep(tx: Transaction, now_ms: int) -> None:
    """Forget those that have expired."""
    tx.run("DELETE FROM sessions WHERE expires_ms <= ?", now_ms)
