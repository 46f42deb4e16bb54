"""The model that is served now, and the way from it to another."""

import asyncio
import logging
from dataclasses import dataclass

import msgspec

from trackback.scoring.backlog import Backlog
from trackback.scoring.early import EarlyWorker
from trackback.scoring.messages import start_of
from trackback.scoring.settings import Settings
from trackback.scoring.workers import Workers

SWEEP_S = 0.25

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResolvedModel:
    """What a URI has led to: a version that does not change any more.

    ``name``: the version's own URI, as ``models:/churn/7``. ``digest``: of its files, where it has one.
    ``directory``: where it lies on this machine. ``trusted``: the digests of its pickles that may be loaded; None for
    all of them.
    """

    name: str
    digest: str | None
    directory: str
    trusted: tuple[str, ...] | None = ()


class Health(msgspec.Struct, omit_defaults=True):
    """``problem``: why the model that should be served is not; the one that was is still there. ``accepting``: of a
    server that takes turns with another one, whether it is its turn.
    """

    status: str
    model: str
    digest: str | None
    workers: int
    following: str | None = None
    problem: str | None = None
    accepting: bool | None = None


class Served:
    """``early``: a process that was begun for the first model."""

    def __init__(self, backlog: Backlog, settings: Settings, early: EarlyWorker) -> None:
        self._backlog = backlog
        self._early = early
        self._settings = settings
        self._workers: Workers | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._every: list[Workers] = []
        self.model: ResolvedModel | None = None
        self.moves = 0
        self.problem: str | None = None

    async def move(self, model: ResolvedModel) -> None:
        """Serve ``model`` from now on. What the one before it is at is finished by it. Raises ModelNotLoaded, and
        changes nothing then.
        """
        start = start_of(self._settings, model.directory, model.trusted)
        workers = Workers(start, self._settings.workers, self._backlog, self._early.take(start))
        self._every.append(workers)
        try:
            await workers.launch()
        except BaseException:
            self._every.remove(workers)
            raise
        before, self._workers = self._workers, workers
        before_model, self.model = self.model, model
        workers.open()
        if before and before_model:
            self.moves += 1
            log.info("moved from %s to %s", before_model.name, model.name, extra={"digest": model.digest})
            retiring = asyncio.create_task(self._retire(before))
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)

    async def _retire(self, workers: Workers) -> None:
        await workers.retire()
        self._every.remove(workers)

    @property
    def alive(self) -> int:
        return self._workers.alive if self._workers else 0

    @property
    def health(self) -> Health:
        assert self.model is not None
        return Health(
            "ok" if self.alive else "the model's processes have ended; they are being started again",
            self.model.name,
            self.model.digest,
            self.alive,
            self._settings.model_uri if self._settings.follow else None,
            self.problem,
        )

    async def sweep(self) -> None:
        """Have everybody answered who has waited too long; until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            now = loop.time()
            self._backlog.expire(now)
            for workers in list(self._every):
                workers.expire(now)

    async def close(self) -> None:
        """End all processes."""
        for retiring in self._retiring:
            retiring.cancel()
        await asyncio.gather(*(workers.kill() for workers in self._every), *self._retiring, return_exceptions=True)
