"""Moves with an alias: asks what it stands for, and has that served."""

import asyncio
import logging
from collections.abc import Callable

from trackback.errors import TrackbackError
from trackback.scoring.served import ResolvedModel, Served

FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 600.0

log = logging.getLogger(__name__)


class Follower:
    """``resolve``: finds what the alias stands for now, and fetches it; called in a thread, every ``every_s`` seconds.

    Whatever goes wrong, the model that is served stays. A version that can't be loaded is tried again, after pauses
    that grow: the next attempt may find a library installed, but each costs as much as a load.
    """

    def __init__(self, served: Served, resolve: Callable[[], ResolvedModel], every_s: float) -> None:
        self._served = served
        self._resolve = resolve
        self._every_s = every_s
        self._refused: ResolvedModel | None = None
        self._pause_s = FIRST_PAUSE_S
        self._again = 0.0

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.look()
            except Exception as error:
                if not isinstance(error, TrackbackError):
                    log.exception("could not follow the alias")
                self._note(str(error) or type(error).__name__)

    async def look(self) -> None:
        """Serve what the alias stands for, if that is another model. Raises TrackbackError if it can't be."""
        model = await asyncio.to_thread(self._resolve)
        if model == self._served.model:
            self._refused = None
            self._note(None)
            return
        now = asyncio.get_running_loop().time()
        if model == self._refused and now < self._again:
            return
        if model != self._refused:
            self._pause_s = FIRST_PAUSE_S
        try:
            await self._served.move(model)
        except TrackbackError as error:
            self._refused, self._again = model, now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            assert self._served.model is not None
            self._note(f"{model.name} can't be served, so {self._served.model.name} still is: {error.message}")
            return
        self._note(None)

    def _note(self, problem: str | None) -> None:
        """Say it in /health, and in the log if it is new."""
        if problem != self._served.problem:
            if problem:
                log.error("%s", problem)
            elif self._served.problem:
                log.info("the problem is over: %s", self._served.problem)
            self._served.problem = problem
