"""Users, passwords, tokens and roles, and how they become what somebody may do."""

from collections.abc import Awaitable, Callable

import pytest

from tests.contract.accounts_world import PASSWORD, World, make_world
from trackback.entities import ANYONE, Actor, Permission, Role
from trackback.errors import (
    AlreadyExists,
    InvalidParameter,
    InvalidState,
    NotFound,
    Overloaded,
    PermissionDenied,
    TrackbackError,
    Unauthenticated,
)
from trackback.services import access
from trackback.services.accounts import OPERATOR
from trackback.services.attempts import FREE
from trackback.services.audit import AuditLog
from trackback.services.passwords import Passwords
from trackback.storage import Storage

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def world(storage: Storage) -> World:
    return make_world(storage)


async def actions(world: World) -> list[tuple[str, str, str]]:
    """What the audit log has, the oldest first."""
    page = await AuditLog(world.storage).search(OPERATOR)
    return [(each.actor, each.action, each.object) for each in reversed(page.items)]


# Users and passwords


async def test_who_has_the_right_password_is_who_it_says_with_its_roles(world: World) -> None:
    ann = await world.user("ann", Role.WRITER)

    assert (ann.name, access.may(ann, Permission.WRITE), access.may(ann, Permission.PROMOTE)) == ("ann", True, False)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "wrong"),
        ("nobody", PASSWORD),
        ("", ""),
        ("ann\x00", PASSWORD),
        ("x" * 10_000, PASSWORD),
        ("Ann", PASSWORD),
    ],
    ids=["wrong", "unknown", "empty", "NUL", "long", "other case"],
)
async def test_anything_else_is_refused_in_the_same_words(world: World, name: str, password: str) -> None:
    await world.user("ann")

    with pytest.raises(Unauthenticated) as refused:
        await world.identities.of_password(name, password)
    with pytest.raises(Unauthenticated) as known_refused:
        await world.identities.of_token("tbk_nothing")

    assert refused.value.message == known_refused.value.message


async def test_a_password_is_computed_with_for_users_that_are_not_there_or_can_not_sign_in_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.user("ann")
    await world.user("gone")
    await world.accounts.disable(OPERATOR, "gone")
    await world.accounts.add_user(OPERATOR, "ci", service=True)
    computed: list[bool] = []

    async def match(passwords: Passwords, password: str, hashed: str | None) -> bool:
        computed.append(hashed is not None)
        return False

    monkeypatch.setattr(Passwords, "match", match)
    for name in ("ann", "gone", "ci", "nobody"):
        with pytest.raises(Unauthenticated):
            await world.identities.of_password(name, "wrong")

    assert computed == [True, False, False, False]


async def test_a_password_that_matched_is_not_computed_with_again_while_it_is_the_users(world: World) -> None:
    await world.user("ann")
    identity = await world.identities.of_password("ann", PASSWORD)
    assert (await world.identities.of_password("ann", "not looked at", identity.password)).user == "ann"

    await world.accounts.set_password(OPERATOR, "ann", "another long password")

    with pytest.raises(Unauthenticated):
        await world.identities.of_password("ann", PASSWORD, identity.password)


async def test_a_name_is_never_given_again(world: World) -> None:
    await world.user("ann")
    await world.accounts.disable(OPERATOR, "ann")

    with pytest.raises(AlreadyExists):
        await world.accounts.add_user(OPERATOR, "ann")


@pytest.mark.parametrize("name", ["", "anyone", "a b", "a:b", "-a", "a/b", "é", "x" * 129, "command line"])
async def test_names_that_would_be_mistaken_are_refused(world: World, name: str) -> None:
    with pytest.raises(InvalidParameter, match="Invalid user name"):
        await world.accounts.add_user(OPERATOR, name)


@pytest.mark.parametrize("password", ["x" * 11, "x" * 1025, "\ud800" * 12, "x\x00" * 6])
async def test_passwords_too_short_too_long_or_unwritable_are_refused(world: World, password: str) -> None:
    with pytest.raises(InvalidParameter, match="password"):
        await world.accounts.add_user(OPERATOR, "ann", password=password)


