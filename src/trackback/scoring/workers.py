"""The processes that hold the model, seen from the server.

A process of its own keeps the server answering whatever a model does: one that hangs is killed at the request's
deadline, one that crashes takes only its own request with it, and a new version loads beside the old one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import cast

from trackback.errors import ModelNotLoaded
from trackback.scoring.backlog import TOO_LATE, Backlog, Job
from trackback.scoring.messages import Frames, Start, decode_answers, decode_started, framed

END_S = 5.0
RESTART_S = (0.5, 1, 2, 4, 8, 15, 30)

log = logging.getLogger(__name__)


class Worker(asyncio.Protocol):
    """One process, which has at most one batch at a time."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._frames = Frames()
        self._jobs: Sequence[Job] = ()
        self._retired = False
        self._transport: asyncio.Transport | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.batches = False
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()

    async def launch(self, start: Start, threads: int | None) -> None:
        """Start the process and have it load the model. Raises ModelNotLoaded."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "trackback.scoring.worker", str(theirs.fileno())),
                stdin=asyncio.subprocess.PIPE,  # never written to: its end tells the process that we are gone
                stdout=2,
                pass_fds=(theirs.fileno(),),
                env=environment_of(threads),
            )
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self, sock=ours)
        transport.write(framed(start))
        await self.started

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

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
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def wait(self) -> int:
        """Wait until the process has ended, and end it if it does not once its connection is closed."""
        assert self._process is not None
        await self.gone.wait()
        try:
            async with asyncio.timeout(END_S):
                return await self._process.wait()
        except TimeoutError:
            self.kill()
            return await self._process.wait()

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
    """All processes of one model. One that ends by itself is replaced."""

    def __init__(self, start: Start, number: int, backlog: Backlog) -> None:
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
        worker = Worker(self._backlog)
        self._workers.add(worker)
        processors = os.cpu_count() or 1
        await worker.launch(self._start, max(1, processors // self._number) if self._number > 1 else None)
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


def environment_of(threads: int | None) -> dict[str, str] | None:
    """Several processes share the processors: numerical libraries would otherwise start a thread for each in each."""
    if threads is None:
        return None
    return {"OMP_NUM_THREADS": str(threads), **os.environ}
