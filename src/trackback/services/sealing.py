"""When runs' metrics are sealed: in the background, once enough of their points lie unsealed.

What one process logs it counts. What an earlier one has left is noticed when somebody reads it: only then does it
matter, and looking for it at the start took a look at every record of every run.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from trackback import limits
from trackback.errors import TrackbackError
from trackback.storage import Storage, sealing, summaries
from trackback.storage.sealing import StaleCut

# A reader unpacks all unsealed records of a run, so their number bounds what reading a history costs.
RECORDS = 500
POINTS = 50_000
RUNS_COUNTED = 100_000
RUNS_LOOKED_AT = 10_000
CLOSE_TIMEOUT_S = 5

log = logging.getLogger(__name__)


class Sealer:
    """What it knows of a run is only a hint, so that it may be forgotten, and lost with the process."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._unsealed: dict[int, tuple[int, int]] = {}
        self._looked_at: set[str] = set()
        self._to_look_at: set[str] = set()
        self._waiting: set[int] = set()
        self._to_summarize: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def count(self, run: int, points: int) -> None:
        """So many points more, in one record."""
        records, total = self._unsealed.get(run, (0, 0))
        records, total = records + 1, total + points
        if len(self._unsealed) > RUNS_COUNTED:
            self._unsealed.clear()
        self._unsealed[run] = (records, total)
        if records >= RECORDS or total >= POINTS:
            del self._unsealed[run]
            self._waiting.add(run)
            self._go_on()

    def look_at(self, run_ids: Iterable[str]) -> None:
        """Their histories are read: see whether an earlier process has left much of them unsealed. Once is enough."""
        fresh = {run_id for run_id in run_ids if run_id not in self._looked_at and limits.is_run_id(run_id)}
        if not fresh:
            return
        if len(self._looked_at) + len(fresh) > RUNS_LOOKED_AT:
            self._looked_at.clear()
        self._looked_at |= fresh
        self._to_look_at |= fresh
        self._go_on()

    async def close(self) -> None:
        """Let what is being swapped finish; the rest stays as it is."""
        self._closing = True
        if self._task:
            _, late = await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()

    def _go_on(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while (self._to_look_at or self._waiting or self._to_summarize) and not self._closing:
            if self._to_look_at:
                await self._look()
            elif self._waiting:
                await self._logged(self.seal, self._waiting.pop())
            else:
                await self._logged(self.summarize, self._to_summarize.pop())

    async def _look(self) -> None:
        run_ids, self._to_look_at = sorted(self._to_look_at), set()
        try:
            self._waiting.update(await self._storage.read(lambda tx: sealing.due(tx, run_ids, RECORDS, POINTS)))
            self._to_summarize.update(await self._storage.read(lambda tx: sealing.lacking_summaries(tx, run_ids)))
        except TrackbackError as error:
            log.warning("could not look for unsealed metrics: %s", error)

    async def _logged(self, work: Callable[[int], Awaitable[None]], run: int) -> None:
        """Do what nobody waits for the outcome of."""
        try:
            await work(run)
        except TrackbackError as error:
            log.warning("could not seal the metrics of run %d: %s", run, error)
        except Exception:
            log.exception("could not seal the metrics of run %d; their records stay as they are", run)

    async def seal(self, run: int) -> None:
        """Re-cut the unsealed records that a run has by now; those that come meanwhile are few, and wait for others."""
        is_partial = True
        while is_partial and not self._closing:
            cut = await self._storage.read(lambda tx: sealing.cut(tx, run))
            is_partial = cut.is_partial
            if not cut.records:
                return
            try:
                await self._storage.write(partial(sealing.replace, cut=cut))
            except StaleCut:
                log.info("the metrics of run %d are being sealed by another server", run)
                return

    async def summarize(self, run: int) -> None:
        """Sum up the chunks of a run that were sealed before there were summaries."""
        while not self._closing and (found := await self._storage.read(lambda tx: sealing.summarize(tx, run))):
            await self._storage.write(partial(summaries.add, run=run, summaries=found))
