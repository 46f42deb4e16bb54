"""Lanes: operations wait for a thread in order, and one that nobody waits for any more is not begun."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from trackback.storage.deadlines import Deadline, TimeLimit, too_slow
from trackback.storage.interface import Transaction
from trackback.storage.lanes import Lane, Operation

THREADS = 2


def operation(tx: Transaction) -> None:
    """Lanes pass it on, and look at its name only."""


class Door:
    """Work that waits until the door is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun = 0
        self._beginnings = threading.Semaphore(0)
        self.threads: set[str] = set()

    def work(self, operation: Operation[None], deadline: Deadline) -> None:
        self.begun += 1
        self.threads.add(threading.current_thread().name)
        self._beginnings.release()
        assert self.open.wait(10)

    async def until_begun(self, count: int) -> None:
        for _ in range(count):
            assert await asyncio.to_thread(self._beginnings.acquire, timeout=10)


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    lane = Lane("lane", THREADS, TimeLimit(10.0, too_slow))
    yield lane
    lane.forget()
    await asyncio.to_thread(lane.join)


async def test_it_has_as_many_threads_as_were_ever_needed_at_once(lane: Lane) -> None:
    one, many = Door(), Door()
    one.open.set()
    for _ in range(5):
        await lane.run(one.work, operation)
    assert one.threads == {"lane_0"}
    tasks = [asyncio.create_task(lane.run(many.work, operation)) for _ in range(5)]
    await many.until_begun(THREADS)
    assert lane.waiting == 5 - THREADS
    many.open.set()
    await asyncio.gather(*tasks)
    assert (many.begun, len(many.threads), lane.waiting) == (5, THREADS, 0)


async def test_what_nobody_waits_for_any_more_is_not_begun(lane: Lane) -> None:
    door = Door()
    tasks = [asyncio.create_task(lane.run(door.work, operation)) for _ in range(THREADS + 2)]
    await door.until_begun(THREADS)
    tasks[THREADS].cancel()
    await asyncio.sleep(0)
    door.open.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in ended] == [type(None)] * THREADS + [asyncio.CancelledError, type(None)]
    assert (door.begun, lane.waiting) == (THREADS + 1, 0)


async def test_once_it_ends_what_is_under_way_is_finished_and_what_waits_is_cancelled() -> None:
    lane, door = Lane("lane", THREADS, TimeLimit(10.0, too_slow)), Door()
    tasks = [asyncio.create_task(lane.run(door.work, operation)) for _ in range(THREADS + 1)]
    await door.until_begun(THREADS)
    lane.forget()
    door.open.set()
    await asyncio.to_thread(lane.join)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in ended] == [type(None)] * THREADS + [asyncio.CancelledError]


async def test_an_error_goes_to_who_asked_and_the_thread_goes_on(lane: Lane) -> None:
    def fail(operation: Operation[None], deadline: Deadline) -> None:
        raise SystemExit("nobody foresaw this")

    with pytest.raises(SystemExit, match="nobody foresaw this"):
        await lane.run(fail, operation)
    door = Door()
    door.open.set()
    await lane.run(door.work, operation)
    assert door.threads == {"lane_0"}
