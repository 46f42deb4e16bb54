"""Heartbeats: a process says that its run goes on, and by when it will say so again."""

from trackback import limits
from trackback.entities import Actor, RunStatus
from trackback.services.clock import Clock, now_ms
from trackback.services.heartbeat_watch import HeartbeatWatch
from trackback.services.lost_runs import LostRuns
from trackback.services.promotion_tags import NO_PROMOTION_TAGS, PromotionTags
from trackback.services.runs import writable_run
from trackback.storage import Storage, Transaction, heartbeats, runs
from trackback.storage.heartbeats import Heartbeat


class Heartbeats:
    def __init__(
        self, storage: Storage, clock: Clock = now_ms, promotion_tags: PromotionTags = NO_PROMOTION_TAGS
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._lost_runs = LostRuns(promotion_tags)
        self._watch = HeartbeatWatch(storage, self._lost_runs, clock)

    def start(self) -> None:
        """End runs that are not heard from any more, until ``close``."""
        self._watch.start()

    async def close(self) -> None:
        await self._watch.close()

    async def hear(self, actor: Actor, run_id: str, *, timeout_s: int) -> RunStatus:
        """The run is to be heard from again within ``timeout_s`` seconds, or it counts as lost; the status it has now.

        A lost run goes on. Of a run that a client has ended nothing more is expected. Where several processes say
        this of one run, the latest of their deadlines counts.
        Raises NotFound for an unknown run, InvalidParameter for a deleted one or a timeout beyond its bounds.
        """
        timeout_ms = 1000 * limits.check_heartbeat_timeout(timeout_s)
        now = self._clock()

        def operation(tx: Transaction) -> RunStatus:
            number = writable_run(tx, actor, run_id).id
            runs.hold(tx, number)
            run = writable_run(tx, actor, run_id)
            last = heartbeats.find(tx, number)
            if last and last.lost_ms is not None:
                self._lost_runs.take_back(tx, actor, run)
                last = None
            elif run.status != RunStatus.RUNNING:
                return RunStatus(run.status)
            heartbeats.keep(tx, number, _latest(last, Heartbeat(now, timeout_ms, now + timeout_ms)))
            return RunStatus.RUNNING

        return await self._storage.write(operation)


def _latest(last: Heartbeat | None, heartbeat: Heartbeat) -> Heartbeat:
    """What is to be kept: one with a long timeout is not cut short by another's short one."""
    if last is None or heartbeat.deadline_ms >= last.deadline_ms:
        return heartbeat
    return last._replace(heard_ms=max(last.heard_ms, heartbeat.heard_ms))
