"""What collections of garbage leave alone, on each database, as something came of it."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.collection_world import House
from tests.contract.registered import promote, register_model, register_version
from trackback.entities import ANYONE, Garbage, Param
from trackback.errors import NotFound
from trackback.storage import Storage, Transaction


@pytest.fixture
async def house(storage: Storage, tmp_path: Path) -> AsyncIterator[House]:
    house = House(storage, tmp_path / "artifacts")
    yield house
    await house.sealer.close()
    await house.blobs.close()


async def registered(house: House, *, run_id: str = "", logged_model: str = "") -> tuple[str, int, int]:
    """A version of files that are gone otherwise: its digest, its model's number and its row's."""
    await house.put("model/MLmodel", b"flavors")
    digest = await house.freeze("model")
    await house.artifacts.delete(ANYONE, "model")
    model = await register_model(house.storage, f"model {time.time_ns()}")
    version = await register_version(house.storage, model, digest, run_id=run_id)

    def set_logged_model(tx: Transaction) -> None:
        tx.run("UPDATE model_versions SET logged_model = ? WHERE id = ?", logged_model, version)

    await house.storage.write(set_logged_model)
    return digest, model, version


async def test_a_versions_files_stay_also_when_it_was_deleted(house: House) -> None:
    digest, _, version = await registered(house)
    await house.storage.write(lambda tx: tx.run("UPDATE model_versions SET deleted_ms = 1 WHERE id = ?", version))
    assert await house.collect(0) == {}
    assert await house.get(f"versions/{digest}/MLmodel") == b"flavors"


async def test_a_deleted_run_that_a_version_came_from_stays_with_its_files(house: House) -> None:
    run_id = await house.full_run()
    await registered(house, run_id=run_id)
    await house.runs.delete(ANYONE, run_id)
    assert await house.collect(0) == {}
    assert (await house.runs.get(ANYONE, run_id)).data.params == (Param("depth", "3"),)
    assert await house.get(f"{await house.proxy_path_of_run(run_id)}/a") == b"12345"


async def with_descendant(house: House) -> tuple[str, int]:
    """A deleted run that a version descends from by another, which nobody has looked for yet; the version's row."""
    parent = await house.full_run()
    child = await house.run()
    await house.log.log(ANYONE, child, tags=[("mlflow.parentRunId", parent)])
    _, _, version = await registered(house, run_id=child)
    await house.runs.delete(ANYONE, parent)
    return parent, version


async def test_a_deleted_run_that_a_version_descends_from_stays_also_if_nobody_has_looked_for_it(house: House) -> None:
    parent, version = await with_descendant(house)
    assert await house.rows("SELECT model_version FROM unindexed_versions") == [(version,)]
    assert await house.collect(0, dry_run=True) == {}
    assert await house.collect(0) == {}
    assert (await house.runs.get(ANYONE, parent)).data.params == (Param("depth", "3"),)


async def test_no_run_goes_while_it_is_not_known_what_a_version_descends_from(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(most: int) -> int:
        return 0

    await with_descendant(house)
    free = await house.full_run()
    await house.runs.delete(ANYONE, free)
    with monkeypatch.context() as failing:
        failing.setattr(house.index, "index", fail)
        assert await house.collect(0) == {}
    assert (await house.collect(0))[Garbage.RUNS].count == 1
    with pytest.raises(NotFound):
        await house.runs.get(ANYONE, free)


async def test_a_deleted_logged_model_that_a_version_came_from_stays_with_its_run(house: House) -> None:
    model = await house.logged_model()
    await registered(house, logged_model=model.info.model_id)
    await house.experiments.delete(ANYONE, model.info.experiment_id)
    found = await house.collect(0)
    assert Garbage.LOGGED_MODELS not in found


async def test_a_deleted_run_that_was_promoted_stays(house: House) -> None:
    run_id = await house.full_run()
    number = await house.row_of(run_id)
    await promote(house.storage, 1, "experiments/1", "staging", None, run=number)
    await house.runs.delete(ANYONE, run_id)
    assert await house.collect(0) == {}


async def test_what_a_promotion_or_deployment_has_the_digest_of_stays(house: House) -> None:
    deployed, _, _ = await registered(house)
    await house.put("model/MLmodel", b"another")
    promoted = await house.freeze("model")
    run = await house.row_of(await house.run())
    await promote(house.storage, 1, "experiments/1", "staging", promoted, run=run)

    def operation(tx: Transaction) -> None:
        tx.run("UPDATE model_versions SET digest = NULL")
        tx.run(
            "INSERT INTO deployments (key, environment, kind, locator, image, region, slot, stream, digest, actor,"
            " reported_ms, started_ms, ended_ms) VALUES ('k', 'production', 'image', 'x', '', '', '', '', ?, 'ci',"
            " 1, 1, 2)",
            deployed,
        )

    await house.storage.write(operation)
    await house.artifacts.delete(ANYONE, "model")
    assert await house.collect(0) == {}
    assert await house.get(f"versions/{deployed}/MLmodel") == b"flavors"
    assert await house.get(f"versions/{promoted}/MLmodel") == b"another"
