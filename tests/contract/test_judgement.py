"""What a policy holds a version to, on each database: every point, and what is said of one that is not met."""

import pytest

from tests.contract.policy_world import ADA, BOB, CAT, CI, PolicyWorld
from tests.contract.registered import DIGEST, OTHER_DIGEST, promote, register_model, register_version
from trackback.entities import ANYONE, Actor, Dataset, DatasetInput, Package, Role
from trackback.errors import PermissionDenied
from trackback.services.experiments import Experiments
from trackback.services.inputs import Inputs
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage, Transaction, evidence, manifests, packages, runs


class World(PolicyWorld):
    model = 0

    async def register(self, digest: str | None = DIGEST, **details: str) -> int:
        return await register_version(self.storage, self.model, digest, **details)


@pytest.fixture
async def world(storage: Storage) -> World:
    """With the registered model churn, which has no versions."""
    world = World(storage)
    world.model = await register_model(storage, "churn")
    return world


async def new_run(storage: Storage, user: str = "ada", actor: Actor = ANYONE) -> str:
    await Experiments(storage, "mlflow-artifacts:/").ensure_default()
    return (await Runs(storage).create(actor, "0", user_id=user)).info.run_id


async def test_without_a_policy_everything_may_enter(world: World) -> None:
    await world.register(None)
    judgement = await world.judge()
    assert (judgement.unmet, judgement.basis) == ((), {})


async def test_everything_that_is_missing_is_said_at_once(world: World) -> None:
    await world.register()
    await world.require(
        verdicts=[{"name": "validation"}, {"name": "bias"}],
        after="staging",
        approvals={},
        metadata=["dataset", "environment", "description"],
    )
    assert len(await world.unmet()) == 7


class TestVerdicts:
    async def test_a_verdict_that_passed_on_the_same_digest_is_enough_and_is_kept(self, world: World) -> None:
        await world.register()
        await world.require(verdicts=[{"name": "validation"}])
        verdict = await world.report()
        judgement = await world.judge()
        assert judgement.unmet == ()
        assert judgement.basis == {
            "policy": {"stream": f"models/{world.model}", "revision": 1},
            "verdicts": [{"id": verdict.id, "name": "validation", "passed": True, "time": world.now_ms, "actor": "ci"}],
        }

    async def test_one_that_is_missing_is_said_with_the_command_that_reports_it(self, world: World) -> None:
        await world.register()
        await world.require(verdicts=[{"name": "data drift"}])
        assert await world.unmet() == (
            "The verdict 'data drift' is missing. Nobody has reported one on these files (digest aaaaaaaaaaaa…), and "
            "those on others don't count. Run the check, then report it: "
            "trackback verdict models:/churn/1 'data drift' --passed",
        )

    async def test_one_on_another_digest_does_not_count(self, world: World) -> None:
        await world.register()
        await world.register(OTHER_DIGEST)
        await world.require(verdicts=[{"name": "validation"}])
        await world.report(subject="models:/churn/2")
        assert len(await world.unmet("models:/churn/1")) == 1
        assert await world.unmet("models:/churn/2") == ()

    async def test_one_counts_for_every_version_with_the_same_files(self, world: World) -> None:
        await world.register()
        await world.register()
        await world.require(verdicts=[{"name": "validation"}])
        await world.report(subject="models:/churn/1")
        assert await world.unmet("models:/churn/2") == ()

    async def test_the_last_one_of_a_name_counts(self, world: World) -> None:
        await world.register()
        await world.require(verdicts=[{"name": "validation"}])
        await world.report(passed=True)
        await world.verdicts.report(CI, "models:/churn/1", "validation", passed=False, url="https://ci.example/7")
        await world.report("bias", passed=True)
        assert await world.unmet() == (
            "The verdict 'validation' failed, as ci reported at https://ci.example/7. Register a version that is "
            "repaired, or run the check again.",
        )
        await world.report(passed=True)
        assert await world.unmet() == ()

    async def test_one_becomes_too_old(self, world: World) -> None:
        await world.register()
        await world.require(verdicts=[{"name": "validation", "max_age_days": 30}])
        await world.report()
        world.pass_days(30)
        assert await world.unmet() == ()
        world.pass_days(0.25)
        assert await world.unmet() == (
            "The verdict 'validation' is 30.2 days old, and must not be older than 30. Run the check again, then "
            "report it: trackback verdict models:/churn/1 validation --passed",
        )

    async def test_only_those_of_the_named_reporters_count(self, world: World) -> None:
        await world.register()
        await world.require(verdicts=[{"name": "validation", "reporters": ["ci", "nightly"]}])
        await world.report(actor=ADA)
        (unmet,) = await world.unmet()
        assert "None of ci, nightly has reported one" in unmet
        await world.report(actor=CI)
        await world.report(actor=ADA, passed=False)
        assert await world.unmet() == ()

    async def test_an_unverified_version_can_have_none(self, world: World) -> None:
        await world.register(None)
        await world.require(verdicts=[{"name": "validation"}], approvals={})
        (unmet,) = await world.unmet()
        assert unmet.startswith("It is unverified: without a digest there can be no verdicts on it and no approvals")


