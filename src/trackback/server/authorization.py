"""Who asks, and whether they may."""

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from hashlib import blake2b
from time import monotonic, time
from typing import NamedTuple, Protocol

from starlette.types import Scope

from trackback.entities import ANYONE, Actor, Permission, Token
from trackback.errors import PermissionDenied, TrackbackError, Unauthenticated
from trackback.server import cookies
from trackback.server.credentials import authorization, read_credentials
from trackback.services.access import may_anything
from trackback.services.accounts import Accounts
from trackback.services.attempts import Attempts
from trackback.services.identities import Identities, Identity

FRESH_S = 2.0
"""How long a credential is taken for what it was: by then, what was revoked elsewhere is revoked here."""
PASSWORD_KNOWN_S = 300.0
"""How long a password that matched is known to, as long as the user has no other."""
REMEMBERED = 10_000
USE_NOTED_MS = 60_000


class Admit(Protocol):
    async def __call__(self, scope: Scope, permission: Permission, *, is_page: bool = False) -> Actor:
        """Who asks. ``is_page``: a browser's session signs in too; nowhere else, so that no other site can use it.

        Raises Unauthenticated or PermissionDenied if they may not have what needs the permission.
        """


log = logging.getLogger(__name__)


def address_of(scope: Scope) -> str | None:
    client = scope["client"]
    return client[0] if client else None


async def admit_anybody(scope: Scope, permission: Permission, *, is_page: bool = False) -> Actor:
    """Without accounts everybody is the same actor, at an address, and may do everything."""
    return Actor(ANYONE.name, address_of(scope))


class _Known(NamedTuple):
    """Whom a credential was found to stand for; times are those of ``monotonic``."""

    identity: Identity
    changes: int
    fresh_until: float
    password_until: float


class Authorization:
    """Admits who signs in with a token, a name and password or, to pages, a session, and has the permission for
    anything at all.

    A request's credential is looked up in memory first, by a keyed hash of it: it itself is not kept. After
    ``FRESH_S`` the database is asked again; a password is computed with only once in ``PASSWORD_KNOWN_S``.
    """

    def __init__(
        self,
        identities: Identities,
        accounts: Accounts,
        clock: Callable[[], float] = monotonic,
        attempts: Attempts | None = None,
    ) -> None:
        self._identities = identities
        self._accounts = accounts
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._attempts = attempts or Attempts(clock)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[Identity]] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def admit(self, scope: Scope, permission: Permission, *, is_page: bool = False) -> Actor:
        address = address_of(scope)
        if permission is Permission.NOTHING:
            return Actor(ANYONE.name, address)
        session = cookies.read(scope, cookies.SESSION) if is_page else ""
        header = b"" if session else authorization(scope)
        if not (session or header):
            raise Unauthenticated(
                "This server wants to know who asks. Send a token as Bearer (MLFLOW_TRACKING_TOKEN), or a name and "
                "password as Basic (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD)."
            )
        kind = b"session" if session else b"header"
        digest = blake2b(session.encode() or header, digest_size=16, key=self._key, person=kind).digest()
        known = self._known.get(digest)
        if known and known.changes == self._accounts.changes and self._clock() < known.fresh_until:
            identity = known.identity
        else:
            identity = await self._identified(digest, header, session, address)
        actor = Actor(identity.user, address, identity.grants, identity.token)
        if permission is not Permission.SELF and not may_anything(actor, permission):
            raise PermissionDenied(
                f"{actor.name} lacks the permission {str(permission)!r}. An admin can grant a role that has it."
            )
        return actor

    async def close(self) -> None:
        """Wait for what is being noted."""
        if tasks := [*self._under_way.values(), *self._notes]:
            await asyncio.wait(tasks)

    async def _identified(self, digest: bytes, header: bytes, session: str, address: str | None) -> Identity:
        """Ask the database, once for all requests that wait for the same answer."""
        task = self._under_way.get(digest)
        if task is None:
            task = asyncio.create_task(self._identify(digest, header, session, address))
            self._under_way[digest] = task
            task.add_done_callback(lambda done: self._end(digest, done))
        return await asyncio.shield(task)

    def _end(self, digest: bytes, task: asyncio.Task[Identity]) -> None:
        del self._under_way[digest]
        if not task.cancelled():
            task.exception()  # which nobody else may have waited for

    async def _identify(self, digest: bytes, header: bytes, session: str, address: str | None) -> Identity:
        changes, now = self._accounts.changes, self._clock()
        known = self._known.pop(digest, None)
        credentials = None if session else read_credentials(header)
        if credentials is None:
            identity = await self._identities.of_session(session)
            password_until = now
            self._note_use_of_session(identity)
        elif credentials.name is None:
            identity = await self._identities.of_token(credentials.secret)
            password_until = now
            if identity.token:
                self._note_use(identity.token)
        elif known and now < known.password_until:
            identity = await self._identities.of_password(credentials.name, credentials.secret, known.identity.password)
            password_until = known.password_until
        else:
            identity = await self._try_password(credentials.name, credentials.secret, address)
            password_until = now + PASSWORD_KNOWN_S
        self._remember(digest, _Known(identity, changes, _fresh_until(now, identity), password_until))
        return identity

    async def _try_password(self, name: str, password: str, address: str | None) -> Identity:
        self._attempts.begin(name, address)
        try:
            identity = await self._identities.of_password(name, password)
        except Unauthenticated:
            log.warning("signing in as %r from %s failed", name[:80], address)
            raise
        self._attempts.succeed(name, address)
        return identity

    def _remember(self, digest: bytes, known: _Known) -> None:
        self._known[digest] = known
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _note_use(self, token: Token) -> None:
        """Have the time noted, in the background and once a minute: it is not worth a write for each request."""
        if token.last_used is not None and 1000 * time() - token.last_used < USE_NOTED_MS:
            return
        self._note(f"token {token.id}", self._identities.note_use(token))

    def _note_use_of_session(self, identity: Identity) -> None:
        if identity.session and 1000 * time() - identity.session.used_ms >= USE_NOTED_MS:
            self._note(f"a session of {identity.user}", self._identities.note_use_of_session(identity.session))

    def _note(self, what: str, writing: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(_noted(what, writing))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)


async def _noted(what: str, writing: Coroutine[None, None, None]) -> None:
    try:
        await writing
    except TrackbackError as error:
        log.warning("could not note that %s was used: %s", what, error)


def _fresh_until(now: float, identity: Identity) -> float:
    """Not beyond the end of the credential."""
    expires = identity.expires_ms
    return now + (FRESH_S if expires is None else min(FRESH_S, expires / 1000 - time()))
