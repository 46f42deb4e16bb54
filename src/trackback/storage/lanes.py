"""Lanes: operations of one kind have threads of their own, so that no other kind can take all of them.

Long reads go apart from short ones and from writes: a few slow searches hold up other searches, and nothing else.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TypeVar

from trackback.errors import Overloaded
from trackback.storage.deadlines import Deadline, TimeLimit, Watchdog
from trackback.storage.interface import Transaction

T = TypeVar("T")
Operation = Callable[[Transaction], T]
Work = Callable[[Operation[T], Deadline], T]

QUEUE_SIZE = 2000
CLOSE_TIMEOUT_S = 2.0

log = logging.getLogger(__name__)


class Lane:
    """Threads that take operations in the order in which they come.

    ``limit`` is the time that an operation may take, and also that which it may wait for its turn: a queue that was
    worked off however late would be made of what nobody waits for any more.
    """

    def __init__(self, name: str, threads: int, limit: TimeLimit) -> None:
        self._threads = ThreadPoolExecutor(threads, name)
        self._size = threads
        self._limit = limit
        self._taken = 0

    @property
    def waiting(self) -> int:
        """How many operations have not begun."""
        return max(0, self._taken - self._size)

    async def run(self, work: Work[T], operation: Operation[T]) -> T:
        """Have a thread do ``work`` on ``operation``. Raises Overloaded if its turn does not come."""
        if self.waiting >= QUEUE_SIZE:
            raise Overloaded(f"{QUEUE_SIZE} requests are waiting for the database already. Repeat the request later.")
        self._taken += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._take_turn, monotonic(), work, operation)
        finally:
            self._taken -= 1

    def close(self, *, wait: bool) -> None:
        """Forget what waits; if told to, return only when what is under way has ended."""
        self._threads.shutdown(wait=wait, cancel_futures=True)

    def _take_turn(self, asked: float, work: Work[T], operation: Operation[T]) -> T:
        if monotonic() - asked > self._limit.seconds:
            raise Overloaded(
                f"The database was busy with other requests for {self._limit.seconds:g} s. Repeat this one later."
            )
        deadline = Deadline(self._limit)
        try:
            return work(operation, deadline)
        finally:
            if deadline.passed:
                name = getattr(operation, "__qualname__", operation)
                log.warning("%s took longer than %g s and was ended", name, self._limit.seconds)


async def close_all(lanes: Sequence[Lane], watchdog: Watchdog) -> None:
    """Return when nothing is under way any more: what does not end soon is interrupted, since nobody waits for it."""
    for lane in lanes:
        lane.close(wait=False)
    ended = asyncio.get_running_loop().run_in_executor(None, _wait_for, lanes)
    _, late = await asyncio.wait([ended], timeout=CLOSE_TIMEOUT_S)
    if late:
        log.warning("the database is still at work on what it was asked last, which is given up")
        watchdog.interrupt_all()
    await ended
    watchdog.close()


def _wait_for(lanes: Sequence[Lane]) -> None:
    for lane in lanes:
        lane.close(wait=True)