class TestAfter:
    async def test_a_version_must_have_been_in_the_earlier_environment(self, world: World) -> None:
        row = await world.register()
        other = await world.register(OTHER_DIGEST)
        stream = f"models/{world.model}"
        await world.require(after="staging")
        await promote(world.storage, 1, stream, "staging", OTHER_DIGEST, model_version=other)
        await promote(world.storage, 2, stream, "production", model_version=row)
        await promote(world.storage, 3, stream, "staging", model_version=row, kind="demoted")
        assert await world.unmet() == (
            "It has not been in staging with these files. Promote it there first: "
            "trackback promote models:/churn/1 --to staging",
        )
        await promote(world.storage, 4, stream, "staging", model_version=row)
        assert await world.unmet() == ()

    async def test_it_counts_when_it_is_there_no_more(self, world: World) -> None:
        row = await world.register()
        stream = f"models/{world.model}"
        await world.require(after="staging")
        await promote(world.storage, 1, stream, "staging", model_version=row)
        await promote(world.storage, 2, stream, "staging", model_version=row, kind="demoted")
        assert await world.unmet() == ()

    async def test_a_run_must_have_been_there_with_the_files_that_it_has_now(self, world: World) -> None:
        run_id = await new_run(world.storage)
        await put_file(world.storage, f"0/{run_id}/artifacts", "model.bin", "1" * 64)
        await world.require("experiments:/0", after="staging")
        row = await world.storage.look_up(lambda tx: tx.row("SELECT id FROM runs WHERE uuid = ?", run_id))
        assert row
        await promote(world.storage, 1, "experiments/0", "staging", OTHER_DIGEST, run=row[0])
        assert len(await world.unmet(f"runs:/{run_id}")) == 1


