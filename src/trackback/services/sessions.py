"""Sessions of the pages: signed in to with a name and password, or with a token, and kept as a secret in a cookie.

A session ends when its user logs out, is disabled or gets another password, when the token that it began with is
revoked, after ``IDLE_MS`` without use, and after ``LONGEST_MS`` in any case.
"""

import logging
from typing import NamedTuple

from trackback.entities import Actor
from trackback.errors import InvalidState, Unauthenticated
from trackback.services.accounts import Accounts
from trackback.services.attempts import Attempts
from trackback.services.clock import Clock, now_ms
from trackback.services.identities import Identities, Identity, new_session_secret, session_expiry, token_digest
from trackback.storage import Storage, Transaction, accounts, audit, sessions

log = logging.getLogger(__name__)


class NewSession(NamedTuple):
    """``secret`` is told once, now: only its digest is kept."""

    user: str
    secret: str


class Sessions:
    """``enabled``: the server has accounts, so that there is somebody to sign in as."""

    def __init__(
        self,
        storage: Storage,
        identities: Identities,
        accounts: Accounts,
        attempts: Attempts,
        clock: Clock = now_ms,
        *,
        enabled: bool,
    ) -> None:
        self._storage = storage
        self._identities = identities
        self._accounts = accounts
        self._attempts = attempts
        self._clock = clock
        self.enabled = enabled

    async def begin(self, name: str, password: str, address: str | None) -> NewSession:
        """Raises Unauthenticated for a wrong name or password, Overloaded after several of them."""
        self._check_enabled()
        self._attempts.begin(name, address)
        try:
            identity = await self._identities.of_password(name, password)
        except Unauthenticated:
            log.warning("signing in as %r from %s failed", name[:80], address)
            raise Unauthenticated("The user name or the password is wrong, or the user is disabled.") from None
        self._attempts.succeed(name, address)
        return await self._begin(identity, address)

    async def begin_with_token(self, secret: str, address: str | None) -> NewSession:
        """The session may what the token may. Raises Unauthenticated if the token is not valid."""
        self._check_enabled()
        try:
            identity = await self._identities.of_token(secret)
        except Unauthenticated:
            raise Unauthenticated("The token is wrong, was revoked, or has expired.") from None
        return await self._begin(identity, address)

    async def end(self, secret: str) -> None:
        """Log out; again changes nothing."""
        digest, now = token_digest(secret), self._clock()

        def operation(tx: Transaction) -> None:
            record = sessions.find(tx, digest)
            if record and sessions.end(tx, digest):
                audit.record(tx, Actor(record.owner.name), "session.end", f"users/{record.owner.name}", time_ms=now)

        await self._storage.write(operation)
        self._accounts.note_change()

    async def _begin(self, identity: Identity, address: str | None) -> NewSession:
        secret, now = new_session_secret(), self._clock()
        token = int(identity.token.id) if identity.token else None

        def operation(tx: Transaction) -> None:
            owner = accounts.find_user(tx, identity.user)
            if owner is None or owner.disabled_ms is not None:
                raise Unauthenticated("The user is disabled.")
            sessions.sweep(tx, now)
            sessions.add(
                tx,
                token_digest(secret),
                owner.id,
                token,
                created_ms=now,
                expires_ms=session_expiry(now, now),
                address=address,
            )
            details = {} if token is None else {"token": str(token)}
            audit.record(tx, Actor(owner.name, address), "session.begin", f"users/{owner.name}", details, time_ms=now)

        await self._storage.write(operation)
        return NewSession(identity.user, secret)

    def _check_enabled(self) -> None:
        if not self.enabled:
            raise InvalidState("This server was started without --auth, so there is nobody to sign in as.")
