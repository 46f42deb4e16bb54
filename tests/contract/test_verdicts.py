"""Verdicts, on each database: on which files they are, and that a repeat is one."""

import asyncio
import math
from functools import partial

import pytest

from tests.contract.policy_world import ADA, CI, NOW_MS, PolicyWorld, limited
from tests.contract.registered import DIGEST, OTHER_DIGEST, promote, register_model, register_version
from trackback.entities import ANYONE, Permission, Verdict
from trackback.errors import Conflict, InvalidParameter, InvalidState, NotFound, PermissionDenied
from trackback.services.experiments import Experiments
from trackback.services.runs import Runs
from trackback.storage import Storage, verdicts


@pytest.fixture
async def world(storage: Storage) -> PolicyWorld:
    """With the registered model churn, whose version 2 is unverified."""
    model = await register_model(storage, "churn")
    await register_version(storage, model)
    await register_version(storage, model, digest=None)
    return PolicyWorld(storage)


async def names(world: PolicyWorld, subject: str, name: str = "") -> list[tuple[str, bool]]:
    page = await world.verdicts.search(ADA, subject, name=name)
    return [(each.name, each.passed) for each in page.items]


async def test_a_verdict_is_kept_as_it_was_reported(world: PolicyWorld) -> None:
    report = {"auc": 0.91, "groups": [{"name": "DE", "count": 10}], "nothing": None, "text": "\u00fc\x00"}
    verdict = await world.verdicts.report(
        CI, "models:/churn/1", "validation", passed=True, url="https://ci.example/7", report=report, key="build-7"
    )
    assert verdict == Verdict(verdict.id, DIGEST, "validation", True, NOW_MS, "ci", "https://ci.example/7", report)
    page = await world.verdicts.search(ADA, f"sha256:{DIGEST}")
    assert page.items == [verdict]


async def test_they_are_listed_the_newest_first(world: PolicyWorld) -> None:
    await world.report("a")
    await world.report("b", passed=False)
    world.pass_days(-1)
    await world.report("a", passed=False)
    assert await names(world, "models:/churn/1") == [("b", False), ("a", True), ("a", False)]
    assert await names(world, "models:/churn/1", "a") == [("a", True), ("a", False)]
    first = await world.verdicts.search(ADA, DIGEST, max_results=2)
    second = await world.verdicts.search(ADA, DIGEST, max_results=2, page_token=first.next_page_token or "")
    assert (len(first.items), len(second.items), second.next_page_token) == (2, 1, None)


async def test_a_digest_need_not_be_known_here(world: PolicyWorld) -> None:
    await world.report("scan", OTHER_DIGEST)
    assert await names(world, OTHER_DIGEST) == [("scan", True)]


@pytest.mark.parametrize("text", [OTHER_DIGEST.upper(), f"sha256:{OTHER_DIGEST.upper()}"])
async def test_a_digest_may_be_written_in_capitals(world: PolicyWorld, text: str) -> None:
    await world.report("scan", text)
    assert await names(world, OTHER_DIGEST) == [("scan", True)]


async def test_a_run_is_judged_as_what_was_promoted_of_it_or_as_the_files_that_it_has(world: PolicyWorld) -> None:
    await Experiments(world.storage, "mlflow-artifacts:/").ensure_default()
    run_id = (await Runs(world.storage).create(ANYONE, "0")).info.run_id
    with pytest.raises(InvalidState, match="There can be no verdict on 'runs:/"):
        await world.report("scan", f"runs:/{run_id}")
    row = await world.storage.look_up(lambda tx: tx.row("SELECT id FROM runs WHERE uuid = ?", run_id))
    assert row
    await promote(world.storage, 1, "experiments/0", "staging", OTHER_DIGEST, run=row[0])
    assert (await world.report("scan", f"runs:/{run_id}")).digest == OTHER_DIGEST


async def test_an_unverified_version_can_get_none_and_has_none(world: PolicyWorld) -> None:
    with pytest.raises(InvalidState, match="There can be no verdict on 'models:/churn/2': it is unverified"):
        await world.report(subject="models:/churn/2")
    assert await names(world, "models:/churn/2") == []


