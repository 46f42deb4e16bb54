"""Approvals, on each database: whose count, and that each is given once and can be taken back."""

import pytest

from tests.contract.policy_world import ADA, BOB, CAT, NOW_MS, PolicyWorld, limited
from tests.contract.registered import DIGEST, register_model, register_version
from trackback.entities import ANYONE, Actor, Approval, Permission
from trackback.errors import InvalidParameter, InvalidState, NotFound, PermissionDenied
from trackback.storage import Storage, accounts, audit
from trackback.storage.audit import AuditQuery


@pytest.fixture
async def world(storage: Storage) -> PolicyWorld:
    """With the registered model churn, whose version 1 is ada's, and whose version 2 is unverified."""
    model = await register_model(storage, "churn")
    await register_version(storage, model)
    await register_version(storage, model, digest=None)
    return PolicyWorld(storage)


async def test_an_approval_is_of_the_files_for_one_environment(world: PolicyWorld) -> None:
    approval = await world.approvals.approve(BOB, "models:/churn/1", "production", reason="AUC is fine")
    assert approval == Approval(DIGEST, "models/1", "production", "bob", NOW_MS, "AUC is fine")
    assert await world.approvals.search(ADA, "models:/churn/1") == [approval]
    assert await world.approvals.search(ADA, "models:/churn/1", "staging") == []


async def test_to_approve_again_changes_nothing(world: PolicyWorld) -> None:
    first = await world.approvals.approve(BOB, "models:/churn/1", "production", reason="fine")
    world.now_ms += 1000
    world.retried.clear()
    again = await world.approvals.approve(BOB, "models:/churn/1", "production", reason="really")
    assert (again, world.retried) == (first, [])


async def test_each_can_take_back_their_own(world: PolicyWorld) -> None:
    await world.approvals.approve(BOB, "models:/churn/1", "production")
    kept = await world.approvals.approve(CAT, "models:/churn/1", "production")
    await world.approvals.withdraw(BOB, "models:/churn/1", "production")
    assert await world.approvals.search(ADA, "models:/churn/1") == [kept]
    with pytest.raises(NotFound, match="bob has not approved models:/churn/1 for production"):
        await world.approvals.withdraw(BOB, "models:/churn/1", "production")


class TestRefusals:
    async def test_authors_do_not_approve_of_their_own(self, world: PolicyWorld) -> None:
        with pytest.raises(PermissionDenied, match="ada made models:/churn/1, and authors don't approve"):
            await world.approvals.approve(ADA, "models:/churn/1", "production")

    async def test_approvals_need_accounts(self, world: PolicyWorld) -> None:
        for change in (world.approvals.approve, world.approvals.withdraw):
            with pytest.raises(InvalidState, match="Approvals need accounts"):
                await change(ANYONE, "models:/churn/1", "production")

    async def test_an_unverified_version_can_not_be_approved(self, world: PolicyWorld) -> None:
        with pytest.raises(InvalidState, match="There can be no approval on 'models:/churn/2': it is unverified"):
            await world.approvals.approve(BOB, "models:/churn/2", "production")
        assert await world.approvals.search(ADA, "models:/churn/2") == []

    async def test_services_are_not_people(self, world: PolicyWorld) -> None:
        await world.storage.write(lambda tx: accounts.add_user(tx, "bot", service=True, password=None, created_ms=1))
        with pytest.raises(PermissionDenied, match="bot is a service"):
            await world.approvals.approve(Actor("bot"), "models:/churn/1", "production")

    async def test_it_takes_the_permission_for_the_model(self, world: PolicyWorld) -> None:
        await world.approvals.approve(
            limited("eve", Permission.READ, Permission.APPROVE, model=1), "models:/churn/1", "production"
        )
        with pytest.raises(PermissionDenied, match="fay lacks the permission"):
            await world.approvals.approve(
                limited("fay", Permission.READ, Permission.PROMOTE), "models:/churn/1", "production"
            )
        with pytest.raises(NotFound, match="There is no registered model 'churn'"):
            await world.approvals.approve(limited("fay", Permission.APPROVE), "models:/churn/1", "production")

    async def test_an_environment_must_be_the_servers(self, world: PolicyWorld) -> None:
        with pytest.raises(InvalidParameter, match="no environment 'prod'"):
            await world.approvals.approve(BOB, "models:/churn/1", "prod")


async def test_each_change_is_audited_and_an_approval_tries_again_what_waits(world: PolicyWorld) -> None:
    await world.approvals.approve(BOB, "models:/churn/1", "production", reason="fine")
    await world.approvals.withdraw(BOB, "models:/churn/1", "production")
    entries = await world.storage.read(lambda tx: audit.entries(tx, AuditQuery()))
    details = {"environment": "production", "digest": DIGEST, "reason": "fine"}
    assert [(each.actor, each.action, each.object, each.details) for each in entries] == [
        ("bob", "approval.withdraw", "models/1", details),
        ("bob", "approval.give", "models/1", details),
    ]
    assert world.retried == ["models/1"]
