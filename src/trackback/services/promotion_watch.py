"""Waiting for the promotion log to grow, whichever server writes to it."""

import asyncio
import logging

from trackback.errors import TrackbackError
from trackback.storage import Storage, promotions

PAUSE_S = 0.2

log = logging.getLogger(__name__)


class PromotionWatch:
    """Looks at the log's last number as long as somebody waits: one look for all who do."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._last = 0
        self._grown = asyncio.Event()
        self._waiting = 0
        self._watcher: asyncio.Task[None] | None = None
        self.stopped = False

    async def wait(self, after: int, timeout_s: float) -> None:
        """Return when the log has an entry after that number, when the time is over, or when the server stops."""
        self._waiting += 1
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(timeout_s):
                while self._last <= after and not self.stopped:
                    await self._grown.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        """End all waits, so that they hold up no stop."""
        self.stopped = True
        self._wake()

    async def _watch(self) -> None:
        while self._waiting and not self.stopped:
            try:
                last = await self._storage.look_up(promotions.last_number)
            except TrackbackError as error:
                log.warning("could not look at the promotion log: %s", error)
            else:
                if last != self._last:
                    self._last = last
                    self._wake()
            await asyncio.sleep(PAUSE_S)

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
