"""Requests that wait for a worker, and the workers that wait for requests.

All of it happens on the event loop. A worker is handed what has come together while all were busy, so that a lone
request waits for nobody, and many at once share one call of the model.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from trackback.errors import Overloaded
from trackback.scoring.messages import Answer, Question

MAX_BATCH_BYTES = 4 << 20

TOO_LATE = Answer(504, b'{"error_code":"DEADLINE_EXCEEDED","message":"Request processing time exceeded limit"}')
CRASHED = Answer(
    500,
    b'{"error_code":"INTERNAL_ERROR","message":"The process of the model ended while it predicted this. '
    b"The server's log may tell more.\"}",
)


class Job:
    """One request on its way to an answer. ``alone``: a worker died with it and others, so it may be the reason."""

    __slots__ = ("alone", "answer", "due", "question")

    def __init__(self, question: Question, due: float, answer: asyncio.Future[Answer]) -> None:
        self.question = question
        self.due = due
        self.answer = answer
        self.alone = False

    def settle(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class Taker(Protocol):
    """A worker, as the backlog sees it: ``take`` is called when it is idle."""

    batches: bool

    def take(self, jobs: Sequence[Job]) -> None: ...


class Backlog:
    """``max_batch``: how many requests a worker is handed at once. ``timeout_s``: how long one may take, with its
    wait.
    """

    def __init__(self, max_waiting: int, max_batch: int, timeout_s: float) -> None:
        self._waiting: deque[Job] = deque()
        self._idle: deque[Taker] = deque()
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._timeout_s = timeout_s
        self._matching = False
        self.batches: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(self, question: Question) -> Answer:
        """Raises Overloaded if too many wait already."""
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(
                f"{self._max_waiting} requests wait for the model already. Repeat this one in a moment, or serve the "
                "model with more --workers."
            )
        loop = asyncio.get_running_loop()
        job = Job(question, loop.time() + self._timeout_s, loop.create_future())
        self._waiting.append(job)
        self._match_soon()
        return await job.answer

    def offer(self, worker: Taker) -> None:
        """The worker is idle."""
        self._idle.append(worker)
        self._match_soon()

    def withdraw(self, worker: Taker) -> None:
        """The worker is no longer there."""
        if worker in self._idle:
            self._idle.remove(worker)

    def give_back(self, jobs: Sequence[Job]) -> None:
        """A worker died with these. One that it had alone is not tried again."""
        if len(jobs) == 1:
            jobs[0].settle(CRASHED)
            return
        for job in reversed(jobs):
            job.alone = True
            self._waiting.appendleft(job)
        self._match_soon()

    def expire(self, now: float) -> None:
        """Answer those that have waited too long."""
        if any(job.due <= now for job in self._waiting):
            for job in self._waiting:
                if job.due <= now:
                    job.settle(TOO_LATE)
            self._waiting = deque(job for job in self._waiting if not job.answer.done())

    def _match_soon(self) -> None:
        """Once all that this turn of the loop brings has been read: requests that came together go together."""
        if not self._matching and self._waiting and self._idle:
            self._matching = True
            asyncio.get_running_loop().call_soon(self._match)

    def _match(self) -> None:
        self._matching = False
        while self._waiting and self._idle:
            worker = self._idle.popleft()
            share = -(-len(self._waiting) // (len(self._idle) + 1))
            if jobs := self._next_jobs(min(share, self._max_batch) if worker.batches else 1):
                self.batches[len(jobs)] = self.batches.get(len(jobs), 0) + 1
                worker.take(jobs)
            else:
                self._idle.appendleft(worker)

    def _next_jobs(self, most: int) -> list[Job]:
        jobs: list[Job] = []
        size = 0
        while self._waiting and len(jobs) < most:
            job = self._waiting[0]
            size += len(job.question.body)
            if jobs and (job.alone or size > MAX_BATCH_BYTES):
                break
            self._waiting.popleft()
            if job.answer.done():
                continue  # its client is gone
            jobs.append(job)
            if job.alone:
                break
        return jobs
