"""Collections of garbage, on each database: what goes, when, what stays, and what a dry run says."""

import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.lineage_world import lineage_index
from tests.contract.registered import promote, register_model, register_version
from tests.contract.test_artifacts import PROXIED, Repository
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import (
    ANYONE,
    Actor,
    Dataset,
    DatasetInput,
    Garbage,
    Grants,
    LoggedModel,
    ModelInput,
    Param,
    Points,
    Tag,
    Tally,
)
from trackback.errors import DataLoss, InvalidParameter, NotFound, PermissionDenied
from trackback.services import collection as rules
from trackback.services.collection import Collection
from trackback.services.heartbeats import Heartbeats
from trackback.services.inputs import Inputs
from trackback.services.run_log import ModelOfPoint, RunLog
from trackback.services.sealing import Sealer
from trackback.services.snapshots import Snapshots, freeze
from trackback.storage import Storage, Transaction, collection as rows, sealing

DAY_MS = 24 * 3600 * 1000
GRACE_MS = 7 * DAY_MS

Found = dict[Garbage, Tally]


def points(count: int) -> Points:
    return Points(("loss",) * count, range(count), range(count), (0.5,) * count)


class House(Repository):
    """A repository, and its collector, whose clock can be set forward."""

    def __init__(self, storage: Storage, folder: Path, blobs: BlobStore | None = None) -> None:
        self.late_ms = 0
        blobs = blobs or open_blobs(str(folder))
        super().__init__(storage, blobs, folder)
        self.index = lineage_index(storage, blobs)
        self.collection = Collection(storage, blobs, self.index, lambda: time.time_ns() // 1_000_000 + self.late_ms)
        self.sealer = Sealer(storage)
        self.log = RunLog(storage, self.sealer)
        self.inputs = Inputs(storage)

    def pass_days(self, days: float) -> None:
        self.late_ms += int(days * DAY_MS)

    async def collect(self, grace_ms: int = GRACE_MS, *, dry_run: bool = False) -> Found:
        """A whole collection; what it found that is more than nothing."""
        found: Counter[Garbage] = Counter()
        sizes: Counter[Garbage] = Counter()
        cursor: str | None = ""
        while cursor is not None:
            part = await self.collection.collect(ANYONE, grace_ms=grace_ms, dry_run=dry_run, cursor=cursor)
            for kind, tally in part.found.items():
                found[kind] += tally.count
                sizes[kind] += tally.bytes
            cursor = part.cursor
        return {kind: Tally(count, sizes[kind]) for kind, count in found.items() if count}

    async def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        return await self.storage.read(lambda tx: tx.rows(sql, *values))

    async def full_run(self) -> str:
        """A run with something of all that a run can have, its metrics sealed and not, and a file of 5 bytes."""
        run_id = await self.run()
        commit = ("mlflow.source.git.commit", "0a1b2c3d" * 5)
        await self.log.log(ANYONE, run_id, points=points(10), params=[("depth", "3")], tags=[("team", "churn"), commit])
        (number,) = (await self.rows("SELECT id FROM runs WHERE uuid = ?", run_id))[0]
        assert isinstance(number, int)
        await self.sealer.seal(number)
        await self.log.log(ANYONE, run_id, points=points(3))
        await self.inputs.log_inputs(
            ANYONE,
            run_id,
            datasets=[DatasetInput(Dataset("d", "1", "local", "x"), (Tag("mlflow.data.context", "training"),))],
            models=[ModelInput(f"m-{'0' * 32}")],
        )
        await Heartbeats(self.storage).hear(ANYONE, run_id, timeout_s=60)
        await self.put(f"{await self.proxy_path_of_run(run_id)}/a", b"12345")
        return run_id

    async def logged_model(self) -> LoggedModel:
        """A logged model with all that it can have, and a file of 4 bytes."""
        experiment = await self.experiments.create(ANYONE, f"models {time.time_ns()}")
        model = await self.models.create(ANYONE, experiment, tags=[("t", "1")], params=[("p", "1")])
        run = (await self.runs.create(ANYONE, experiment)).info.run_id
        model_points = [ModelOfPoint(place, model.info.model_id, "", "") for place in range(3)]
        await self.log.log(ANYONE, run, points=points(3), models=model_points)
        await self.put(f"{model.info.artifact_uri.removeprefix(PROXIED)}/MLmodel", b"1234")
        return model

    async def freeze(self, path: str) -> str:
        """The digest of a snapshot of a proxy path."""
        tree = await Snapshots(self.blobs, PROXIED).prepare(f"{PROXIED}{path}")
        snapshot = await self.storage.write(lambda tx: freeze(tx, tree, time.time_ns() // 1_000_000))
        assert snapshot is not None
        return snapshot.digest

    async def row_of(self, run_id: str) -> int:
        (number,) = (await self.rows("SELECT id FROM runs WHERE uuid = ?", run_id))[0]
        assert isinstance(number, int)
        return number


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


def age(path: Path, days: float) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


async def test_bytes_that_no_row_names_go_once_they_are_old_enough(house: House) -> None:
    """What a server leaves behind that is killed between an upload and its row."""
    await house.put("a", b"123")
    (named,) = house.files()
    old = named.with_name("0" * 62 + "." + "0" * 16)
    young = named.with_name("1" * 62 + "." + "0" * 16)
    broken_off = house.folder / "tmp" / ("2" * 32)
    others = house.folder / "blobs" / "notes.txt"
    for path in (old, young, broken_off, others):
        path.write_bytes(b"1234")
    for path in (named, old, broken_off, others):
        age(path, 8)

    assert await house.collect(dry_run=True) == {Garbage.ORPHANS: Tally(2, 8)}
    assert await house.collect() == {Garbage.ORPHANS: Tally(2, 8)}
    assert sorted(house.files()) == sorted([named, young, others])


async def test_bytes_that_no_row_names_are_left_alone_for_a_day_whatever_the_grace(house: House) -> None:
    """They may be of an upload whose row is about to be written."""
    orphan = house.folder / "blobs" / "00" / ("0" * 62 + "." + "0" * 16)
    orphan.write_bytes(b"1234")
    age(orphan, 0.9)
    assert await house.collect(0) == {}
    age(orphan, 1.1)
    assert await house.collect(0) == {Garbage.ORPHANS: Tally(1, 4)}


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


async def test_bytes_that_could_not_be_deleted_are_found_by_a_later_collection(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(location: str) -> None:
        raise DataLoss("The store fails.")

    await house.put("a", b"123")
    await house.artifacts.delete(ANYONE, "a")
    with monkeypatch.context() as broken:
        broken.setattr(house.blobs, "delete", fail)
        assert await house.collect(0) == {}
    assert len(house.files()) == 1
    age(house.files()[0], 2)
    assert await house.collect(0) == {Garbage.ORPHANS: Tally(1, 3)}


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
