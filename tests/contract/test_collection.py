"""Collections of garbage, on each database: what goes, when, and what a dry run says."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.collection_world import GRACE_MS, House, points
from trackback.entities import ANYONE, Actor, Garbage, Grants, Tally
from trackback.errors import InvalidParameter, NotFound, PermissionDenied
from trackback.services import collection as rules
from trackback.storage import Storage, Transaction, collection as rows, sealing


@pytest.fixture
async def house(storage: Storage, tmp_path: Path) -> AsyncIterator[House]:
    house = House(storage, tmp_path / "artifacts")
    yield house
    await house.sealer.close()
    await house.blobs.close()


TABLES_WITH_RUN = """
SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'run' AND c.type = 'INTEGER'
WHERE m.type = 'table'
"""
POSTGRES_TABLES_WITH_RUN = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = current_schema() AND column_name = 'run' AND data_type = 'bigint'
"""


async def tables_with_run(house: House) -> list[str]:
    """Each table with a column for the number of a run."""
    kind = type(house.storage).__name__
    rows = await house.rows(TABLES_WITH_RUN if kind == "SqliteStorage" else POSTGRES_TABLES_WITH_RUN)
    return sorted(str(name) for (name,) in rows)


async def test_a_deleted_run_goes_after_the_grace_with_all_it_had(house: House) -> None:
    run_id = await house.full_run()
    number = await house.row_of(run_id)
    await house.full_run()
    await house.runs.delete(ANYONE, run_id)

    assert await house.collect() == {}
    house.pass_days(8)
    assert (await house.collect())[Garbage.RUNS] == Tally(1, 5)

    with pytest.raises(NotFound):
        await house.runs.get(ANYONE, run_id)
    tables = await tables_with_run(house)
    assert {"params", "metric_records", "metric_chunks", "dataset_inputs", "run_commits"} <= set(tables)
    assert {t: n for t in tables if (n := await house.rows(f"SELECT run FROM {t} WHERE run = ?", number))} == {}
    assert await house.rows("SELECT count(*) FROM dataset_input_tags") == [(1,)]


async def test_what_a_new_run_gets_is_nothing_of_one_that_is_gone(house: House) -> None:
    """SQLite gives the greatest number again."""
    run_ids = [await house.full_run() for _ in range(3)]
    for run_id in run_ids:
        await house.runs.delete(ANYONE, run_id)
    assert (await house.collect(0))[Garbage.RUNS].count == 3
    run = await house.runs.get(ANYONE, await house.run())
    assert [tag.key for tag in run.data.tags] == ["mlflow.runName"]
    assert (run.data.params, run.data.metrics) == ((), ())
    assert await house.rows("SELECT * FROM removed_runs") == []


async def test_the_runs_of_a_deleted_experiment_go_with_its_logged_models(house: House) -> None:
    model = await house.logged_model()
    await house.experiments.delete(ANYONE, model.info.experiment_id)
    house.pass_days(8)
    found = await house.collect()
    assert (found[Garbage.RUNS].count, found[Garbage.LOGGED_MODELS]) == (1, Tally(1, 4))


async def test_a_run_that_was_restored_stays_with_its_files(house: House) -> None:
    run_id = await house.full_run()
    await house.runs.delete(ANYONE, run_id)
    await house.runs.restore(ANYONE, run_id)
    house.pass_days(8)
    assert await house.collect(0) == {}
    assert await house.get(f"{await house.proxy_path_of_run(run_id)}/a") == b"12345"


