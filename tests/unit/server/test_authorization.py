"""Who is admitted, and how seldom the database is asked for it."""

import asyncio
from base64 import b64encode

import pytest
from starlette.types import Scope

from trackback.entities import Grants, Permission, Role, Token
from trackback.errors import Overloaded, PermissionDenied, TrackbackError, Unauthenticated, Unavailable
from trackback.server.authorization import FRESH_S, PASSWORD_KNOWN_S, Authorization
from trackback.services.accounts import Accounts
from trackback.services.attempts import FREE
from trackback.services.identities import Identities, Identity, granted, wrong
from trackback.storage.accounts import GrantRecord, UserRecord
from trackback.storage.sessions import SessionRecord

PASSWORD = "correct horse battery"
SECRET = "the secret of a session"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeAccounts(Accounts):
    def __init__(self) -> None:
        self.changes = 0


class FakeIdentities(Identities):
    """Knows the user ann and one token of hers; counts what it is asked."""

    def __init__(self) -> None:
        self.roles: list[tuple[Role, str]] = [(Role.WRITER, "")]
        self.hash = "hash"
        self.expires: int | None = None
        self.asked = 0
        self.computed = 0
        self.notes = 0
        self.fault: TrackbackError | None = None

    async def of_token(self, secret: str) -> Identity:
        await self._wait()
        if secret != "tbk_right":
            raise wrong()
        return Identity("ann", self._grants(), Token("1", "ann", "laptop", 0, expires=self.expires))

    async def of_password(self, name: str, password: str, known_hash: str | None = None) -> Identity:
        await self._wait()
        if known_hash != self.hash:
            self.computed += 1
            if (name, password) != ("ann", PASSWORD):
                raise wrong()
        return Identity("ann", self._grants(), password=self.hash)

    async def of_session(self, secret: str) -> Identity:
        await self._wait()
        if secret != SECRET:
            raise wrong()
        record = SessionRecord("digest", UserRecord(1, "ann", 0, None, 0, None), None, 0, 0, self.expires or 2**60)
        return Identity("ann", self._grants(), session=record)

    async def note_use_of_session(self, session: SessionRecord) -> None:
        self.notes += 1

    async def note_use(self, token: Token) -> None:
        self.notes += 1
        if self.fault:
            raise self.fault

    async def _wait(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)

    def _grants(self) -> Grants:
        return granted(GrantRecord(1, resource, role) for role, resource in self.roles)


class Server:
    def __init__(self) -> None:
        self.clock = Clock()
        self.accounts = FakeAccounts()
        self.identities = FakeIdentities()
        self.authorization = Authorization(self.identities, self.accounts, self.clock)

    async def admit(
        self,
        authorization: str | None,
        permission: Permission = Permission.READ,
        address: str = "192.0.2.1",
        *,
        session: str = "",
        is_page: bool = False,
    ) -> str:
        """The name of who was admitted."""
        headers = [] if authorization is None else [(b"authorization", authorization.encode())]
        if session:
            headers.append((b"cookie", f"trackback_session={session}; other=1".encode()))
        scope: Scope = {"headers": headers, "client": (address, 5)}
        actor = await self.authorization.admit(scope, permission, is_page=is_page)
        assert actor.address == address
        return actor.name


@pytest.fixture
def server() -> Server:
    return Server()


TOKEN = "Bearer tbk_right"


def basic(name: str, password: str) -> str:
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


RIGHT = basic("ann", PASSWORD)


@pytest.mark.parametrize("credential", [TOKEN, basic("whoever", "tbk_right"), RIGHT], ids=["Bearer", "token", "Basic"])
async def test_who_has_a_credential_is_admitted_and_looked_up_once_in_a_while(server: Server, credential: str) -> None:
    for _ in range(10):
        assert await server.admit(credential) == "ann"
    assert server.identities.asked == 1

    server.clock.now += FRESH_S
    await server.admit(credential)
    assert server.identities.asked == 2


@pytest.mark.parametrize("credential", [None, "Bearer tbk_wrong", basic("ann", "wrong"), "Digest x"], ids=str)
async def test_who_has_none_or_a_wrong_one_is_not(server: Server, credential: str | None) -> None:
    for permission in (Permission.READ, Permission.SELF, Permission.ADMIN):
        with pytest.raises(Unauthenticated):
            await server.admit(credential, permission)


async def test_probes_ask_nobody(server: Server) -> None:
    assert await server.admit("Bearer tbk_wrong", Permission.NOTHING) == "anyone"
    assert server.identities.asked == 0


