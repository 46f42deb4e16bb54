"""Where a run, or a logged model, has got to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.delivery_world import World
from tests.contract.test_artifacts import stream
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission
from trackback.errors import NotFound
from trackback.services.deliveries import Delivered, Deliveries
from trackback.storage import Storage


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    world = World(storage, blobs)
    await world.begin()
    yield world
    await blobs.close()


@pytest.fixture
def deliveries(world: World) -> Deliveries:
    return Deliveries(world.storage)


def versions(found: Delivered) -> list[tuple[str, str, list[str]]]:
    return [(each.name, each.version, each.environments) for each in found.versions]


async def test_a_run_leads_to_its_versions_their_promotions_and_what_is_live(
    world: World, deliveries: Deliveries
) -> None:
    run, other = await world.run(), await world.run()
    for each in (run, run, other):
        await world.register(each)
    first = await world.promote("models:/churn/1")
    second = await world.promote("models:/churn/2")
    await world.promote("models:/churn/3", "staging")
    ended = await world.deploy("1", subject="models:/churn/1", environment="production")
    await world.deploy("2", subject="models:/churn/2", environment="production", replaces=(ended,))

    found = await deliveries.of_run(ANYONE, run)

    assert versions(found) == [("churn", "2", ["production"]), ("churn", "1", [])]
    assert [each.seq for each in found.promotions] == [second.seq, first.seq]
    assert [each.version for each in found.live] == ["2"]
    assert ended in [each.id for each in found.deployments]
    assert found.environments == ["production"]


async def test_a_run_that_was_promoted_itself_is_told_with_what_was_deployed_for_that(
    world: World, deliveries: Deliveries
) -> None:
    run = await world.run()
    await world.put(run, "model/MLmodel", b"flavors: {}")
    promotion = await world.promote(f"runs:/{run}", "staging")
    await world.deploy(promotion=promotion.seq)

    found = await deliveries.of_run(ANYONE, run)

    assert (found.versions, [each.seq for each in found.promotions]) == ([], [promotion.seq])
    assert [each.environment for each in found.live] == ["staging"]


async def test_a_logged_model_leads_to_the_versions_that_were_registered_from_it(
    world: World, deliveries: Deliveries
) -> None:
    run = await world.run()
    model = await world.log_model(run)
    await world.artifacts.put(ANYONE, f"0/models/{model}/artifacts/MLmodel", stream(b"flavors: {}"))
    await world.versions.create(ANYONE, "churn", f"models:/{model}", model_id=model)
    await world.register(await world.run())
    await world.promote("models:/churn/1")

    found = await deliveries.of_model(ANYONE, model)

    assert versions(found) == [("churn", "1", ["production"])]
    assert [each.version for each in found.promotions] == ["1"]


async def test_nothing_is_told_of_models_that_may_not_be_read(world: World, deliveries: Deliveries) -> None:
    run = await world.run()
    await world.register(run)
    await world.promote("models:/churn/1")
    await world.deploy(subject="models:/churn/1", environment="production")
    reader = Actor("ann", None, Grants(experiments={0: frozenset({Permission.READ})}))

    assert await deliveries.of_run(reader, run) == Delivered([], [], [])
    with pytest.raises(NotFound):
        await deliveries.of_run(Actor("bob", None, Grants()), run)


async def test_a_run_that_went_nowhere_has_nothing(world: World, deliveries: Deliveries) -> None:
    assert await deliveries.of_run(ANYONE, await world.run()) == Delivered([], [], [])
