"""Policies, on each database: revisions, which one is in force, and who may change them."""

import pytest

from tests.contract.policy_world import ADA, BOB, NOW_MS, PolicyWorld, limited
from tests.contract.registered import register_model, register_version
from trackback.entities import Permission, Policy
from trackback.errors import InvalidParameter, NotFound, PermissionDenied
from trackback.services.experiments import Experiments
from trackback.storage import Storage, audit
from trackback.storage.audit import AuditQuery

VALIDATED = {"verdicts": [{"name": "validation"}]}
CHECKED = {"verdicts": [{"name": "check"}]}


@pytest.fixture
async def world(storage: Storage) -> PolicyWorld:
    """With the registered models churn (its id is 1), which has a version, and fraud (2), and the experiment 0."""
    await register_version(storage, await register_model(storage, "churn"))
    await register_model(storage, "fraud")
    await Experiments(storage, "mlflow-artifacts:/").ensure_default()
    return PolicyWorld(storage)


class TestRevisions:
    async def test_they_count_up_and_the_last_is_in_force(self, world: PolicyWorld) -> None:
        first = await world.policies.set(ADA, "models:/churn", "production", VALIDATED)
        world.now_ms += 5
        second = await world.policies.set(BOB, "models/1", "production", CHECKED)
        assert first == Policy("models/1", "production", 1, VALIDATED, "ada", NOW_MS, "churn")
        assert second == Policy("models/1", "production", 2, CHECKED, "bob", NOW_MS + 5, "churn")
        assert await world.policies.get(ADA, "models:/churn", "production") == second
        page = await world.policies.history(ADA, "models:/churn", "production")
        assert page.items == [second, first]

    async def test_to_set_what_is_in_force_writes_nothing(self, world: PolicyWorld) -> None:
        await world.policies.set(ADA, "models:/churn", "production", VALIDATED)
        world.retried.clear()
        same = await world.policies.set(BOB, "models:/churn", "production", {**VALIDATED, "metadata": []})
        assert (same.revision, same.actor, world.retried) == (1, "ada", [])

    async def test_removing_is_a_revision_too(self, world: PolicyWorld) -> None:
        await world.policies.set(ADA, "models:/churn", "production", VALIDATED)
        removed = await world.policies.remove(ADA, "models:/churn", "production")
        assert (removed.revision, removed.removed, removed.document) == (2, True, {})
        assert await world.unmet() == ()
        with pytest.raises(NotFound, match="There is no policy for production of 'models:/churn'"):
            await world.policies.get(ADA, "models:/churn", "production")
        with pytest.raises(NotFound):
            await world.policies.remove(ADA, "models:/churn", "production")
        again = await world.policies.set(ADA, "models:/churn", "production", VALIDATED)
        assert again.revision == 3

    async def test_each_environment_has_its_own(self, world: PolicyWorld) -> None:
        await world.policies.set(ADA, "models:/churn", "staging", VALIDATED)
        assert await world.unmet(environment="production") == ()
        assert len(await world.unmet(environment="staging")) == 1

    async def test_a_history_comes_in_pages(self, world: PolicyWorld) -> None:
        for name in "abc":
            await world.require(verdicts=[{"name": name}])
        first = await world.policies.history(ADA, "models:/churn", "production", max_results=2)
        second = await world.policies.history(
            ADA, "models:/churn", "production", max_results=2, page_token=first.next_page_token or ""
        )
        assert [each.revision for page in (first, second) for each in page.items] == [3, 2, 1]
        assert second.next_page_token is None


class TestTheMostSpecificWins:
    async def test_a_model_without_its_own_has_that_of_all_models(self, world: PolicyWorld) -> None:
        await world.policies.set(ADA, "*", "production", VALIDATED)
        assert (await world.policies.get(ADA, "models:/churn", "production")).stream == "*"
        assert (await world.judge()).basis["policy"] == {"stream": "*", "revision": 1}
        await world.policies.set(ADA, "models:/churn", "production", {})
        assert await world.unmet() == ()
        await world.policies.remove(ADA, "models:/churn", "production")
        assert len(await world.unmet()) == 1

    async def test_that_of_all_models_is_not_one_of_experiments(self, world: PolicyWorld) -> None:
        await world.policies.set(ADA, "*", "production", VALIDATED)
        with pytest.raises(NotFound):
            await world.policies.get(ADA, "experiments:/0", "production")

    async def test_a_list_has_those_in_force_each_once(self, world: PolicyWorld) -> None:
        for stream in ("*", "models:/churn", "experiments:/0"):
            await world.policies.set(ADA, stream, "production", VALIDATED)
            await world.policies.set(ADA, stream, "production", CHECKED)
        await world.policies.set(ADA, "models:/fraud", "production", VALIDATED)
        await world.policies.remove(ADA, "models:/fraud", "production")
        page = await world.policies.search(ADA)
        assert [(each.stream, each.revision, each.name) for each in page.items] == [
            ("*", 2, None),
            ("experiments/0", 2, None),
            ("models/1", 2, "churn"),
        ]
        only = await world.policies.search(ADA, stream="models:/churn", environment="production")
        assert [each.stream for each in only.items] == ["models/1"]