async def test_who_is_disabled_signs_in_no_more_by_any_way_until_enabled(world: World) -> None:
    ann = await world.user("ann", Role.READER)
    secret = (await world.accounts.create_token(ann, "mine")).secret
    await world.accounts.disable(OPERATOR, "ann")

    with pytest.raises(Unauthenticated):
        await world.signed_in("ann")
    with pytest.raises(Unauthenticated):
        await world.by_token(secret)

    await world.accounts.enable(OPERATOR, "ann")
    assert (await world.signed_in("ann")).name == (await world.by_token(secret)).name == "ann"


async def test_users_change_their_own_password_if_they_know_it(world: World) -> None:
    ann = await world.user("ann")
    with pytest.raises(PermissionDenied, match="current password is wrong"):
        await world.accounts.set_password(ann, "ann", "another long password", "guessed")
    with pytest.raises(PermissionDenied):
        await world.accounts.set_password(ann, "ann", "another long password")

    await world.accounts.set_password(ann, "ann", "another long password", PASSWORD)

    assert (await world.signed_in("ann", "another long password")).name == "ann"


async def test_a_token_of_narrow_scopes_changes_no_password_though_it_knows_it(world: World) -> None:
    for name, role in (("ann", Role.WRITER), ("root", Role.ADMIN)):
        user = await world.user(name, role)
        narrow = await world.by_token((await world.accounts.create_token(user, "t", scopes=[Role.READER])).secret)
        for current in (PASSWORD, "guessed", ""):
            with pytest.raises(PermissionDenied):
                await world.accounts.set_password(narrow, name, "another long password", current)
        with pytest.raises(PermissionDenied, match="With a token for reader the password of"):
            await world.accounts.set_password(narrow, name, "another long password", PASSWORD)
        assert (await world.signed_in(name)).name == name


@pytest.mark.parametrize("scopes", [[], [Role.ADMIN]])
async def test_a_token_that_may_all_that_its_user_may_changes_the_password(world: World, scopes: list[Role]) -> None:
    ann = await world.user("ann", Role.WRITER)
    whole = await world.by_token((await world.accounts.create_token(ann, "t", scopes=scopes)).secret)
    await world.accounts.set_password(whole, "ann", "another long password", PASSWORD)
    assert (await world.signed_in("ann", "another long password")).name == "ann"


async def test_the_current_password_is_not_to_be_guessed_either(world: World) -> None:
    ann = await world.user("ann")
    for number in range(FREE):
        with pytest.raises(PermissionDenied):
            await world.accounts.set_password(ann, "ann", "another long password", f"guess {number}")

    with pytest.raises(Overloaded):
        await world.accounts.set_password(ann, "ann", "another long password", PASSWORD)


async def test_a_service_has_no_password(world: World) -> None:
    with pytest.raises(InvalidParameter):
        await world.accounts.add_user(OPERATOR, "ci", password=PASSWORD, service=True)
    await world.accounts.add_user(OPERATOR, "ci", service=True)
    with pytest.raises(InvalidParameter):
        await world.accounts.set_password(OPERATOR, "ci", PASSWORD)
    with pytest.raises(Unauthenticated):
        await world.signed_in("ci", "")


async def test_users_are_listed_by_pages_with_their_roles(world: World) -> None:
    for name in ("carl", "ann", "bob"):
        await world.accounts.add_user(OPERATOR, name, roles=[Role.READER])

    first = await world.accounts.users(OPERATOR, max_results=2)
    second = await world.accounts.users(OPERATOR, max_results=2, page_token=first.next_page_token or "")

    assert [user.name for user in (*first.items, *second.items)] == ["ann", "bob", "carl"]
    assert second.next_page_token is None
    assert [grant.role for grant in first.items[0].grants] == [Role.READER]


# The last admin


