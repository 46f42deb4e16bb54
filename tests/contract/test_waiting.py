"""What waits to be promoted, where people have roles: it enters on behalf of its asker, who still may promote it."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.contract.accounts_world import World as Accounts, make_world
from tests.contract.policy_world import limited
from tests.contract.promotion_world import Repository, digest
from tests.contract.registered import register_model, register_version
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import ANYONE, Actor, PendingPromotion, Permission, Role
from trackback.services.accounts import OPERATOR
from trackback.services.policies import Policies
from trackback.services.promotion_case import Asked, Case, examine
from trackback.services.snapshots import Tree
from trackback.services.verdicts import Verdicts
from trackback.storage import Storage, Transaction

SUBJECT = "models:/churn/1"
MAY_NOT = (
    "ada, who asked, may not promote it any more. Somebody with the role promoter has to ask: "
    "trackback promote models:/churn/1 --to production"
)


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[BlobStore]:
    store = open_blobs(str(tmp_path / "blobs"))
    yield store
    await store.close()


@pytest.fixture
async def repository(storage: Storage, blobs: BlobStore) -> Repository:
    """A server with accounts, whose model churn needs a verdict to enter production."""
    repository = Repository(storage, blobs, accounts=True)
    await repository.register("churn", 1)
    policies = Policies(storage, repository.gate.environments, repository.gate.retry)
    await policies.set(ANYONE, "models:/churn", "production", {"verdicts": [{"name": "validation"}]})
    return repository


@pytest.fixture
async def accounts(repository: Repository) -> Accounts:
    """With ada, who may promote churn and nothing else."""
    world = make_world(repository.storage, repository.gate.retry)
    await world.user("ada")
    await world.granted("ada", Role.PROMOTER, "models:/churn")
    return world


async def ask(repository: Repository, actor: Actor) -> None:
    waits = await repository.promotions.promote(actor, SUBJECT, "production", pending=True)
    assert isinstance(waits, PendingPromotion)


async def validate(repository: Repository, actor: Actor = ANYONE, subject: str = SUBJECT) -> None:
    verdicts = Verdicts(repository.storage, repository.gate.retry_digest)
    await verdicts.report(actor, subject, "validation", passed=True)


async def unmet(repository: Repository) -> list[tuple[str, ...]]:
    return [each.unmet for each in (await repository.promotions.pending(ANYONE)).items]


async def test_it_enters_once_nothing_is_missing_and_its_asker_still_may_promote(
    repository: Repository, accounts: Accounts
) -> None:
    await ask(repository, await accounts.signed_in("ada"))
    await validate(repository)
    assert [entry.actor for entry in await repository.whole_log()] == ["ada"]


async def test_it_waits_on_when_its_asker_has_lost_the_role_and_says_what_to_do(
    repository: Repository, accounts: Accounts
) -> None:
    await ask(repository, await accounts.signed_in("ada"))
    await accounts.accounts.revoke(OPERATOR, "ada", Role.PROMOTER, "models:/churn")
    await validate(repository)
    assert await repository.whole_log() == []
    assert await unmet(repository) == [(MAY_NOT,)]


async def test_a_role_for_another_model_is_none_for_this_one(repository: Repository, accounts: Accounts) -> None:
    await ask(repository, await accounts.signed_in("ada"))
    await repository.register("fraud", 1)
    await accounts.granted("ada", Role.PROMOTER, "models:/fraud")
    await accounts.accounts.revoke(OPERATOR, "ada", Role.PROMOTER, "models:/churn")
    await validate(repository)
    assert await unmet(repository) == [(MAY_NOT,)]


async def test_it_waits_on_when_its_asker_is_disabled_and_enters_when_enabled_again(
    repository: Repository, accounts: Accounts
) -> None:
    await ask(repository, await accounts.signed_in("ada"))
    await accounts.accounts.disable(OPERATOR, "ada")
    await validate(repository)
    assert await unmet(repository) == [(MAY_NOT,)]
    await accounts.accounts.enable(OPERATOR, "ada")
    assert [entry.actor for entry in await repository.whole_log()] == ["ada"]


async def test_it_enters_when_its_asker_is_given_the_role_again(repository: Repository, accounts: Accounts) -> None:
    await ask(repository, await accounts.signed_in("ada"))
    await accounts.accounts.revoke(OPERATOR, "ada", Role.PROMOTER, "models:/churn")
    await validate(repository)
    await accounts.granted("ada", Role.PROMOTER)
    assert [entry.actor for entry in await repository.whole_log()] == ["ada"]


async def test_what_somebody_asked_who_has_no_account_waits_on(repository: Repository) -> None:
    await ask(repository, ANYONE)
    await validate(repository)
    assert "anyone, who asked, may not promote it any more" in (await unmet(repository))[0][0]


async def test_without_accounts_nobody_needs_a_role(storage: Storage, repository: Repository, blobs: BlobStore) -> None:
    await ask(repository, ANYONE)
    await validate(Repository(storage, blobs))
    assert [entry.actor for entry in await repository.whole_log()] == ["anyone"]


async def test_somebody_who_may_takes_the_place_of_an_asker_who_may_no_more(
    repository: Repository, accounts: Accounts
) -> None:
    await ask(repository, await accounts.signed_in("ada"))
    await accounts.accounts.revoke(OPERATOR, "ada", Role.PROMOTER, "models:/churn")
    await ask(repository, await accounts.user("bob", Role.PROMOTER))
    assert [each.actor for each in (await repository.promotions.pending(ANYONE)).items] == ["bob"]
    await validate(repository)
    assert [entry.actor for entry in await repository.whole_log()] == ["bob"]


async def test_a_tag_of_who_may_not_promote_enters_only_when_somebody_asks_who_may(
    repository: Repository, accounts: Accounts
) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    run_id = await repository.finished_run(experiment)
    cat = await accounts.user("cat", Role.WRITER)
    await repository.run_log.log(cat, run_id, tags=[("promote", "true")])
    await accounts.granted("cat", Role.PROMOTER)
    assert await unmet(repository) == [
        (
            "cat asked without being allowed to. Somebody with the role promoter has to ask: "
            f"trackback promote runs:/{run_id} --to staging",
        )
    ]
    await repository.promotions.promote(await accounts.signed_in("cat"), f"runs:/{run_id}", "staging")
    assert [entry.actor for entry in await repository.whole_log()] == ["cat"]
    assert await unmet(repository) == []


class TestVerdicts:
    """Without accounts; churn and price are the same files, fraud others."""

    @pytest.fixture
    async def repository(self, storage: Storage, blobs: BlobStore) -> Repository:
        repository = Repository(storage, blobs)
        for name, files in (("churn", 1), ("price", 1), ("fraud", 2)):
            await register_version(storage, await register_model(storage, name), digest(files))
        policies = Policies(storage, repository.gate.environments, repository.gate.retry)
        await policies.set(ANYONE, "*", "production", {"verdicts": [{"name": "validation"}]})
        for name in ("churn", "price", "fraud"):
            await repository.promotions.promote(ANYONE, f"models:/{name}/1", "production", pending=True)
        return repository

    async def test_one_lets_in_all_that_is_the_same_files(self, repository: Repository) -> None:
        await validate(repository)
        assert [entry.name for entry in await repository.whole_log()] == ["churn", "price"]

    async def test_one_that_counts_for_a_model_lets_in_that_alone(self, repository: Repository) -> None:
        ci = limited("ci", Permission.READ, Permission.WRITE, model=1)
        await validate(repository, ci)
        assert [entry.name for entry in await repository.whole_log()] == ["churn"]

    async def test_one_has_nothing_else_looked_at(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_at = []

        def noting(tx: Transaction, asked: Asked, prepared: Mapping[str, Tree], now_ms: int) -> Case:
            looked_at.append(asked.subject.text)
            return examine(tx, asked, prepared, now_ms)

        monkeypatch.setattr("trackback.services.promotion_gate.examine", noting)
        await validate(repository)
        assert looked_at == ["models:/churn/1", "models:/price/1"]

    async def test_one_on_the_files_of_a_finished_run_lets_it_in(self, repository: Repository) -> None:
        experiment = await repository.experiments.create(ANYONE, "e")
        run_id = await repository.finished_run(experiment)
        policies = Policies(repository.storage, repository.gate.environments, repository.gate.retry)
        await policies.set(ANYONE, f"experiments:/{experiment}", "staging", {"verdicts": [{"name": "validation"}]})
        await repository.run_log.log(ANYONE, run_id, tags=[("promote", "true")])
        assert await repository.whole_log() == []
        await validate(repository, subject=f"runs:/{run_id}")
        assert [entry.run_id for entry in await repository.whole_log()] == [run_id]
