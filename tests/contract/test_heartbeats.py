"""Runs that send heartbeats: when they count as lost, what is said of them then, and how they go on."""

import asyncio

import pytest

from trackback import limits
from trackback.entities import ANYONE, Actor, Grants, Points, Role, Run, RunStatus
from trackback.errors import InvalidParameter, NotFound, PermissionDenied, Unavailable
from trackback.services.experiments import Experiments
from trackback.services.heartbeat_watch import HeartbeatWatch
from trackback.services.heartbeats import Heartbeats
from trackback.services.lost_runs import LOST_TAG, LostRuns
from trackback.services.promotion_tags import NO_PROMOTION_TAGS
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage

BEGAN_MS = 1_700_000_000_000
BEGAN = "2023-11-14T22:13:20"
TIMEOUT_S = 60
STEP_S = 4
"""Between two looks of a watch: less than what makes it think that it stood still."""


class World:
    """A run, its services under a clock of ours, and the watch of a server that has just started."""

    def __init__(self, storage: Storage, experiment_id: str) -> None:
        self.storage = storage
        self.now_ms = BEGAN_MS
        self.runs = Runs(storage, self.clock)
        self.heartbeats = Heartbeats(storage, self.clock)
        self.run_log = RunLog(storage, Sealer(storage))
        self.experiment_id = experiment_id
        self.run_id = ""
        self.watch = self.new_watch()

    def clock(self) -> int:
        return self.now_ms

    def new_watch(self) -> HeartbeatWatch:
        return HeartbeatWatch(self.storage, LostRuns(NO_PROMOTION_TAGS), self.clock)

    async def new_run(self) -> str:
        run = await self.runs.create(ANYONE, self.experiment_id, start_time_ms=BEGAN_MS - 1000)
        return run.info.run_id

    async def beat(self, timeout_s: int = TIMEOUT_S, actor: Actor = ANYONE) -> RunStatus:
        return await self.heartbeats.hear(actor, self.run_id, timeout_s=timeout_s)

    async def pass_s(self, seconds: int, *watches: HeartbeatWatch) -> None:
        """Let time pass, in which each watch looks again and again."""
        until = self.now_ms + 1000 * seconds
        while self.now_ms < until:
            self.now_ms = min(self.now_ms + 1000 * STEP_S, until)
            for watch in watches or [self.watch]:
                await watch.look()

    async def run(self) -> Run:
        return await self.runs.get(ANYONE, self.run_id)

    async def status(self) -> RunStatus:
        return (await self.run()).info.status

    async def lost(self) -> str | None:
        """What the run's mark says."""
        return {tag.key: tag.value for tag in (await self.run()).data.tags}.get(LOST_TAG)

    async def lose(self) -> None:
        """The run sends a heartbeat, and then no other."""
        await self.beat()
        await self.pass_s(TIMEOUT_S)
        assert await self.status() is RunStatus.FAILED

    async def is_kept(self) -> bool:
        """Whether anything is known of heartbeats of the run."""
        rows = await self.storage.read(lambda tx: tx.rows("SELECT run FROM run_heartbeats"))
        return bool(rows)


@pytest.fixture
async def world(storage: Storage) -> World:
    world = World(storage, await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "training"))
    world.run_id = await world.new_run()
    return world


async def test_a_run_that_goes_on_to_be_heard_from_goes_on_to_run(world: World) -> None:
    for _ in range(4):
        assert await world.beat() is RunStatus.RUNNING
        await world.pass_s(TIMEOUT_S - 1)
    assert (await world.status(), await world.lost()) == (RunStatus.RUNNING, None)


async def test_a_run_that_is_not_heard_from_in_time_has_failed_when_it_last_was(world: World) -> None:
    await world.pass_s(5)
    await world.beat()
    await world.pass_s(TIMEOUT_S - 1)
    assert await world.status() is RunStatus.RUNNING
    await world.pass_s(1)
    info = (await world.run()).info
    assert (info.status, info.end_time) == (RunStatus.FAILED, BEGAN_MS + 5000)
    assert await world.lost() == "no heartbeat since 2023-11-14T22:13:25.000Z"