class TestRefusals:
    async def test_an_environment_must_be_the_servers(self, world: PolicyWorld) -> None:
        with pytest.raises(InvalidParameter, match=r"no environment 'prod'. This server has staging, production"):
            await world.policies.set(ADA, "models:/churn", "prod", VALIDATED)

    @pytest.mark.parametrize("after", ["production", "staging"])
    async def test_nothing_can_be_required_to_have_been_where_it_comes_later(
        self, world: PolicyWorld, after: str
    ) -> None:
        with pytest.raises(InvalidParameter, match=r"only after '\w+', as this server's order is staging, production"):
            await world.policies.set(ADA, "models:/churn", "staging", {"after": after})

    async def test_a_policy_that_says_something_else_is_not_kept(self, world: PolicyWorld) -> None:
        with pytest.raises(InvalidParameter, match="unknown field `verdict`"):
            await world.policies.set(ADA, "models:/churn", "production", {"verdict": "validation"})

    @pytest.mark.parametrize("name", ["", "a\x00b", "a\nb", "ü" * 251, "schön\u2028", "../up", "a;b", " /./x"])
    async def test_a_verdict_that_nobody_can_report_can_not_be_required(self, world: PolicyWorld, name: str) -> None:
        with pytest.raises(InvalidParameter, match="name"):
            await world.report(name)
        with pytest.raises(InvalidParameter, match=r"verdicts\[0\].name"):
            await world.policies.set(ADA, "models:/churn", "production", {"verdicts": [{"name": name}]})

    @pytest.mark.parametrize("name", ["validation", "data drift", "groups/DE: auc_0.9", "schön"])
    async def test_one_that_can_be_reported_can_be_required(self, world: PolicyWorld, name: str) -> None:
        await world.require(verdicts=[{"name": name}])
        await world.report(name)
        assert await world.unmet() == ()

    async def test_a_policy_has_a_bounded_length(self, world: PolicyWorld) -> None:
        names = [{"name": f"{number:0250}"} for number in range(500)]
        with pytest.raises(InvalidParameter, match="more than 100000 characters"):
            await world.policies.set(ADA, "models:/churn", "production", {"verdicts": names})


class TestAccess:
    async def test_a_models_admin_may_set_its_policy_and_no_other(self, world: PolicyWorld) -> None:
        admin = limited("eve", Permission.READ, Permission.ADMIN, model=1)
        await world.policies.set(admin, "models:/churn", "production", VALIDATED)
        with pytest.raises(PermissionDenied):
            await world.policies.set(admin, "*", "production", VALIDATED)
        with pytest.raises(NotFound, match="There is no registered model 'fraud'"):
            await world.policies.set(admin, "models:/fraud", "production", VALIDATED)

    async def test_who_may_only_read_changes_nothing(self, world: PolicyWorld) -> None:
        await world.policies.set(ADA, "models:/churn", "production", VALIDATED)
        reader = limited("eve", Permission.READ, Permission.WRITE, Permission.PROMOTE)
        for change in (
            world.policies.set(reader, "models:/churn", "production", {}),
            world.policies.remove(reader, "models:/churn", "production"),
        ):
            with pytest.raises(PermissionDenied):
                await change

    async def test_a_list_has_only_what_may_be_read(self, world: PolicyWorld) -> None:
        for stream in ("*", "models:/churn", "models:/fraud"):
            await world.policies.set(ADA, stream, "production", VALIDATED)
        page = await world.policies.search(limited("eve", Permission.READ, model=2))
        assert [each.stream for each in page.items] == ["*", "models/2"]


async def test_each_change_is_audited_and_tries_again_what_waits(world: PolicyWorld) -> None:
    await world.policies.set(ADA, "*", "production", VALIDATED)
    await world.policies.set(ADA, "models:/churn", "production", VALIDATED)
    await world.policies.remove(BOB, "models:/churn", "production")
    assert world.retried == [None, "models/1", "models/1"]
    entries = await world.storage.read(lambda tx: audit.entries(tx, AuditQuery()))
    assert [(each.actor, each.action, each.object, each.details["revision"]) for each in entries] == [
        ("bob", "policy.remove", "models/1", 2),
        ("ada", "policy.set", "models/1", 1),
        ("ada", "policy.set", "models/*", 1),
    ]