async def test_there_is_always_an_admin_once_there_was_one(world: World) -> None:
    assert not await world.accounts.has_admin()
    root = await world.user("root", Role.ADMIN)
    assert await world.accounts.has_admin()
    for change in (world.accounts.disable(root, "root"), world.accounts.revoke(root, "root", Role.ADMIN)):
        with pytest.raises(InvalidState, match="last admin"):
            await change

    await world.user("other", Role.ADMIN)
    await world.accounts.revoke(root, "root", Role.ADMIN)

    assert not access.may(await world.signed_in("root"), Permission.ADMIN)


# Tokens


async def test_a_token_does_what_its_user_may_and_is_kept_as_a_digest(world: World) -> None:
    ann = await world.user("ann", Role.WRITER)
    token, secret = await world.accounts.create_token(ann, "laptop")

    signed_in = await world.by_token(secret)

    assert secret.startswith("tbk_")
    assert len(secret) >= 47
    assert (signed_in.name, signed_in.grants) == ("ann", ann.grants)
    assert signed_in.token is not None
    assert signed_in.token.id == token.id
    rows = await world.storage.read(lambda tx: tx.rows("SELECT * FROM tokens"))
    assert secret not in str(rows)
    assert secret.removeprefix("tbk_") not in str(rows)


async def test_scopes_narrow_what_a_token_may(world: World) -> None:
    ann = await world.user("ann", Role.WRITER, Role.PROMOTER)
    secret = (await world.accounts.create_token(ann, "reads", scopes=[Role.READER])).secret

    reader = await world.by_token(secret)

    allowed = [permission for permission in Permission if access.may(reader, permission)]
    assert allowed == [Permission.READ]


async def test_scopes_give_nothing_that_the_user_has_not(world: World) -> None:
    ann = await world.user("ann", Role.READER)
    secret = (await world.accounts.create_token(ann, "all", scopes=[Role.ADMIN])).secret

    assert not access.may(await world.by_token(secret), Permission.WRITE)


async def test_a_token_ends_when_it_expires_and_when_it_is_revoked(world: World) -> None:
    ann = await world.user("ann")
    short = await world.accounts.create_token(ann, "short", days=1)
    long = await world.accounts.create_token(ann, "long", days=2)
    world.clock.now_ms += DAY_MS - 1
    await world.by_token(short.secret)
    world.clock.now_ms += 1
    with pytest.raises(Unauthenticated):
        await world.by_token(short.secret)

    await world.by_token(long.secret)
    await world.accounts.revoke_token(ann, long.token.id)
    with pytest.raises(Unauthenticated):
        await world.by_token(long.secret)


async def test_a_token_makes_none_that_may_more_or_lives_longer(world: World) -> None:
    ann = await world.user("ann", Role.WRITER)
    secret = (await world.accounts.create_token(ann, "narrow", scopes=[Role.READER], days=5)).secret
    narrow = await world.by_token(secret)

    for scopes, days in (([], 5), ([Role.WRITER], 5), ([Role.READER], 6), ([Role.READER], None)):
        with pytest.raises(PermissionDenied):
            await world.accounts.create_token(narrow, "wider", scopes=scopes, days=days)
    assert (await world.accounts.create_token(narrow, "as narrow", scopes=[Role.READER], days=5)).secret


async def test_admins_make_tokens_for_services_and_for_no_person(world: World) -> None:
    root = await world.user("root", Role.ADMIN)
    ann = await world.user("ann")
    await world.accounts.add_user(root, "ci", service=True, roles=[Role.WRITER])

    secret = (await world.accounts.create_token(root, "builds", user="ci")).secret
    assert (await world.by_token(secret)).name == "ci"
    with pytest.raises(PermissionDenied):
        await world.accounts.create_token(root, "stolen", user="ann")
    with pytest.raises(PermissionDenied):
        await world.accounts.create_token(ann, "builds", user="ci")


