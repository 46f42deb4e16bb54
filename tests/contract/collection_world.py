"""A repository with a collector of garbage, whose clock can be set forward."""

import time
from collections import Counter
from pathlib import Path

from tests.contract.lineage_world import lineage_index
from tests.contract.test_artifacts import PROXIED, Repository
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import ANYONE, Dataset, DatasetInput, Garbage, LoggedModel, ModelInput, Points, Tag, Tally
from trackback.services.collection import Collection
from trackback.services.heartbeats import Heartbeats
from trackback.services.inputs import Inputs
from trackback.services.run_log import ModelOfPoint, RunLog
from trackback.services.sealing import Sealer
from trackback.services.snapshots import Snapshots, freeze
from trackback.storage import Storage

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
