"""When runs' metrics are sealed: in the background, once enough of their points lie unsealed."""

import asyncio
import logging
from functools import partial

from trackback.errors import TrackbackError
from trackback.storage import Storage, sealing
from trackback.storage.sealing import StaleCut

# A reader unpacks all unsealed records of a run, so their number bounds what reading a history costs.
RECORDS = 500
POINTS = 50_000
RUNS_COUNTED = 100_000
CLOSE_TIMEOUT_S = 5

log = logging.getLogger(__name__)


class Sealer:
    """Counts what was logged since a run was last sealed; only a hint, so that it may be lost with the process."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._unsealed: dict[int, tuple[int, int]] = {}
        self._waiting: set[int] = set()
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
            self._enqueue(run)

    def start(self) -> None:
        """Seal, in the background, what an earlier process has left unsealed."""
        self._task = asyncio.create_task(self._seal_left_over())

    async def close(self) -> None:
        """Let what is being swapped finish; the rest stays as it is."""
        self._closing = True
        if self._task:
            _, late = await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()

    def _enqueue(self, run: int) -> None:
        self._waiting.add(run)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._seal_waiting())

    async def _seal_left_over(self) -> None:
        try:
            self._waiting.update(await self._storage.read(lambda tx: sealing.unsealed_runs(tx, RECORDS, POINTS)))
        except TrackbackError as error:
            log.warning("could not look for unsealed metrics: %s", error)
        await self._seal_waiting()

    async def _seal_waiting(self) -> None:
        while self._waiting and not self._closing:
            run = self._waiting.pop()
            try:
                await self.seal(run)
            except TrackbackError as error:
                log.warning("could not seal the metrics of run %d: %s", run, error)
            except Exception:
                log.exception("could not seal the metrics of run %d; their records stay as they are", run)

    async def seal(self, run: int) -> None:
        """Re-cut all unsealed records of a run."""
        while not self._closing and (cut := await self._storage.read(lambda tx: sealing.cut(tx, run))).records:
            try:
                await self._storage.write(partial(sealing.replace, cut=cut))
            except StaleCut:
                log.info("the metrics of run %d are being sealed by another server", run)
                return
