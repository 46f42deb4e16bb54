"""Lanes: operations of one kind have threads of their own, so that no other kind can take all of them.

Long reads go apart from short ones and from writes: a few slow searches hold up other searches, and nothing else.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

from trackback.errors import Overloaded
from trackback.storage.deadlines import Deadline, TimeLimit, Watchdog
from trackback.storage.interface import Transaction
from trackback.storage.jobs import Job, hand_back

T = TypeVar("T")
Operation = Callable[[Transaction], T]
Work = Callable[[Operation[T], Deadline], T]

QUEUE_SIZE = 2000
CLOSE_TIMEOUT_S = 2.0

log = logging.getLogger(__name__)


class _Turn(Job):
    __slots__ = ("asked", "operation", "work")

    def __init__(self, work: Work[Any], operation: Operation[Any]) -> None:
        super().__init__()
        self.work = work
        self.operation = operation
        self.asked = monotonic()


class Lane:
    """Threads that take operations in the order in which they come. They are begun when there is something for them.

    ``limit`` is the time that an operation may take, and also that which it may wait for its turn: a queue that was
    worked off however late would be made of what nobody waits for any more.
    """

    def __init__(self, name: str, threads: int, limit: TimeLimit) -> None:
        self._name = name
        self._size = threads
        self._limit = limit
        self._threads: list[Thread] = []
        self._turns: SimpleQueue[_Turn | None] = SimpleQueue()
        self._taken = 0

    @property
    def waiting(self) -> int:
        """How many operations have not begun."""
        return max(0, self._taken - self._size)

    async def run(self, work: Work[T], operation: Operation[T]) -> T:
        """Have a thread do ``work`` on ``operation``. Raises Overloaded if its turn does not come."""
        if self.waiting >= QUEUE_SIZE:
            raise Overloaded(f"{QUEUE_SIZE} requests are waiting for the database already. Repeat the request later.")
        turn = _Turn(work, operation)
        self._taken += 1
        self._turns.put(turn)
        if len(self._threads) < min(self._taken, self._size):
            self._begin_thread()
        result: T = await turn.future
        return result

    def forget(self) -> None:
        """Begin nothing more: what waits is cancelled, and each thread ends when it is done. In the loop's thread."""
        with suppress(Empty):
            while (turn := self._turns.get_nowait()) is not None:
                turn.future.cancel()
        for _ in self._threads:
            self._turns.put(None)

    def join(self) -> None:
        """Return when nothing is under way any more."""
        for thread in self._threads:
            thread.join()

    def _begin_thread(self) -> None:
        name = f"{self._name}_{len(self._threads)}"
        thread = Thread(target=self._take_turns, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _take_turns(self) -> None:
        while (turn := self._turns.get()) is not None:
            if not turn.future.cancelled():
                self._take(turn)
            hand_back([turn], self._end)
            del turn  # and what it found, which may be much

    def _take(self, turn: _Turn) -> None:
        try:
            if monotonic() - turn.asked > self._limit.seconds:
                raise Overloaded(
                    f"The database was busy with other requests for {self._limit.seconds:g} s. Repeat this one later."
                )
            turn.result = self._work(turn)
        except BaseException as error:  # noqa: BLE001 - the thread's edge: it goes to whoever waits
            turn.error = error

    def _work(self, turn: _Turn) -> Any:
        deadline = Deadline(self._limit)
        try:
            return turn.work(turn.operation, deadline)
        finally:
            if deadline.passed:
                name = getattr(turn.operation, "__qualname__", turn.operation)
                log.warning("%s took longer than %g s and was ended", name, self._limit.seconds)

    def _end(self, turn: _Turn) -> None:
        self._taken -= 1
        turn.settle()


async def close_all(lanes: Sequence[Lane], watchdog: Watchdog) -> None:
    """Return when nothing is under way any more: what does not end soon is interrupted, since nobody waits for it."""
    for lane in lanes:
        lane.forget()
    ended = asyncio.get_running_loop().run_in_executor(None, _wait_for, lanes)
    _, late = await asyncio.wait([ended], timeout=CLOSE_TIMEOUT_S)
    if late:
        log.warning("the database is still at work on what it was asked last, which is given up")
        watchdog.interrupt_all()
    await ended
    watchdog.close()


def _wait_for(lanes: Sequence[Lane]) -> None:
    for lane in lanes:
        lane.join()
