"""Sessions of the pages: how they begin, what they may, and when they end."""

import pytest

from tests.contract.accounts_world import PASSWORD, World, actor_of, make_world
from trackback.entities import Permission, Role
from trackback.errors import InvalidState, Overloaded, Unauthenticated
from trackback.services import access
from trackback.services.accounts import OPERATOR
from trackback.services.attempts import FREE, Attempts
from trackback.services.audit import AuditLog
from trackback.services.identities import IDLE_MS, LONGEST_MS
from trackback.services.sessions import Sessions
from trackback.storage import Storage

ADDRESS = "192.0.2.7"


@pytest.fixture
def world(storage: Storage) -> World:
    return make_world(storage)


@pytest.fixture
def sessions(world: World) -> Sessions:
    return Sessions(world.storage, world.identities, world.accounts, Attempts(), world.clock, enabled=True)


async def is_valid(world: World, secret: str) -> bool:
    try:
        await world.identities.of_session(secret)
    except Unauthenticated:
        return False
    return True


async def use(world: World, secret: str) -> None:
    """What a request does: it asks who that is, and notes that it did."""
    identity = await world.identities.of_session(secret)
    assert identity.session
    await world.identities.note_use_of_session(identity.session)


async def test_who_signs_in_with_a_password_may_what_the_user_may(world: World, sessions: Sessions) -> None:
    await world.user("ann", Role.WRITER)
    new = await sessions.begin("ann", PASSWORD, ADDRESS)

    ann = actor_of(await world.identities.of_session(new.secret))

    assert (new.user, ann.name, access.may(ann, Permission.WRITE)) == ("ann", "ann", True)
    assert not access.may(ann, Permission.ADMIN)


async def test_who_signs_in_with_a_token_may_no_more_than_the_token(world: World, sessions: Sessions) -> None:
    ann = await world.user("ann", Role.WRITER)
    token = await world.accounts.create_token(ann, "laptop", scopes=[Role.READER])
    new = await sessions.begin_with_token(token.secret, ADDRESS)

    reader = actor_of(await world.identities.of_session(new.secret))

    assert (access.may(reader, Permission.READ), access.may(reader, Permission.WRITE)) == (True, False)


async def test_a_session_ends_with_its_token(world: World, sessions: Sessions) -> None:
    ann = await world.user("ann")
    revoked = await world.accounts.create_token(ann, "revoked")
    expiring = await world.accounts.create_token(ann, "expiring", days=1)
    begun = [(await sessions.begin_with_token(each.secret, ADDRESS)).secret for each in (revoked, expiring)]

    await world.accounts.revoke_token(ann, revoked.token.id)
    assert [await is_valid(world, secret) for secret in begun] == [False, True]
    world.clock.now_ms += 24 * 3600 * 1000
    assert [await is_valid(world, secret) for secret in begun] == [False, False]


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_a_wrong_name_and_a_wrong_password_are_refused_alike(world: World, sessions: Sessions, name: str) -> None:
    await world.user("ann")
    with pytest.raises(Unauthenticated, match=r"^The user name or the password is wrong"):
        await sessions.begin(name, "something else", ADDRESS)
    with pytest.raises(Unauthenticated, match="token is wrong"):
        await sessions.begin_with_token("tbk_wrong", ADDRESS)


async def test_after_several_wrong_passwords_the_right_one_has_to_wait_too(world: World, sessions: Sessions) -> None:
    await world.user("ann")
    for number in range(FREE):
        with pytest.raises(Unauthenticated):
            await sessions.begin("ann", f"guess {number}", ADDRESS)

    with pytest.raises(Overloaded, match="Try again in"):
        await sessions.begin("ann", PASSWORD, ADDRESS)
    assert (await sessions.begin("ann", PASSWORD, "198.51.100.1")).user == "ann"


async def test_logging_out_ends_this_session_and_no_other(world: World, sessions: Sessions) -> None:
    await world.user("ann")
    here, there = [(await sessions.begin("ann", PASSWORD, ADDRESS)).secret for _ in range(2)]

    await sessions.end(here)
    await sessions.end(here)

    assert [await is_valid(world, secret) for secret in (here, there)] == [False, True]


async def test_another_password_and_being_disabled_end_all_sessions_of_a_user(world: World, sessions: Sessions) -> None:
    await world.user("ann")
    await world.user("bob")
    bobs = (await sessions.begin("bob", PASSWORD, ADDRESS)).secret
    first = (await sessions.begin("ann", PASSWORD, ADDRESS)).secret
    await world.accounts.set_password(OPERATOR, "ann", "another long password")
    second = (await sessions.begin("ann", "another long password", ADDRESS)).secret
    assert [await is_valid(world, secret) for secret in (first, second)] == [False, True]

    await world.accounts.disable(OPERATOR, "ann")
    await world.accounts.enable(OPERATOR, "ann")

    assert [await is_valid(world, secret) for secret in (second, bobs)] == [False, True]


async def test_a_session_ends_when_it_is_not_used_and_after_the_longest_time(world: World, sessions: Sessions) -> None:
    await world.user("ann")
    unused, used = [(await sessions.begin("ann", PASSWORD, ADDRESS)).secret for _ in range(2)]

    days = []
    while await is_valid(world, used):
        await use(world, used)
        world.clock.now_ms += IDLE_MS - 1
        days.append(await is_valid(world, unused))

    assert days == [True] + [False] * (len(days) - 1)
    assert world.clock.now_ms - 1_800_000_000_000 >= LONGEST_MS


async def test_expired_sessions_are_forgotten_when_somebody_signs_in(world: World, sessions: Sessions) -> None:
    await world.user("ann")
    await sessions.begin("ann", PASSWORD, ADDRESS)
    world.clock.now_ms += IDLE_MS
    await sessions.begin("ann", PASSWORD, ADDRESS)

    count = await world.storage.read(lambda tx: tx.rows("SELECT count(*) FROM sessions"))

    assert count == [(1,)]


async def test_the_database_has_no_secret_of_a_session(world: World, sessions: Sessions) -> None:
    await world.user("ann")
    secret = (await sessions.begin("ann", PASSWORD, ADDRESS)).secret

    rows = await world.storage.read(lambda tx: tx.rows("SELECT * FROM sessions"))

    assert secret not in str(rows)


async def test_signing_in_and_out_is_in_the_audit_log(world: World, sessions: Sessions) -> None:
    await world.user("ann")
    await sessions.end((await sessions.begin("ann", PASSWORD, ADDRESS)).secret)

    log = (await AuditLog(world.storage).search(OPERATOR, by="ann")).items

    assert [(each.action, each.object) for each in log] == [
        ("session.end", "users/ann"),
        ("session.begin", "users/ann"),
    ]


async def test_without_accounts_there_is_nobody_to_sign_in_as(world: World) -> None:
    closed = Sessions(world.storage, world.identities, world.accounts, Attempts(), world.clock, enabled=False)
    with pytest.raises(InvalidState, match="without --auth"):
        await closed.begin("ann", PASSWORD, ADDRESS)
