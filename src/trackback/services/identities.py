"""Whom a credential stands for, and what that user may do with it."""

import hashlib
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trackback.entities import Grants, Permission, Role, Token
from trackback.entities.streams import StreamKind, parse_stream
from trackback.errors import Unauthenticated
from trackback.services.clock import Clock, now_ms
from trackback.services.passwords import Passwords
from trackback.storage import Storage, Transaction, accounts, sessions
from trackback.storage.accounts import GrantRecord, UserRecord
from trackback.storage.sessions import SessionRecord

USER_NAME_LENGTH = 128
TOKEN_PREFIX = "tbk_"
IDLE_MS = 7 * 24 * 3600 * 1000
"""After which an unused session ends."""
LONGEST_MS = 30 * 24 * 3600 * 1000
"""After which any session ends."""
_TOKEN_BYTES = 32
_USER_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@+\-]{{0,{USER_NAME_LENGTH - 1}}}")

# One text for whatever is wrong with a credential: which of it is, is nobody's business.
_WRONG = (
    "The user name, password or token is wrong, or not valid any more. Send a token as Bearer (MLFLOW_TRACKING_TOKEN), "
    "or a name and password as Basic (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD)."
)


class Identity(NamedTuple):
    """``password`` is the hash that matched; a token has none. ``session`` is the one that was signed in with."""

    user: str
    grants: Grants
    token: Token | None = None
    password: str | None = None
    session: SessionRecord | None = None

    @property
    def expires_ms(self) -> int | None:
        """When the credential ends by itself."""
        ends = [self.token.expires] if self.token else []
        ends += [self.session.expires_ms] if self.session else []
        return min((end for end in ends if end is not None), default=None)


class Identities:
    def __init__(self, storage: Storage, passwords: Passwords, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._passwords = passwords
        self._clock = clock

    async def of_token(self, secret: str) -> Identity:
        """Whose token that is. Unauthenticated if it is none, was revoked or has expired, or its user is disabled."""
        digest = token_digest(secret)
        now = self._clock()

        def operation(tx: Transaction) -> Identity:
            record = accounts.find_token(tx, digest)
            if record is None or record.token.revoked or record.owner.disabled_ms is not None:
                raise wrong()
            token = record.token
            if token.expires is not None and token.expires <= now:
                raise wrong()
            return Identity(token.user, _grants(tx, record.owner, token.scopes), token)

        return await self._storage.look_up(operation)

    async def of_password(self, name: str, password: str, known_hash: str | None = None) -> Identity:
        """The user of that name. Raises Unauthenticated after the same time, whatever is wrong.

        known_hash: a hash that the password matched before. While it is still the user's, nothing is computed.
        """
        asked = name if is_user_name(name) else ""  # which nobody has
        user, grants = await self._storage.look_up(lambda tx: _find(tx, asked))
        hashed = user.password if user and user.disabled_ms is None else None
        if hashed is None or hashed != known_hash:
            matches = await self._passwords.match(password, hashed)
            if not matches:
                raise wrong()
        assert user is not None
        return Identity(user.name, grants, password=hashed)

    async def of_session(self, secret: str) -> Identity:
        """Whose session that is. Unauthenticated if it is none, or has ended, as it does with its token or user."""
        digest = token_digest(secret)
        now = self._clock()

        def operation(tx: Transaction) -> Identity:
            record = sessions.find(tx, digest)
            if record is None or record.expires_ms <= now or record.owner.disabled_ms is not None:
                raise wrong()
            token = record.token
            if token and (token.revoked is not None or (token.expires is not None and token.expires <= now)):
                raise wrong()
            grants = _grants(tx, record.owner, token.scopes if token else ())
            return Identity(record.owner.name, grants, token, session=record)

        return await self._storage.look_up(operation)

    async def note_use_of_session(self, session: SessionRecord) -> None:
        now = self._clock()
        expires = session_expiry(session.created_ms, now)
        await self._storage.write(lambda tx: sessions.note_use(tx, session.digest, now, expires))

    async def note_use(self, token: Token) -> None:
        number, now = int(token.id), self._clock()
        await self._storage.write(lambda tx: accounts.note_use(tx, number, now))


def is_user_name(name: str) -> bool:
    return _USER_NAME.fullmatch(name) is not None


def wrong() -> Unauthenticated:
    return Unauthenticated(_WRONG)


def new_secret() -> str:
    """A token's, of 256 random bits: too many to be guessed, so that a plain hash of it tells nothing."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def new_session_secret() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


def session_expiry(created_ms: int, used_ms: int) -> int:
    """When a session ends that is used for the last time now."""
    return min(created_ms + LONGEST_MS, used_ms + IDLE_MS)


def token_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    return frozenset[Permission]().union(*(role.permissions for role in roles))


def granted(records: Iterable[GrantRecord], scopes: Sequence[Role] = ()) -> Grants:
    """What roles come to; with ``scopes``, no more of it than these roles may."""
    bounds = permissions_of(scopes or Role)
    found: defaultdict[str, frozenset[Permission]] = defaultdict(frozenset)
    for record in records:
        found[record.resource] |= record.role.permissions & bounds
    everywhere = found.pop("", frozenset())
    objects: dict[StreamKind, dict[int, frozenset[Permission]]] = {kind: {} for kind in StreamKind}
    for resource, permissions in found.items():
        kind, number = parse_stream(resource)
        objects[kind][number] = permissions
    return Grants(everywhere, objects[StreamKind.EXPERIMENT], objects[StreamKind.MODEL])


def _grants(tx: Transaction, user: UserRecord, scopes: Sequence[Role]) -> Grants:
    return granted(accounts.grants_of(tx, [user.id]), scopes)


def _find(tx: Transaction, name: str) -> tuple[UserRecord | None, Grants]:
    user = accounts.find_user(tx, name)
    return user, _grants(tx, user, ()) if user else Grants()
