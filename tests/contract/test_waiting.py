"""What waits to be promoted, where people have roles: it enters on behalf of its asker, who still may promote it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.accounts_world import World as Accounts
from tests.contract.accounts_world import make_world
from tests.contract.promotion_world import Repository
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import ANYONE, Actor, PendingPromotion, Role
from trackback.services.accounts import OPERATOR
from trackback.services.policies import Policies
from trackback.services.verdicts import Verdicts
from trackback.storage import Storage

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


async def validate(repository: Repository) -> None:
    await Verdicts(repository.storage, repository.gate.retry).report(ANYONE, SUBJECT, "validation", passed=True)


async def unmet(repository: Repository) -> list[tuple[str, ...]]:
    return [each.unmet for each in await repository.promotions.pending(ANYONE)]


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
    assert [each.actor for each in await repository.promotions.pending(ANYONE)] == ["bob"]
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
