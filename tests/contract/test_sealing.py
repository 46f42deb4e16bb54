"""Sealing: in the background, once enough was logged; nothing is lost by it, whoever else does it, whatever fails."""

import asyncio
from collections.abc import Iterator

import pytest

from trackback.entities import ANYONE, Points
from trackback.services import sealing as background
from trackback.services.experiments import Experiments
from trackback.services.metrics import Metrics
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage, Transaction, metrics, runs, sealing

RECORDS = 3


@pytest.fixture(autouse=True)
def few_records_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RECORDS", RECORDS)


class Server:
    """What of a server has to do with sealing."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._steps: Iterator[int] = iter(range(1000))
        sealer = Sealer(storage)
        self._run_log = RunLog(storage, sealer)
        self._history = Metrics(storage, sealer)

    async def new_run(self) -> str:
        experiment = await Experiments(self._storage, "mlflow-artifacts:/").create(ANYONE, f"e{next(self._steps)}")
        return (await Runs(self._storage).create(ANYONE, experiment)).info.run_id

    async def log(self, run_id: str, records: int) -> None:
        for _ in range(records):
            step = next(self._steps)
            await self._run_log.log(ANYONE, run_id, points=Points(["m"], [step], [step], [1.0]))

    async def number(self, run_id: str) -> int:
        record = await self._storage.read(lambda tx: runs.find(tx, run_id))
        assert record is not None
        return record.id

    async def unsealed(self, run_id: str) -> int:
        """How many records the run has."""
        run = await self.number(run_id)
        rows = await self._storage.read(lambda tx: tx.rows("SELECT id FROM metric_records WHERE run = ?", run))
        return len(rows)

    async def until_sealed(self, run_id: str) -> None:
        async with asyncio.timeout(10):
            while await self.unsealed(run_id):
                pass

    async def points(self, run_id: str) -> int:
        return len((await self._history.history(ANYONE, run_id, "m")).items)


@pytest.fixture
def server(storage: Storage) -> Server:
    return Server(storage)


async def test_a_run_is_sealed_once_it_has_enough_records(server: Server) -> None:
    run = await server.new_run()
    await server.log(run, RECORDS - 1)
    assert await server.unsealed(run) == RECORDS - 1
    await server.log(run, 1)
    await server.until_sealed(run)
    assert await server.points(run) == RECORDS


@pytest.mark.parametrize("way", ["by pages", "with others'", "sampled"])
async def test_what_an_earlier_server_left_is_sealed_once_its_history_is_read(
    server: Server, storage: Storage, way: str
) -> None:
    much, little = await server.new_run(), await server.new_run()
    await server.log(much, RECORDS - 1)
    await server.log(little, 1)
    await Server(storage).log(much, 1)
    read = Metrics(storage, Sealer(storage))
    if way == "by pages":
        for run in (little, much):
            await read.history(ANYONE, run, "m", max_results=1)
    elif way == "sampled":
        await read.sampled_history(ANYONE, [little, much], "m")
    else:
        await read.bulk_history(ANYONE, [little, much], "m", 1)
    await server.until_sealed(much)
    assert await server.unsealed(little) == 1


async def test_a_run_is_looked_at_once_however_often_its_history_is_read(
    server: Server, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def due(tx: Transaction, run_ids: list[str], records: int, points: int) -> list[int]:
        looked_at.extend(run_ids)
        return []

    monkeypatch.setattr(sealing, "due", due)
    run, other = await server.new_run(), await server.new_run()
    for each in (run, run, run, other):
        await server.points(each)
    async with asyncio.timeout(10):
        while other not in looked_at:
            await server.points(run)
    assert looked_at == [run, other]


async def test_two_servers_that_seal_one_run_keep_each_point_once(server: Server, storage: Storage) -> None:
    run = await server.new_run()
    await server.log(run, RECORDS - 1)
    number = await server.number(run)
    ours = await storage.read(lambda tx: sealing.cut(tx, number))
    theirs = await storage.read(lambda tx: sealing.cut(tx, number))
    await storage.write(lambda tx: sealing.replace(tx, theirs))
    with pytest.raises(sealing.StaleCut):
        await storage.write(lambda tx: sealing.replace(tx, ours))
    assert await server.points(run) == RECORDS - 1


async def test_points_logged_while_a_run_is_cut_stay(server: Server, storage: Storage) -> None:
    run = await server.new_run()
    await server.log(run, 1)
    number = await server.number(run)
    cut = await storage.read(lambda tx: sealing.cut(tx, number))
    await server.log(run, 1)
    await storage.write(lambda tx: sealing.replace(tx, cut))
    assert (await server.unsealed(run), await server.points(run)) == (1, 2)


async def test_a_run_is_cut_once_though_it_goes_on_logging(
    server: Server, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await server.new_run()
    cuts = []
    replace = sealing.replace

    def replace_while_it_logs(tx: Transaction, cut: sealing.Cut) -> None:
        cuts.append(len(cut.records))
        record = runs.find(tx, run)
        assert record is not None
        metrics.append(tx, record, Points(["m"], [1000], [len(cuts)], [1.0]))
        replace(tx, cut)

    monkeypatch.setattr(sealing, "replace", replace_while_it_logs)
    await server.log(run, RECORDS - 1)
    await Sealer(storage).seal(await server.number(run))
    assert (cuts, await server.unsealed(run), await server.points(run)) == ([RECORDS - 1], 1, RECORDS)


async def test_a_run_is_cut_again_while_it_has_more_than_a_cut_holds(
    server: Server, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "RECORDS_PER_CUT", 1)
    run = await server.new_run()
    await server.log(run, RECORDS - 1)
    await Sealer(storage).seal(await server.number(run))
    assert (await server.unsealed(run), await server.points(run)) == (0, RECORDS - 1)


async def test_a_run_that_cannot_be_sealed_holds_up_neither_others_nor_the_stop(
    server: Server, storage: Storage
) -> None:
    damaged, sound = await server.new_run(), await server.new_run()
    number = await server.number(damaged)
    await storage.write(
        lambda tx: tx.run("INSERT INTO metric_records (run, id, points, data) VALUES (?, 1, 1, ?)", number, b"x" * 33)
    )
    for run in (damaged, sound):
        await server.log(run, RECORDS - 1)
        await Server(storage).log(run, 1)
    later = Sealer(storage)
    later.look_at([damaged, sound])
    await server.until_sealed(sound)
    await later.close()
    assert await server.unsealed(damaged) == RECORDS + 1
