"""Jobs: what a thread does for a coroutine, which awaits the outcome.

The standard library's futures between threads do the same. They cost as much as a small write itself: several locks
for each, where an event loop and a queue need none.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

log = logging.getLogger(__name__)


class Job:
    """Made by the coroutine. A thread leaves ``result`` or ``error``, and then hands the job back."""

    __slots__ = ("error", "future", "loop", "result")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """In the event loop's thread: let the coroutine go on, unless it was cancelled meanwhile."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


J = TypeVar("J", bound=Job)


def hand_back(jobs: Sequence[J], settle: Callable[[J], None] = Job.settle) -> None:
    """From any thread: have each job settled by its event loop."""
    for loop in {job.loop for job in jobs}:
        try:
            loop.call_soon_threadsafe(_settle_all, [job for job in jobs if job.loop is loop], settle)
        except RuntimeError:
            log.warning("%d operations were done after their event loop had ended", len(jobs))


def _settle_all(jobs: Sequence[J], settle: Callable[[J], None]) -> None:
    for job in jobs:
        settle(job)
