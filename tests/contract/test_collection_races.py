"""Collections beside uploads, deletions and registrations, by two servers where the database allows it.

The grace is none at all, and many put the same contents, so that what one deletes another puts or freezes just then.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.collection_world import House
from tests.contract.registered import register_model
from tests.contract.test_artifacts import PROXIED, Repository
from trackback.artifacts.local import LocalBlobs
from trackback.entities import ANYONE, Blob, Garbage
from trackback.services.snapshots import Snapshots, freeze
from trackback.storage import Transaction, open_storage

WORKERS = 8
TURNS = 120
NOW = 1_700_000_000_000
CONTENTS = [f"content {number}".encode() * 100 for number in range(48)]


class HesitantBlobs(LocalBlobs):
    """Pauses where others may come between: when bytes are in place and no row names them yet, and before they go."""

    async def put(self, chunks: AsyncIterator[bytes]) -> Blob:
        blob = await super().put(chunks)
        await hesitate()
        return blob

    async def delete(self, location: str) -> None:
        await hesitate()
        await super().delete(location)


async def hesitate() -> None:
    await asyncio.sleep(random.uniform(0, 0.2) if random.random() < 0.1 else 0)


@pytest.fixture
async def houses(migrated_uri: str, tmp_path: Path) -> AsyncIterator[list[House]]:
    """One server on SQLite, two on PostgreSQL; all with the same files."""
    storages = [open_storage(migrated_uri) for _ in range(1 if migrated_uri.startswith("sqlite") else 2)]
    folder = tmp_path / "artifacts"
    houses = [House(storage, folder, HesitantBlobs(folder)) for storage in storages]
    yield houses
    for house in houses:
        await house.sealer.close()
        await house.blobs.close()
        await house.storage.close()


class Worker:
    """Puts, deletes and registers files in a folder of its own, and keeps books of what was acknowledged."""

    def __init__(self, number: int, repository: Repository, model: int) -> None:
        self._chance = random.Random(number)
        self._repository = repository
        self._folder = f"folder {number}"
        self._model = model
        self._number = number
        self.files: dict[str, bytes] = {}
        self.registered: dict[str, dict[str, bytes]] = {}

    async def work(self) -> None:
        for turn in range(TURNS):
            path = f"{self._folder}/{self._chance.randrange(2)}"
            match self._chance.randrange(5):
                case 0 | 1:
                    content = self._chance.choice(CONTENTS)
                    await self._repository.put(path, content)
                    self.files[path] = content
                case 2 | 3:
                    self.files.pop(path, None)
                    await self._repository.artifacts.delete(ANYONE, path)
                case _ if self.files:
                    await self._freeze(turn, keep=self._chance.random() < 0.1)
            for path, content in self.files.items():
                assert await self._repository.get(path) == content

    async def _freeze(self, turn: int, *, keep: bool) -> None:
        """Take a snapshot, with a version that is it, or without."""
        tree = await Snapshots(self._repository.blobs, PROXIED).prepare(f"{PROXIED}{self._folder}")

        def operation(tx: Transaction) -> str:
            snapshot = freeze(tx, tree, NOW)
            assert snapshot
            if keep:
                add_version(tx, self._model, self._number * TURNS + turn, snapshot.digest)
            return snapshot.digest

        digest = await self._repository.storage.write(operation)
        if keep:
            self.registered[digest] = {path.removeprefix(f"{self._folder}/"): self.files[path] for path in self.files}


def add_version(tx: Transaction, model: int, version: int, digest: str) -> None:
    tx.run(
        "INSERT INTO model_versions (model, version, description, user_id, source, location, digest, run_id, run_link,"
        " logged_model, stage, status, status_message, created_ms, updated_ms)"
        " VALUES (?, ?, '', '', '', '', ?, '', '', '', 'None', 'READY', '', 1, 1)",
        model,
        version,
        digest,
    )


async def lost(repository: Repository, worker: Worker) -> list[str]:
    """What was acknowledged and can't be read."""
    expected = dict(worker.files)
    for digest, files in worker.registered.items():
        expected |= {f"versions/{digest}/{path}": content for path, content in files.items()}
    return [path for path, content in expected.items() if await repository.get(path) != content]


async def test_no_acknowledged_file_is_lost_to_a_collection(houses: list[House]) -> None:
    model = await register_model(houses[0].storage, "churn")
    workers = [Worker(number, houses[number % len(houses)], model) for number in range(WORKERS)]
    working = asyncio.gather(*(worker.work() for worker in workers))
    collected: dict[Garbage, int] = {Garbage.BLOBS: 0, Garbage.SNAPSHOTS: 0}

    async def collect(house: House) -> None:
        while not working.done():
            for kind, tally in (await house.collect(0)).items():
                collected[kind] = collected.get(kind, 0) + tally.count
            await asyncio.sleep(0)

    await asyncio.gather(working, *(collect(house) for house in houses))
    for house in houses:
        await house.collect(0)
    assert [await lost(houses[-1], worker) for worker in workers] == [[]] * WORKERS
    assert min(collected.values()) > 10


async def test_after_the_last_collection_nothing_is_there_that_nobody_needs(houses: list[House]) -> None:
    """Neither in the database nor on the disk."""
    model = await register_model(houses[0].storage, "churn")
    worker = Worker(0, houses[0], model)
    await worker.work()
    await houses[0].collect(0)
    needed = {*worker.files.values(), *(each for files in worker.registered.values() for each in files.values())}
    assert {path.read_bytes() for path in houses[0].files()} == needed
    assert await houses[0].rows("SELECT count(*) FROM blobs") == [(len(needed),)]
    assert await houses[0].rows("SELECT count(*) FROM snapshots") == [(len(worker.registered),)]