async def test_a_run_that_never_sent_a_heartbeat_runs_on(world: World) -> None:
    await world.pass_s(3 * limits.HEARTBEAT_TIMEOUT_S // 1000)
    assert await world.status() is RunStatus.RUNNING


async def test_a_run_does_not_end_before_it_began_by_a_clock_that_goes_fast(world: World) -> None:
    ahead = await world.runs.create(ANYONE, world.experiment_id, start_time_ms=BEGAN_MS + 9000)
    world.run_id = ahead.info.run_id
    await world.lose()
    assert (await world.run()).info.end_time == BEGAN_MS + 9000


async def test_a_lost_run_takes_what_comes_late(world: World) -> None:
    await world.lose()
    await world.run_log.log(
        ANYONE, world.run_id, points=Points(["loss"], [1], [1], [0.5]), params=[("p", "1")], tags=[("t", "1")]
    )
    run = await world.run()
    assert ([each.key for each in run.data.metrics], [each.key for each in run.data.params]) == (["loss"], ["p"])
    assert run.info.status is RunStatus.FAILED


async def test_a_lost_run_that_is_heard_from_after_all_is_as_it_was(world: World) -> None:
    before = await world.run()
    await world.lose()
    assert await world.beat() is RunStatus.RUNNING
    assert await world.run() == before


async def test_a_run_that_went_on_may_be_lost_again(world: World) -> None:
    await world.lose()
    await world.lose()
    assert await world.lost() == f"no heartbeat since {BEGAN[:-5]}14:20.000Z"


@pytest.mark.parametrize("status", [RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED])
async def test_a_run_that_a_client_has_ended_stays_as_it_said(world: World, status: RunStatus) -> None:
    await world.beat()
    await world.runs.update(ANYONE, world.run_id, status=status, end_time_ms=BEGAN_MS + 7)
    ended = await world.run()
    assert await world.beat() is status
    await world.pass_s(2 * TIMEOUT_S)
    assert await world.run() == ended
    assert not await world.is_kept()


@pytest.mark.parametrize("status", [RunStatus.FINISHED, RunStatus.FAILED])
async def test_what_a_client_says_of_a_lost_run_is_the_last_word(world: World, status: RunStatus) -> None:
    await world.lose()
    await world.runs.update(ANYONE, world.run_id, status=status)
    assert await world.beat() is status
    assert (await world.status(), await world.lost(), (await world.run()).info.end_time) == (status, None, BEGAN_MS)


async def test_a_client_knows_better_when_its_run_ended(world: World) -> None:
    await world.lose()
    info = await world.runs.update(ANYONE, world.run_id, status=RunStatus.FINISHED, end_time_ms=BEGAN_MS + 7)
    assert info.end_time == BEGAN_MS + 7


async def test_a_lost_run_may_be_resumed_with_or_without_heartbeats(world: World) -> None:
    await world.lose()
    info = await world.runs.update(ANYONE, world.run_id, status=RunStatus.RUNNING)
    assert (info.status, info.end_time, await world.lost()) == (RunStatus.RUNNING, None, None)
    await world.pass_s(2 * TIMEOUT_S)
    assert await world.status() is RunStatus.RUNNING
    await world.lose()


async def test_a_run_that_ended_and_was_resumed_may_send_them_again(world: World) -> None:
    await world.runs.update(ANYONE, world.run_id, status=RunStatus.FINISHED, end_time_ms=BEGAN_MS + 7)
    await world.runs.update(ANYONE, world.run_id, status=RunStatus.RUNNING)
    await world.lose()
    assert (await world.run()).info.end_time == BEGAN_MS


async def test_saying_that_a_run_is_running_or_its_name_leaves_its_heartbeats_alone(world: World) -> None:
    await world.beat()
    await world.runs.update(ANYONE, world.run_id, status=RunStatus.RUNNING)
    await world.runs.update(ANYONE, world.run_id, run_name="new")
    await world.pass_s(TIMEOUT_S)
    assert await world.status() is RunStatus.FAILED
    await world.runs.update(ANYONE, world.run_id, run_name="newer")
    assert (await world.status(), await world.beat()) == (RunStatus.FAILED, RunStatus.RUNNING)


async def test_of_several_processes_the_latest_deadline_counts(world: World) -> None:
    await world.beat(timeout_s=TIMEOUT_S)
    await world.pass_s(10)
    await world.beat(timeout_s=1)
    await world.pass_s(TIMEOUT_S - 11)
    assert await world.status() is RunStatus.RUNNING
    await world.pass_s(1)
    assert (await world.run()).info.end_time == BEGAN_MS + 10_000


async def test_nothing_is_lost_before_a_server_that_starts_could_have_heard_it(world: World) -> None:
    await world.beat()
    world.now_ms += 1000 * TIMEOUT_S * 10
    started = world.new_watch()
    await world.pass_s(TIMEOUT_S - 1, started)
    assert await world.status() is RunStatus.RUNNING
    await world.pass_s(1, started)
    assert (await world.run()).info.end_time == BEGAN_MS


async def test_a_server_that_stood_still_waits_until_it_could_have_heard_runs_again(world: World) -> None:
    await world.beat()
    await world.pass_s(5)
    world.now_ms += 1000 * TIMEOUT_S * 10
    await world.watch.look()
    await world.pass_s(TIMEOUT_S - 1)
    assert await world.status() is RunStatus.RUNNING
    await world.pass_s(1)
    assert await world.status() is RunStatus.FAILED


async def test_a_server_whose_database_was_away_waits_until_it_could_have_heard_runs_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(operation: object) -> None:
        raise Unavailable("The database does not answer.")

    await world.beat()
    with monkeypatch.context() as away:
        away.setattr(world.storage, "look_up", fail)
        await world.pass_s(2 * TIMEOUT_S)
    await world.pass_s(TIMEOUT_S - 1)
    assert await world.status() is RunStatus.RUNNING
    await world.pass_s(1)
    assert await world.status() is RunStatus.FAILED


async def test_a_run_of_somebody_silent_is_not_lost_by_the_haste_of_another(world: World) -> None:
    patient = world.run_id
    await world.beat(timeout_s=TIMEOUT_S)
    world.run_id = await world.new_run()
    await world.beat(timeout_s=5)
    await world.pass_s(5)
    assert await world.status() is RunStatus.FAILED
    world.run_id = patient
    assert await world.status() is RunStatus.RUNNING


async def test_many_lost_runs_are_ended_whoever_else_ends_them(world: World) -> None:
    run_ids = [await world.new_run() for _ in range(20)]
    for run_id in run_ids:
        await world.heartbeats.hear(ANYONE, run_id, timeout_s=TIMEOUT_S)
    watches = [world.new_watch() for _ in range(3)]
    await world.pass_s(TIMEOUT_S - 1, *watches)
    world.now_ms += 1000
    await asyncio.gather(*(watch.look() for watch in watches))
    for world.run_id in run_ids:
        assert (await world.status(), (await world.run()).info.end_time) == (RunStatus.FAILED, BEGAN_MS)


async def test_a_heartbeat_that_comes_while_the_run_is_ended_leaves_it_running(world: World) -> None:
    for _ in range(10):
        await world.beat(timeout_s=STEP_S)
        world.now_ms += 1000 * STEP_S
        await asyncio.gather(world.watch.look(), world.beat(timeout_s=STEP_S), world.beat(timeout_s=STEP_S))
        assert (await world.status(), await world.lost()) == (RunStatus.RUNNING, None)


async def test_a_client_that_ends_a_run_while_the_server_does_has_the_last_word(world: World) -> None:
    for _ in range(10):
        world.run_id = await world.new_run()
        await world.beat(timeout_s=STEP_S)
        world.now_ms += 1000 * STEP_S
        end = world.runs.update(ANYONE, world.run_id, status=RunStatus.FINISHED, end_time_ms=world.now_ms)
        await asyncio.gather(world.watch.look(), end, world.beat(timeout_s=STEP_S))
        info = (await world.run()).info
        assert (info.status, info.end_time, await world.lost()) == (RunStatus.FINISHED, world.now_ms, None)


async def test_a_deleted_run_takes_no_heartbeat_and_is_lost_meanwhile(world: World) -> None:
    await world.beat()
    await world.runs.delete(ANYONE, world.run_id)
    with pytest.raises(InvalidParameter, match="must be in the 'active' state"):
        await world.beat()
    await world.pass_s(TIMEOUT_S)
    assert await world.status() is RunStatus.FAILED
    await world.runs.restore(ANYONE, world.run_id)
    assert await world.beat() is RunStatus.RUNNING


async def test_an_unknown_run_is_not_found(world: World) -> None:
    world.run_id = "f" * 32
    with pytest.raises(NotFound):
        await world.beat()


async def test_a_heartbeat_is_a_write_to_the_runs_experiment(world: World) -> None:
    mine = int(world.experiment_id)
    reader, writer, stranger = (
        Actor("ann", grants=Grants(experiments={number: role.permissions}))
        for number, role in ((mine, Role.READER), (mine, Role.WRITER), (mine + 1, Role.WRITER))
    )
    assert await world.beat(actor=writer) is RunStatus.RUNNING
    with pytest.raises(PermissionDenied):
        await world.beat(actor=reader)
    with pytest.raises(NotFound):
        await world.beat(actor=stranger)


@pytest.mark.parametrize("timeout_s", [0, -1, limits.HEARTBEAT_TIMEOUT_S + 1, 2**63 - 1])
async def test_a_timeout_has_bounds(world: World, timeout_s: int) -> None:
    with pytest.raises(InvalidParameter, match=f"Invalid value {timeout_s} for parameter 'timeout_s'"):
        await world.beat(timeout_s=timeout_s)
    assert not await world.is_kept()


async def test_a_server_ends_lost_runs_by_itself(storage: Storage, world: World) -> None:
    now = Heartbeats(storage)
    now.start()
    await now.hear(ANYONE, world.run_id, timeout_s=1)
    async with asyncio.timeout(20):
        while await world.status() is not RunStatus.FAILED:
            pass
    await now.close()