class TestApprovals:
    async def test_the_approvals_of_others_are_enough_and_are_kept(self, world: World) -> None:
        await world.register()
        await world.require(approvals={"count": 2})
        await world.approvals.approve(BOB, "models:/churn/1", "production", reason="looks good")
        await world.approvals.approve(CAT, "models:/churn/1", "production")
        judgement = await world.judge()
        assert judgement.unmet == ()
        assert judgement.basis["approvals"] == [
            {"actor": "bob", "time": world.now_ms, "reason": "looks good"},
            {"actor": "cat", "time": world.now_ms},
        ]

    async def test_what_is_missing_is_said_with_who_has_approved_and_who_can_not(self, world: World) -> None:
        await world.register()
        await world.require(approvals={"count": 2})
        await world.approvals.approve(BOB, "models:/churn/1", "production")
        assert await world.unmet() == (
            "It has 1 of the 2 approvals that production needs, by bob. Somebody other than ada, with the role "
            "approver, has to say: trackback approve models:/churn/1 --for production",
        )

    async def test_one_for_another_environment_or_other_files_does_not_count(self, world: World) -> None:
        await world.register()
        await world.register(OTHER_DIGEST)
        await world.require(approvals={})
        await world.approvals.approve(BOB, "models:/churn/1", "staging")
        await world.approvals.approve(BOB, "models:/churn/2", "production")
        assert len(await world.unmet("models:/churn/1")) == 1

    async def test_a_user_must_have_the_role_for_the_model_as_long_as_it_counts(self, world: World) -> None:
        await world.register()
        await world.require(approvals={"role": "approver"})
        await world.add_user("bob", Role.READER)
        await world.add_user("cat", Role.APPROVER, resource="models/99")
        await world.add_user("dan", Role.APPROVER, disabled=True)
        for name in ("bob", "cat", "dan"):
            await world.approvals.approve(Actor(name), "models:/churn/1", "production")
        (unmet,) = await world.unmet()
        assert "It has 0 of the 1 approvals that production needs (not counting bob, cat, dan" in unmet
        await world.add_user("eve", Role.APPROVER, resource=f"models/{world.model}")
        await world.approvals.approve(Actor("eve"), "models:/churn/1", "production")
        assert await world.unmet() == ()

    async def test_an_admin_counts_for_every_role_and_an_approver_not_as_an_admin(self, world: World) -> None:
        await world.register()
        await world.require(approvals={"role": "admin"})
        await world.add_user("bob", Role.APPROVER)
        await world.add_user("cat", Role.ADMIN)
        await world.approvals.approve(BOB, "models:/churn/1", "production")
        assert len(await world.unmet()) == 1
        await world.approvals.approve(CAT, "models:/churn/1", "production")
        assert await world.unmet() == ()

    async def test_that_of_whose_run_it_came_from_does_not_count(self, world: World) -> None:
        await world.register(author="ada")
        await world.require(approvals={})
        await world.approvals.approve(BOB, "models:/churn/1", "production")
        assert await world.unmet() == ()
        await world.register(author="ada", run_id=await new_run(world.storage, user="bob"))
        assert "other than ada and bob" in (await world.unmet("models:/churn/2"))[0]

    async def test_nor_does_that_of_who_signed_in_to_make_the_run_and_named_another(self, world: World) -> None:
        run_id = await new_run(world.storage, user="nobody", actor=BOB)
        await world.register(author="ada", run_id=run_id)
        await world.require(approvals={})
        with pytest.raises(PermissionDenied, match="bob made models:/churn/1"):
            await world.approvals.approve(BOB, "models:/churn/1", "production")


async def put_file(storage: Storage, root: str, path: str, digest: str) -> None:
    def operation(tx: Transaction) -> None:
        row = tx.row("INSERT INTO blobs (digest, size, location) VALUES (?, 1, ?) RETURNING id", digest, digest)
        assert row
        tx.run(
            "INSERT INTO manifest_entries (manifest, path, blob, modified_ms) VALUES (?, ?, ?, 1)",
            manifests.hold(tx, root),
            path,
            row[0],
        )

    await storage.write(operation)


async def keep_packages(storage: Storage, run_id: str, path: str) -> None:
    def operation(tx: Transaction) -> None:
        run = runs.find(tx, run_id)
        assert run
        packages.set_of_run(tx, run.id, path, packages.keep_set(tx, (Package("numpy", "2.0"),)))

    await storage.write(operation)