async def test_tokens_of_others_are_shown_to_and_ended_by_admins_only(world: World) -> None:
    root, ann, bob = await world.user("root", Role.ADMIN), await world.user("ann"), await world.user("bob")
    token = (await world.accounts.create_token(ann, "laptop")).token

    with pytest.raises(PermissionDenied):
        await world.accounts.tokens(bob, user="ann")
    with pytest.raises(NotFound) as others:
        await world.accounts.revoke_token(bob, token.id)
    with pytest.raises(NotFound) as none:
        await world.accounts.revoke_token(bob, "999")
    assert others.value.message.replace(token.id, "999", 1) == none.value.message
    assert [each.id for each in (await world.accounts.tokens(root, user="ann")).items] == [token.id]
    await world.accounts.revoke_token(root, token.id)
    assert [each.revoked for each in (await world.accounts.tokens(ann)).items] == [world.clock.now_ms]


async def test_the_last_use_of_a_token_is_noted(world: World) -> None:
    ann = await world.user("ann")
    token = (await world.accounts.create_token(ann, "laptop")).token

    await world.identities.note_use(token)

    assert [each.last_used for each in (await world.accounts.tokens(ann)).items] == [world.clock.now_ms]


# Roles


async def test_a_role_for_one_experiment_is_for_that_one_only(world: World) -> None:
    one = await world.experiments.create(ANYONE, "one")
    two = await world.experiments.create(ANYONE, "two")
    await world.user("ann")
    ann = await world.granted("ann", Role.WRITER, f"experiments:/{one}")

    def may(experiment: str) -> bool:
        return access.may(ann, Permission.WRITE, experiment=int(experiment))

    assert (may(one), may(two), access.may(ann, Permission.WRITE)) == (True, False, False)
    assert access.may_anything(ann, Permission.WRITE)
    assert not access.may_anything(ann, Permission.PROMOTE)
    assert access.readable_experiments(ann) == frozenset((int(one),))


async def test_a_role_stays_with_its_experiment_when_that_is_renamed_and_can_be_taken_away(world: World) -> None:
    one = await world.experiments.create(ANYONE, "one")
    await world.user("ann")
    await world.granted("ann", Role.WRITER, f"experiments:/{one}")
    await world.experiments.rename(ANYONE, one, "another name")

    grants = await world.accounts.grants(OPERATOR, user="ann")
    assert [(grant.role, grant.resource) for grant in grants] == [(Role.WRITER, f"experiments:/{one}")]

    await world.accounts.revoke(OPERATOR, "ann", Role.WRITER, f"experiments:/{one}")
    assert not access.may_anything(await world.signed_in("ann"), Permission.READ)


async def test_roles_are_for_what_is_there(world: World) -> None:
    await world.user("ann")
    for resource in ("experiments:/77", "models:/nothing"):
        with pytest.raises(NotFound):
            await world.accounts.grant(OPERATOR, "ann", Role.READER, resource)
    with pytest.raises(InvalidParameter):
        await world.accounts.grant(OPERATOR, "ann", Role.READER, "everything")
    with pytest.raises(NotFound):
        await world.accounts.grant(OPERATOR, "nobody", Role.READER)
    with pytest.raises(NotFound):
        await world.accounts.revoke(OPERATOR, "ann", Role.READER)


async def test_an_admin_of_one_experiment_is_none_of_accounts(world: World) -> None:
    one = await world.experiments.create(ANYONE, "one")
    await world.user("ann")
    ann = await world.granted("ann", Role.ADMIN, f"experiments:/{one}")

    with pytest.raises(PermissionDenied):
        await world.accounts.grant(ann, "ann", Role.ADMIN)
    with pytest.raises(PermissionDenied):
        await AuditLog(world.storage).search(ann)


