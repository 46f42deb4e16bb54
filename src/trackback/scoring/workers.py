"""The processes that hold the model, seen from the server.

A process of its own keeps the server answering whatever a model does: one that hangs is killed at the request's
deadline, one that crashes takes only its own request with it, and a new version loads beside the old one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

from trackback.errors import ModelNotLoaded
from trackback.scoring.backlog import TOO_LATE, Backlog, Job
from trackback.scoring.early import MODULE
from trackback.scoring.messages import Frames, Start, decode_answers, decode_started, framed
from trackback.scoring.processes import ModelProcess, threads_each

END_S = 5.0
RESTART_S = (0.5, 1, 2, 4, 8, 15, 30)

log = logging.getLogger(__name__)


class Worker(asyncio.Protocol):
    """One process, which has at most one batch at a time."""

    def __init__(self, backlog: Backlog, process: ModelProcess) -> None:
        self._backlog = backlog
        self._process = process
        self._frames = Frames()
        self._jobs: Sequence[Job] = ()
        self._retired = False
        self._transport: asyncio.Transport | None = None
        self.batches = False
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()

    async def launch(self, start: Start | None) -> None:
        """Have the process load a model; None, if it was told to. Raises ModelNotLoaded."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self, sock=self._process.connection)
        if start:
            transport.write(framed(start))
        await self.started

    @property
    def pid(self) -> int:
        return self._process.pid

    def offer(self) -> None:
        """Be there for requests from now on."""
        self._backlog.offer(self)

    def take(self, jobs: Sequence[Job]) -> None:
        assert self._transport is not None
        self._jobs = jobs
        self._transport.write(framed([job.question for job in jobs]))

    def retire(self) -> None:
        """End the process as soon as it has answered what it has."""
        self._retired = True
        self._backlog.withdraw(self)
        if not self._jobs and self._transport:
            self._transport.close()

    def expire(self, now: float) -> None:
        """Answer what has taken too long. A process with nothing else to do is still at it: it is killed."""
        if self._jobs:
            for job in self._jobs:
                if job.due <= now:
                    job.settle(TOO_LATE)
            if all(job.answer.done() for job in self._jobs):
                log.error("worker %d is killed: a prediction took longer than a request may", self.pid)
                self._jobs = ()
                self.kill()

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        """Wait until the process has ended, and end it if it does not once its connection is closed."""
        await self.gone.wait()
        return await asyncio.to_thread(self._process.wait, END_S)

    # What the connection calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of no such class

    def data_received(self, data: bytes) -> None:
        for message in self._frames.feed(data):
            if self.started.done():
                self._answered(message)
            else:
                self._has_started(message)

    def connection_lost(self, error: Exception | None) -> None:
        self._backlog.withdraw(self)
        self.gone.set()
        if not self.started.done():
            self.started.set_exception(ModelNotLoaded("The process that was to load the model ended before it had."))
        if self._jobs:
            self._backlog.give_back(self._jobs)
            self._jobs = ()

    def _has_started(self, message: bytes) -> None:
        started = decode_started(message)
        if started.problem is not None:
            self.started.set_exception(ModelNotLoaded(started.problem))
            return
        self.batches = started.batches
        self.started.set_result(None)

    def _answered(self, message: bytes) -> None:
        jobs, self._jobs = self._jobs, ()
        for job, answer in zip(jobs, decode_answers(message), strict=bool(jobs)):
            job.settle(answer)
        if self._retired:
            assert self._transport is not None
            self._transport.close()
        else:
            self._backlog.offer(self)


class Workers:
    """All processes of one model. One that ends by itself is replaced. ``early``: one that was told ``start``."""

    def __init__(self, start: Start, number: int, backlog: Backlog, early: ModelProcess | None = None) -> None:
        self._early = early
        self._start = start
        self._number = number
        self._backlog = backlog
        self._workers: set[Worker] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._retired = False

    @property
    def alive(self) -> int:
        """How many have the model loaded."""
        return sum(worker.started.done() and not worker.gone.is_set() for worker in self._workers)

    async def launch(self) -> None:
        """Load the model in all of them. Raises ModelNotLoaded, and leaves none behind then."""
        launches = [asyncio.create_task(self._launch_one()) for _ in range(self._number)]
        try:
            await asyncio.gather(*launches)
        except BaseException:
            for launch in launches:
                launch.cancel()
            await asyncio.gather(*launches, return_exceptions=True)
            await self.kill()
            raise

    def open(self) -> None:
        """Take requests from the backlog."""
        for worker in self._workers:
            worker.offer()
            self._keepers.append(asyncio.create_task(self._keep(worker)))

    def expire(self, now: float) -> None:
        for worker in list(self._workers):
            worker.expire(now)

    async def retire(self) -> None:
        """Let them finish what they have, and wait for their end."""
        self._retired = True
        for worker in list(self._workers):
            worker.retire()
        await asyncio.gather(*(worker.wait() for worker in self._workers), return_exceptions=True)
        await self.kill()

    async def kill(self) -> None:
        self._retired = True
        for worker in list(self._workers):
            worker.kill()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, *(worker.wait() for worker in self._workers), return_exceptions=True)

    async def _launch_one(self) -> Worker:
        """Raises ModelNotLoaded."""
        early, self._early = self._early, None
        worker = Worker(self._backlog, early or ModelProcess(MODULE, threads_each(self._number)))
        self._workers.add(worker)
        await worker.launch(None if early else self._start)
        return worker

    async def _keep(self, worker: Worker) -> None:
        """Wait for the end of a process, and start another in its place unless that was wanted."""
        while True:
            code = await worker.wait()
            self._workers.discard(worker)
            if self._retired:
                return
            log.error("worker %d has ended by itself with %d; another one takes its place", worker.pid, code)
            worker = await self._replace()
            worker.offer()

    async def _replace(self) -> Worker:
        failures = 0
        while True:
            before = set(self._workers)
            try:
                return await self._launch_one()
            except ModelNotLoaded as error:
                self._workers &= before
                pause_s = RESTART_S[min(failures, len(RESTART_S) - 1)]
                failures += 1
                log.error("a worker could not be started again, next try in %g s: %s", pause_s, error.message)
                await asyncio.sleep(pause_s)
