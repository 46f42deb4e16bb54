"""Watching for runs that are not heard from any more: each server does, in the background, and ends those.

A server counts only the time that it could have heard a run in. So it ends none before it has run for the run's own
timeout, nor before that has passed again after it, or the database, was away or stood still.
"""

import asyncio
import logging
from contextlib import suppress

from trackback.entities import RunStatus
from trackback.errors import TrackbackError
from trackback.services.clock import Clock, now_ms
from trackback.services.lost_runs import LostRuns
from trackback.storage import Storage, Transaction, heartbeats, runs

PAUSE_S = 1.0
STOOD_STILL_MS = 5000
"""Between two looks: if more time than this has passed, runs may not have been heard."""
ENDED_AT_ONCE = 200
CLOSE_TIMEOUT_S = 2.0

log = logging.getLogger(__name__)


class HeartbeatWatch:
    def __init__(self, storage: Storage, lost_runs: LostRuns, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._lost_runs = lost_runs
        self._clock = clock
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listening_since = self._looked = clock()

    def start(self) -> None:
        """Watch until ``close``."""
        self._listening_since = self._looked = self._clock()
        self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Let what is being written finish, for a moment."""
        self._stop.set()
        if self._task:
            _, late = await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def look(self) -> None:
        """End the runs, or some of them, that should have been heard from by now."""
        now = self._clock()
        if not 0 <= now - self._looked <= STOOD_STILL_MS:
            self._listening_since = now
        self._looked = now
        try:
            for run in await self._storage.look_up(
                lambda tx: heartbeats.overdue(tx, now, now - self._listening_since, ENDED_AT_ONCE)
            ):
                await self._end(run, now)
        except TrackbackError as error:
            self._listening_since = self._clock()
            log.warning("could not look for runs that are not heard from any more: %s", error)

    async def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                await self.look()
            except Exception:
                log.exception("could not look for runs that are not heard from any more")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), PAUSE_S)

    async def _end(self, run: int, now: int) -> None:
        if run_id := await self._storage.write(lambda tx: self._end_overdue(tx, run, now)):
            log.warning("run %s is not heard from any more: it counts as FAILED", run_id)

    def _end_overdue(self, tx: Transaction, number: int, now: int) -> str | None:
        """End the run, unless it was heard from meanwhile, or another server was quicker; its id if so."""
        runs.hold(tx, number)
        run, heartbeat = runs.find_by_number(tx, number), heartbeats.find(tx, number)
        if run is None or heartbeat is None or heartbeat.lost_ms is not None or heartbeat.deadline_ms > now:
            return None
        if run.status != RunStatus.RUNNING:
            heartbeats.forget(tx, number)
            return None
        self._lost_runs.end(tx, run, heartbeat, now)
        return run.uuid