async def test_a_deleted_logged_model_goes_with_all_it_had(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ROWS", 1)
    model = await house.logged_model()
    await house.models.delete(ANYONE, model.info.model_id)
    assert (await house.collect(0))[Garbage.LOGGED_MODELS] == Tally(1, 4)
    for table in ("logged_models", "logged_model_params", "logged_model_tags", "model_metrics"):
        assert await house.rows(f"SELECT * FROM {table}") == []
    assert house.files() == []


async def test_a_logged_model_that_is_restored_or_removed_by_another_meanwhile_is_not_counted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await house.logged_model()
    await house.models.delete(ANYONE, model.info.model_id)
    remove = rows.remove_model

    def restore_first(tx: Transaction, *arguments: Any) -> rows.Removal:
        tx.run("UPDATE logged_models SET lifecycle = 'active', deleted_ms = NULL")
        return remove(tx, *arguments)

    def remove_first(tx: Transaction, *arguments: Any) -> rows.Removal:
        remove(tx, *arguments)
        return remove(tx, *arguments)

    for meanwhile in (restore_first, remove_first):
        monkeypatch.setattr(rows, "remove_model", meanwhile)
        assert Garbage.LOGGED_MODELS not in await house.collect(0)
        await house.storage.write(lambda tx: tx.run("UPDATE logged_models SET lifecycle = 'deleted', deleted_ms = 1"))


async def test_bytes_go_when_nothing_has_referred_to_them_for_the_grace(house: House) -> None:
    await house.put("a", b"123")
    await house.put("b", b"12345")
    await house.artifacts.delete(ANYONE, "a")

    assert await house.collect() == {Garbage.CONDEMNED: Tally(1, 3)}
    house.pass_days(6)
    assert await house.collect() == {Garbage.CONDEMNED: Tally(1, 3)}
    house.pass_days(2)
    assert await house.collect() == {Garbage.BLOBS: Tally(1, 3)}
    assert await house.collect() == {}
    assert len(house.files()) == 1
    assert await house.get("b") == b"12345"


async def test_bytes_that_are_put_again_while_they_wait_begin_a_new_grace(house: House) -> None:
    await house.put("a", b"123")
    await house.artifacts.delete(ANYONE, "a")
    await house.collect()
    house.pass_days(6)
    await house.put("again", b"123")
    await house.artifacts.delete(ANYONE, "again")
    house.pass_days(2)
    assert await house.collect() == {Garbage.CONDEMNED: Tally(1, 3)}


async def test_a_removed_runs_bytes_that_others_share_stay(house: House) -> None:
    run_id = await house.full_run()
    await house.put("shared", b"12345")
    await house.runs.delete(ANYONE, run_id)
    assert await house.collect(0) == {Garbage.RUNS: Tally(1, 5)}
    assert await house.get("shared") == b"12345"


async def test_a_file_that_is_put_to_the_path_of_a_removed_run_is_a_new_one(house: House) -> None:
    run_id = await house.full_run()
    path = await house.proxy_path_of_run(run_id)
    await house.runs.delete(ANYONE, run_id)
    await house.collect(0)
    await house.put(f"{path}/b", b"new")
    assert await house.names(path) == ["b"]
    await house.collect(0)
    assert await house.get(f"{path}/b") == b"new"


@pytest.mark.parametrize("grace_ms", [0, GRACE_MS])
async def test_a_dry_run_says_what_a_collection_would_find_and_changes_nothing(house: House, grace_ms: int) -> None:
    for run_id in [await house.full_run() for _ in range(3)][1:]:
        await house.runs.delete(ANYONE, run_id)
    model = await house.logged_model()
    await house.models.delete(ANYONE, model.info.model_id)
    await house.put("a", b"123")
    await house.artifacts.delete(ANYONE, "a")
    await house.put("model/MLmodel", b"123456")
    await house.freeze("model")
    await house.artifacts.delete(ANYONE, "model")
    house.pass_days(8)

    before = sorted(house.files())
    said = await house.collect(grace_ms, dry_run=True)
    assert sorted(house.files()) == before
    assert said[Garbage.RUNS] == Tally(2, 10)
    assert said[Garbage.SNAPSHOTS] == Tally(1, 6)
    assert said[Garbage.CONDEMNED if grace_ms else Garbage.BLOBS] == Tally(3, 4 + 3 + 6)
    assert await house.collect(grace_ms) == said


async def test_a_snapshot_that_nothing_refers_to_goes(house: House) -> None:
    await house.put("model/MLmodel", b"flavors")
    digest = await house.freeze("model")
    await house.artifacts.delete(ANYONE, "model")
    assert await house.collect(0) == {Garbage.SNAPSHOTS: Tally(1, 7), Garbage.BLOBS: Tally(1, 7)}
    with pytest.raises(NotFound):
        await house.get(f"versions/{digest}/MLmodel")
    await house.put("model/MLmodel", b"flavors")
    assert await house.freeze("model") == digest
    assert await house.get(f"versions/{digest}/MLmodel") == b"flavors"


async def test_a_collection_goes_on_in_small_parts_where_the_last_one_ended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, small in {"PART_S": 0.0001, "OWNERS": 1, "BLOBS": 2, "ROWS": 1, "LOCATIONS": 2}.items():
        monkeypatch.setattr(rules, name, small)
    for number in range(7):
        await house.put(f"numbers/{number}", f"{number}".encode())
    await house.artifacts.delete(ANYONE, "numbers/3")
    for run_id in [await house.full_run() for _ in range(3)]:
        await house.runs.delete(ANYONE, run_id)
    assert await house.collect(0) == {Garbage.RUNS: Tally(3, 15), Garbage.BLOBS: Tally(2, 6)}
    assert len(house.files()) == 6


@pytest.mark.parametrize("cursor", ["nothing", "runs:x", "blobs:-1", ":"])
async def test_a_bad_cursor_is_refused(house: House, cursor: str) -> None:
    with pytest.raises(InvalidParameter, match="Invalid cursor"):
        await house.collection.collect(ANYONE, grace_ms=0, cursor=cursor)


async def test_only_an_admin_collects(house: House) -> None:
    with pytest.raises(PermissionDenied):
        await house.collection.collect(Actor("ann", grants=Grants()), grace_ms=0)


async def test_sealing_of_a_run_that_goes_meanwhile_leaves_nothing(house: House) -> None:
    run_id = await house.run()
    await house.run()
    number = await house.row_of(run_id)
    await house.log.log(ANYONE, run_id, points=points(1))
    cut = await house.storage.read(lambda tx: sealing.cut(tx, number))
    await house.runs.delete(ANYONE, run_id)
    await house.collect(0)
    with pytest.raises(sealing.StaleCut):
        await house.storage.write(lambda tx: sealing.replace(tx, cut))