async def test_who_lacks_the_permission_for_everything_and_anything_is_refused(server: Server) -> None:
    await server.admit(TOKEN, Permission.WRITE)
    with pytest.raises(PermissionDenied, match="ann lacks the permission 'promote'"):
        await server.admit(TOKEN, Permission.PROMOTE)

    server.identities.roles = [(Role.PROMOTER, "models/3")]
    server.clock.now += FRESH_S
    await server.admit(TOKEN, Permission.PROMOTE)


async def test_without_any_role_one_sees_to_oneself_only(server: Server) -> None:
    server.identities.roles = []

    assert await server.admit(TOKEN, Permission.SELF) == "ann"
    with pytest.raises(PermissionDenied):
        await server.admit(TOKEN, Permission.READ)


async def test_what_changed_elsewhere_is_known_soon_and_what_changed_here_at_once(server: Server) -> None:
    await server.admit(TOKEN, Permission.WRITE)
    server.identities.roles = [(Role.READER, "")]
    await server.admit(TOKEN, Permission.WRITE)

    server.clock.now += FRESH_S
    with pytest.raises(PermissionDenied):
        await server.admit(TOKEN, Permission.WRITE)
    server.identities.roles = [(Role.WRITER, "")]
    server.accounts.changes += 1
    await server.admit(TOKEN, Permission.WRITE)


async def test_many_requests_at_once_ask_the_database_once(server: Server) -> None:
    names = await asyncio.gather(*(server.admit(RIGHT) for _ in range(100)))

    assert set(names) == {"ann"}
    assert (server.identities.asked, server.identities.computed) == (1, 1)


async def test_one_that_is_cut_off_takes_no_other_with_it(server: Server) -> None:
    first, second = (asyncio.create_task(server.admit(RIGHT)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert await second == "ann"


async def test_a_password_is_computed_with_once_in_minutes_and_again_when_it_was_changed(server: Server) -> None:
    for _ in range(int(PASSWORD_KNOWN_S / FRESH_S)):
        await server.admit(RIGHT)
        server.clock.now += FRESH_S
    assert server.identities.computed == 1

    await server.admit(RIGHT)
    assert server.identities.computed == 2
    server.identities.hash = "another"
    server.clock.now += FRESH_S
    await server.admit(RIGHT)
    assert server.identities.computed == 3


async def test_guessing_is_slowed_and_who_is_known_goes_on_meanwhile(server: Server) -> None:
    await server.admit(RIGHT)
    for number in range(FREE):
        with pytest.raises(Unauthenticated):
            await server.admit(basic("ann", f"guess {number}"))
    computed = server.identities.computed
    with pytest.raises(Overloaded):
        await server.admit(basic("ann", PASSWORD + " "))

    assert server.identities.computed == computed
    assert await server.admit(RIGHT) == "ann"


async def test_a_token_is_looked_up_again_when_it_expires(server: Server) -> None:
    server.identities.expires = 1  # long ago
    await server.admit(TOKEN)
    await server.admit(TOKEN)

    assert server.identities.asked == 2


async def test_that_a_use_can_not_be_noted_harms_nobody(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.identities.fault = Unavailable("down")

    assert await server.admit(TOKEN) == "ann"
    await server.authorization.close()

    assert server.identities.notes == 1
    assert "could not note that token 1 was used: down" in caplog.text


async def test_failures_are_logged_without_what_was_tried(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Unauthenticated):
        await server.admit(basic("ann", "a secret"))

    assert "signing in as 'ann' from 192.0.2.1 failed" in caplog.text
    assert "a secret" not in caplog.text


# Sessions


async def test_a_session_signs_in_to_pages_only(server: Server) -> None:
    assert await server.admit(None, session=SECRET, is_page=True) == "ann"
    with pytest.raises(Unauthenticated):
        await server.admit(None, session=SECRET)
    with pytest.raises(Unauthenticated):
        await server.admit(SECRET, is_page=True)
    with pytest.raises(Unauthenticated):
        await server.admit(None, session="another", is_page=True)


async def test_a_session_is_looked_up_once_while_it_is_fresh_and_again_after_a_change(server: Server) -> None:
    for _ in range(3):
        await server.admit(None, session=SECRET, is_page=True)
    assert server.identities.asked == 1
    server.accounts.note_change()
    await server.admit(None, session=SECRET, is_page=True)
    assert server.identities.asked == 2


async def test_that_a_session_is_used_is_noted(server: Server) -> None:
    await server.admit(None, session=SECRET, is_page=True)
    await server.authorization.close()
    assert server.identities.notes == 1