Change = Callable[[World, Actor], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "add": lambda world, actor: world.accounts.add_user(actor, "new"),
    "list": lambda world, actor: world.accounts.users(actor),
    "disable": lambda world, actor: world.accounts.disable(actor, "ann"),
    "enable": lambda world, actor: world.accounts.enable(actor, "ann"),
    "password": lambda world, actor: world.accounts.set_password(actor, "ann", "another long password"),
    "grant": lambda world, actor: world.accounts.grant(actor, "ann", Role.READER),
    "revoke": lambda world, actor: world.accounts.revoke(actor, "ann", Role.READER),
    "roles": lambda world, actor: world.accounts.grants(actor, user="ann"),
    "tokens": lambda world, actor: world.accounts.tokens(actor, user="ann"),
    "token": lambda world, actor: world.accounts.create_token(actor, "t", user="ann"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
async def test_only_admins_look_at_or_change_the_accounts_of_others(world: World, change: Change) -> None:
    await world.user("ann")
    everything_else = await world.user("bob", Role.READER, Role.WRITER, Role.PROMOTER, Role.APPROVER)

    with pytest.raises(PermissionDenied):
        await change(world, everything_else)


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
async def test_without_accounts_nobody_lets_himself_in_for_later(world: World, change: Change) -> None:
    await world.user("ann")

    with pytest.raises(InvalidState, match="without --auth"):
        await change(world, ANYONE)


# The audit log


async def test_each_change_of_accounts_is_in_the_audit_log_once(world: World) -> None:
    root = await world.user("root", Role.ADMIN)
    await world.accounts.add_user(root, "ci", service=True)
    for _ in range(2):
        await world.accounts.grant(root, "ci", Role.WRITER)
    await world.accounts.revoke(root, "ci", Role.WRITER)
    token = (await world.accounts.create_token(root, "builds", user="ci")).token
    for _ in range(2):
        await world.accounts.revoke_token(root, token.id)
        await world.accounts.disable(root, "ci")
    await world.accounts.enable(root, "ci")
    await world.accounts.set_password(root, "root", "another long password")

    assert await actions(world) == [
        ("command line", "user.add", "users/root"),
        ("root", "user.add", "users/ci"),
        ("root", "role.grant", "users/ci"),
        ("root", "role.revoke", "users/ci"),
        ("root", "token.create", f"tokens/{token.id}"),
        ("root", "token.revoke", f"tokens/{token.id}"),
        ("root", "user.disable", "users/ci"),
        ("root", "user.enable", "users/ci"),
        ("root", "user.password", "users/root"),
    ]


async def test_what_was_refused_is_not_in_the_audit_log(world: World) -> None:
    root = await world.user("root", Role.ADMIN)
    with pytest.raises(InvalidState):
        await world.accounts.disable(root, "root")

    assert await actions(world) == [("command line", "user.add", "users/root")]


async def test_the_audit_log_is_read_by_actor_object_action_and_time_and_by_pages(world: World) -> None:
    root = await world.user("root", Role.ADMIN)
    began = world.clock.now_ms
    for day, name in enumerate(("ann", "bob", "carl")):
        world.clock.now_ms = began + (day + 1) * DAY_MS
        await world.accounts.add_user(root, name)
    log = AuditLog(world.storage)

    async def objects(**asked: object) -> list[str]:
        return [each.object for each in (await log.search(root, **asked)).items]  # type: ignore[arg-type]

    assert await objects(by="root") == ["users/carl", "users/bob", "users/ann"]
    assert await objects(object="users/bob") == ["users/bob"]
    assert await objects(action="role.grant") == []
    assert await objects(since_ms=began + 2 * DAY_MS, until_ms=began + 3 * DAY_MS) == ["users/bob"]
    first = await log.search(root, max_results=3)
    second = await log.search(root, max_results=3, page_token=first.next_page_token or "")
    assert [each.object for each in (*first.items, *second.items)][-2:] == ["users/ann", "users/root"]
    assert [each.address for each in first.items] == ["192.0.2.7"] * 3


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_the_audit_log(world: World, statement: str) -> None:
    await world.user("ann")
    before = await actions(world)

    with pytest.raises(TrackbackError):
        await world.storage.write(lambda tx: tx.run(statement))

    assert await actions(world) == before