class TestRepeats:
    async def test_a_repeat_with_the_same_key_is_the_verdict_that_is_there(self, world: PolicyWorld) -> None:
        first = await world.verdicts.report(CI, "models:/churn/1", "validation", passed=True, key="build-7")
        world.now_ms += 1000
        world.retried.clear()
        again = await world.verdicts.report(CI, "models:/churn/1", "validation", passed=True, key="build-7")
        assert (again, world.retried) == (first, [])
        assert len(await names(world, DIGEST)) == 1

    async def test_repeats_at_the_same_time_are_one(self, world: PolicyWorld) -> None:
        reports = (
            world.verdicts.report(CI, "models:/churn/1", "validation", passed=True, key="build-7") for _ in range(5)
        )
        assert len({verdict.id for verdict in await asyncio.gather(*reports)}) == 1

    @pytest.mark.parametrize("other", [{"passed": False}, {"url": "https://ci.example/8"}, {"report": {"auc": 1}}])
    async def test_a_key_is_not_for_two_different_ones(self, world: PolicyWorld, other: dict[str, object]) -> None:
        said = {"passed": True} | other
        await world.verdicts.report(CI, "models:/churn/1", "validation", passed=True, key="build-7")
        with pytest.raises(Conflict, match="The key 'build-7' is that of another verdict"):
            await world.verdicts.report(CI, "models:/churn/1", "validation", key="build-7", **said)  # type: ignore[arg-type]

    async def test_without_a_key_each_is_its_own(self, world: PolicyWorld) -> None:
        await world.report()
        await world.report()
        assert len(await names(world, DIGEST)) == 2


class TestRefusals:
    @pytest.mark.parametrize("url", ["javascript:alert(1)", "ci.example/7", "https://ci.example/a b", "https://"])
    async def test_a_url_can_be_followed(self, world: PolicyWorld, url: str) -> None:
        with pytest.raises(InvalidParameter, match="for parameter 'url'"):
            await world.verdicts.report(CI, "models:/churn/1", "validation", passed=True, url=url)

    async def test_a_report_has_a_bounded_length(self, world: PolicyWorld) -> None:
        await world.verdicts.report(CI, "models:/churn/1", "a", passed=True, report={"x": "a" * (65_536 - 8)})
        with pytest.raises(InvalidParameter, match="'report' exceeds the maximum length of 65536 bytes as JSON"):
            await world.verdicts.report(CI, "models:/churn/1", "a", passed=True, report={"x": "a" * (65_536 - 7)})

    async def test_a_number_that_json_lacks_is_null(self, world: PolicyWorld) -> None:
        verdict = await world.verdicts.report(CI, "models:/churn/1", "a", passed=False, report={"auc": math.nan})
        assert verdict.report == {"auc": None}

    @pytest.mark.parametrize("name", ["", "a\nb", "x" * 251])
    async def test_a_name_is_one_as_metrics_have(self, world: PolicyWorld, name: str) -> None:
        with pytest.raises(InvalidParameter, match="name"):
            await world.report(name)


class TestAccess:
    async def test_it_takes_the_permission_to_write_to_the_model(self, world: PolicyWorld) -> None:
        await world.report(actor=limited("ci", Permission.READ, Permission.WRITE, model=1))
        with pytest.raises(PermissionDenied):
            await world.report(actor=limited("eve", Permission.READ, model=1))
        with pytest.raises(NotFound, match="There is no registered model 'churn'"):
            await world.report(actor=limited("eve", Permission.READ, Permission.WRITE, model=2))

    async def test_by_a_digest_alone_it_takes_the_permission_for_everything(self, world: PolicyWorld) -> None:
        local = limited("eve", Permission.READ, Permission.WRITE, model=1)
        with pytest.raises(PermissionDenied):
            await world.report(subject=DIGEST, actor=local)
        with pytest.raises(PermissionDenied):
            await world.verdicts.search(local, DIGEST)

    async def test_a_key_is_the_reporters_own(self, storage: Storage, world: PolicyWorld) -> None:
        await world.verdicts.report(CI, "models:/churn/1", "validation", passed=True, key="build-7")
        fraud = await register_model(storage, "fraud")
        await register_version(storage, fraud, OTHER_DIGEST)
        stranger = limited("eve", Permission.READ, Permission.WRITE, model=fraud)
        other = await world.verdicts.report(stranger, "models:/fraud/1", "bias", passed=False, key="build-7")
        assert (other.name, other.actor) == ("bias", "eve")

    async def test_who_may_write_to_one_model_speaks_for_no_other_with_equal_files(
        self, storage: Storage, world: PolicyWorld
    ) -> None:
        own = await register_model(storage, "own")
        await register_version(storage, own, DIGEST)
        stranger = limited("eve", Permission.READ, Permission.WRITE, model=own)
        await world.verdicts.report(stranger, "models:/own/1", "validation", passed=True)
        assert await names(world, "models:/own/1") == [("validation", True)]
        assert await names(world, "models:/churn/1") == []
        assert await names(world, DIGEST) == [("validation", True)]
        for stream, passed in ((f"models/{own}", True), ("models/1", None)):
            latest = await storage.read(partial(verdicts.latest, digest=DIGEST, stream=stream, name="validation"))
            assert (latest and latest.passed) is passed


async def test_a_new_verdict_tries_again_what_waits_with_these_files_where_it_counts(world: PolicyWorld) -> None:
    await world.report()
    await world.report("bias", actor=limited("eve", Permission.READ, Permission.WRITE, model=1))
    assert world.retried == [f"{DIGEST} in all streams", f"{DIGEST} in models/1"]
