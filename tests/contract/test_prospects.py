"""How a version or a run stands before each environment, on each database."""

from pathlib import Path

import pytest

from tests.contract.policy_world import ADA, BOB, CI, PolicyWorld
from tests.contract.promotion_world import Repository
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Role
from trackback.errors import NotAdmitted, NotFound
from trackback.services.prospects import Prospect, Prospects
from trackback.storage import Storage

VERSION = "models:/churn/1"


class World(PolicyWorld):
    """Two versions of churn, by ada; what waits enters when it may."""

    def __init__(self, storage: Storage, repository: Repository) -> None:
        super().__init__(storage)
        self.repository = repository
        self.prospects = Prospects(storage, repository.gate, self._clock)

    async def prospect(self, subject: str = VERSION, environment: str = "production") -> Prospect:
        found = await self.prospects.find(ANYONE, subject)
        return next(each for each in found.prospects if each.environment == environment)


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> World:
    repository = Repository(storage, open_blobs(str(tmp_path / "artifacts")))
    await repository.register("churn", 2)
    return World(storage, repository)


async def test_there_is_one_for_each_environment_in_their_order(world: World) -> None:
    found = await world.prospects.find(ANYONE, VERSION)
    assert [each.environment for each in found.prospects] == ["staging", "production"]
    assert found.authors == ("ada",)


async def test_without_a_policy_nothing_is_missing(world: World) -> None:
    prospect = await world.prospect()
    assert (prospect.policy, prospect.requirements, prospect.unmet, prospect.holder) == (None, (), (), None)


async def test_all_that_a_promotion_would_be_refused_for_is_said(world: World) -> None:
    await world.require(verdicts=[{"name": "validation"}], after="staging", approvals={})
    prospect = await world.prospect()
    assert len(prospect.requirements) == 3
    with pytest.raises(NotAdmitted) as refused:
        await world.repository.promotions.promote(ANYONE, VERSION, "production")
    assert prospect.unmet == refused.value.unmet
    assert len(prospect.unmet) == 3


async def test_what_is_met_is_not_missing_any_more(world: World) -> None:
    await world.require(verdicts=[{"name": "validation"}], approvals={})
    await world.report()
    await world.add_user("bob", Role.APPROVER)
    await world.approvals.approve(BOB, VERSION, "production", reason="seen")
    prospect = await world.prospect()
    assert prospect.unmet == ()
    assert [(each.actor, each.reason) for each in prospect.approvals] == [("bob", "seen")]


async def test_the_holder_is_told_and_whether_one_was_there_before_it(world: World) -> None:
    await world.repository.promote(VERSION)
    first = await world.prospect()
    await world.repository.promote("models:/churn/2")
    second = await world.prospect("models:/churn/2")
    old = await world.prospect()
    assert (first.holds, first.before) == (True, False)
    assert (second.holds, second.before) == (True, True)
    assert old.holder
    assert (old.holds, old.holder.version) == (False, "2")


async def test_the_subjects_own_promotion_that_waits_is_told_with_what_it_waits_for(world: World) -> None:
    await world.require(verdicts=[{"name": "validation"}])
    await world.repository.promotions.promote(ADA, VERSION, "production", pending=True)
    own, others = await world.prospect(), await world.prospect("models:/churn/2")
    assert own.waiting
    assert (own.waiting.actor, own.waiting.unmet) == ("ada", own.unmet)
    assert others.waiting is None


async def test_a_run_that_has_not_finished_is_told_so(world: World) -> None:
    await world.repository.experiments.ensure_default()
    run = await world.repository.runs.create(CI, "0")
    prospect = await world.prospect(f"runs:/{run.info.run_id}")
    assert any("RUNNING" in each for each in prospect.unmet)


async def test_nobody_learns_of_what_they_may_not_read(world: World) -> None:
    with pytest.raises(NotFound, match="registered model"):
        await world.prospects.find(Actor("eve", grants=Grants()), VERSION)


async def test_holders_of_several_streams_are_told_at_once(world: World) -> None:
    await world.repository.register("fraud", 1)
    await world.repository.promote(VERSION, "staging")
    await world.repository.promote("models:/churn/2")
    promotions = world.repository.promotions
    of = {name: await _stream(world, name) for name in ("churn", "fraud")}
    found = await promotions.holders(ANYONE, list(of.values()))
    assert {each.environment: each.version for each in found[of["churn"]]} == {"staging": "1", "production": "2"}
    assert found[of["fraud"]] == []
    assert await promotions.holders(Actor("eve", grants=Grants()), list(of.values())) == {}
    assert await promotions.holders(ANYONE, []) == {}


async def _stream(world: World, name: str) -> str:
    return (await world.prospects.find(ANYONE, f"models:/{name}/1")).stream