class TestMetadata:
    async def test_a_data_set_must_be_logged_with_the_run(self, world: World) -> None:
        run_id = await new_run(world.storage)
        await world.register(run_id=run_id)
        await world.require(metadata=["dataset"])
        assert (await world.unmet())[0].startswith("No data set is logged with the run that models:/churn/1 came from.")
        dataset = Dataset("customers", "abc", "local", "{}")
        await Inputs(world.storage).log_inputs(ANYONE, run_id, [DatasetInput(dataset)], [])
        assert await world.unmet() == ()

    async def test_a_run_that_who_registered_the_version_may_not_read_is_no_evidence(self, world: World) -> None:
        run_id = await new_run(world.storage)
        dataset = Dataset("customers", "abc", "local", "{}")
        await Inputs(world.storage).log_inputs(ANYONE, run_id, [DatasetInput(dataset)], [])
        await keep_packages(world.storage, run_id, "")
        await world.add_user("eve", Role.WRITER, resource=f"models/{world.model}")
        await world.register(author="eve", run_id=run_id)
        await world.require(metadata=["dataset", "environment"])
        for unmet in await world.unmet():
            assert "whoever registered the version may not read it. Have somebody register it again who may." in unmet
        await world.register(author="eve", run_id="0" * 32)
        assert len(await world.unmet()) == 2
        told = [text.replace("churn/2", "churn/1") for text in await world.unmet("models:/churn/2")]
        assert tuple(told) == await world.unmet(), "which runs there are is not told"

    @pytest.mark.parametrize("disabled", [False, True])
    async def test_one_that_they_may_read_is_be_they_here_still_or_not(self, world: World, disabled: bool) -> None:
        run_id = await new_run(world.storage)
        dataset = Dataset("customers", "abc", "local", "{}")
        await Inputs(world.storage).log_inputs(ANYONE, run_id, [DatasetInput(dataset)], [])
        await world.add_user("eve", Role.READER, resource="experiments/0", disabled=disabled)
        await world.register(author="eve", run_id=run_id)
        await world.require(metadata=["dataset"])
        assert await world.unmet() == ()

    async def test_a_version_without_a_run_has_none(self, world: World) -> None:
        await world.register()
        await world.require(metadata=["dataset"])
        assert len(await world.unmet()) == 1

    async def test_the_environment_is_captured_by_a_file_beside_the_model(self, world: World) -> None:
        await world.register()
        await world.require(metadata=["environment"])
        assert (await world.unmet())[0].startswith("The environment of models:/churn/1 is not captured")
        await put_file(world.storage, f"versions/{DIGEST}", "data/requirements.txt", "1" * 64)
        assert len(await world.unmet()) == 1
        await put_file(world.storage, f"versions/{DIGEST}", "requirements.txt", "2" * 64)
        assert await world.unmet() == ()

    async def test_it_is_captured_by_a_provenance_record_that_names_packages(self, world: World) -> None:
        run_id = await new_run(world.storage)
        await world.register(run_id=run_id)
        await world.require(metadata=["environment"])
        for path, met in (("0/requirements.txt", 1), ("", 0)):
            await keep_packages(world.storage, run_id, path)
            assert len(await world.unmet()) == met

    async def test_that_of_a_run_lies_beside_its_model_though_it_is_not_frozen_yet(self, world: World) -> None:
        run_id = await new_run(world.storage)
        root = f"0/{run_id}/artifacts"
        await put_file(world.storage, root, "model/MLmodel", "1" * 64)
        await world.require("experiments:/0", metadata=["environment"])
        assert len(await world.unmet(f"runs:/{run_id}")) == 1
        await put_file(world.storage, root, "model/conda.yaml", "2" * 64)
        assert await world.unmet(f"runs:/{run_id}") == ()

    async def test_the_model_must_have_a_signature_of_which_not_everything_is_known_at_once(self, world: World) -> None:
        await world.register()
        await world.require(metadata=["signature"])
        assert (await world.unmet())[0].startswith("models:/churn/1 has no signature")
        await put_file(world.storage, f"versions/{DIGEST}", "MLmodel", "1" * 64)
        assert (await world.unmet())[0].startswith("It is not known yet whether models:/churn/1 has")
        await world.storage.write(lambda tx: evidence.keep_signed(tx, "1" * 64, signed=True))
        assert await world.unmet() == ()

    async def test_a_description_must_say_something(self, world: World) -> None:
        await world.register(description=" \n")
        await world.register(description="Trained on September's customers.")
        await world.require(metadata=["description"])
        assert (await world.unmet("models:/churn/1"))[0].startswith("models:/churn/1 has no description.")
        assert await world.unmet("models:/churn/2") == ()

    async def test_that_of_a_run_is_its_note(self, world: World) -> None:
        run_id = await new_run(world.storage)
        await world.require("experiments:/0", metadata=["description"])
        assert len(await world.unmet(f"runs:/{run_id}")) == 1
        log = RunLog(world.storage, Sealer(world.storage))
        await log.log(ANYONE, run_id, tags=[("mlflow.note.content", "The baseline.")])
        assert await world.unmet(f"runs:/{run_id}") == ()
