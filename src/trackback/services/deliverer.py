"""Delivering: each server sends, in the background, what webhooks are to be told.

A webhook's deliveries go out one after the other, in the order of what happened; one that fails is tried again, with
pauses that grow, and holds up those behind it until it is given up. No transaction is open while something is sent.
A delivery may arrive twice, after a crash, under the same id; none is lost.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple
from uuid import uuid4

from trackback.entities import DeliveryStatus
from trackback.errors import TrackbackError
from trackback.services.clock import Clock, now_ms
from trackback.services.webhook_answers import Answer
from trackback.services.webhook_sender import WebhookSender
from trackback.storage import Storage, Transaction, webhook_deliveries, webhook_queue
from trackback.storage.webhook_queue import Attempt, Claim, Lease

CLOSE_TIMEOUT_S = 2.0
PRUNE_PAUSE_S = 3600.0
PRUNED_AT_ONCE = 500
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS

log = logging.getLogger(__name__)


class Patience(NamedTuple):
    """``attempts``: after how many a delivery is given up; the pauses between them double up to a longest.

    ``lease_s``: how long a server that says nothing more keeps others from a webhook. It is longer than any sending
    takes, by more than the clocks of servers differ.
    """

    attempts: int = 16
    first_pause_s: float = 1.0
    longest_pause_s: float = 600.0
    lease_s: float = 30.0
    look_every_s: float = 0.5
    at_once: int = 16

    def pause_s(self, attempts: int) -> float:
        """After so many attempts that failed; up to a fifth longer, so that not all come back at the same moment."""
        pause = min(self.first_pause_s * 2.0 ** min(attempts - 1, 30), self.longest_pause_s)
        return pause * random.uniform(1.0, 1.2)


class Deliverer:
    def __init__(
        self,
        storage: Storage,
        sender: WebhookSender,
        *,
        history_days: float,
        patience: Patience | None = None,
        clock: Clock = now_ms,
    ) -> None:
        self._storage = storage
        self._sender = sender
        self._history_ms = int(history_days * DAY_MS)
        self._patience = patience or Patience()
        self._clock = clock
        self._holder = uuid4().hex
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._sending: dict[int, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Deliver, and forget old deliveries, until ``close``."""
        self._tasks = [asyncio.create_task(self._deliver()), asyncio.create_task(self._prune())]

    async def close(self) -> None:
        """Let what is being sent arrive, for a moment; the rest goes out when a server runs again."""
        self._stop.set()
        sending = list(self._sending.values())
        if under_way := [*self._tasks, *sending]:
            _, late = await asyncio.wait(under_way, timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            if not late.isdisjoint(sending):
                await self._give_up_leases()
        await self._sender.close()

    async def _give_up_leases(self) -> None:
        """So that another server need not wait for them to run out, as it does when the database hangs now."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._guarded(self._storage.write(lambda tx: webhook_queue.release_all(tx, self._holder)))

    async def _deliver(self) -> None:
        while not self._stop.is_set():
            await self._guarded(self._begin_due())
            await self._pause(self._patience.look_every_s)

    async def _begin_due(self) -> None:
        """Begin to empty the queues of webhooks that nobody holds."""
        room = self._patience.at_once - len(self._sending)
        if room <= 0:
            return
        now = self._clock()
        for webhook in await self._storage.look_up(lambda tx: webhook_queue.due(tx, now, room)):
            if webhook not in self._sending:
                self._sending[webhook] = asyncio.create_task(self._guarded(self._empty(webhook)))

    async def _empty(self, webhook: int) -> None:
        """Send what is in a webhook's queue, until something fails or nothing is left."""
        now = self._clock()
        lease = self._lease(now)
        try:
            claim = await self._storage.write(lambda tx: webhook_queue.claim(tx, webhook, lease, now))
            while claim:
                claim = await self._send(claim)
        finally:
            del self._sending[webhook]

    async def _send(self, claim: Claim) -> Claim | None:
        """Send the head of a queue, and note how that went; what is to be sent next, if anything is."""
        began = self._clock()
        if began + self._sender.timeout_s * 1000 >= claim.until_ms:
            return None  # the lease may run out before the answer comes, so somebody else is to send it
        answer = await self._sender.send(claim.webhook, claim.delivery.uuid, claim.delivery.body, began)
        status = self._status(claim, answer)
        if status is DeliveryStatus.FAILED:
            what = answer.error or f"it answered with {answer.status}"
            log.warning("gave up delivery %s to webhook %s: %s", claim.delivery.uuid, claim.webhook.uuid, what)
        return await self._storage.write(lambda tx: self._settle(tx, claim, answer, status))

    def _settle(self, tx: Transaction, claim: Claim, answer: Answer, status: DeliveryStatus) -> Claim | None:
        now = self._clock()
        attempt = Attempt(status, now, answer.status, answer.body, answer.error)
        webhook_queue.settle(tx, claim, attempt, self._holder)
        if status is DeliveryStatus.PENDING:
            pause_s = max(self._patience.pause_s(claim.delivery.attempts + 1), answer.retry_after_s)
            webhook_queue.release(tx, claim.webhook.id, self._holder, now + int(pause_s * 1000))
            return None
        if self._stop.is_set():
            webhook_queue.release(tx, claim.webhook.id, self._holder, now)
            return None
        return webhook_queue.go_on(tx, claim.webhook.id, self._lease(now))

    def _status(self, claim: Claim, answer: Answer) -> DeliveryStatus:
        if answer.delivered:
            return DeliveryStatus.DELIVERED
        given_up = claim.delivery.attempts + 1 >= self._patience.attempts
        return DeliveryStatus.FAILED if given_up else DeliveryStatus.PENDING

    def _lease(self, now: int) -> Lease:
        return Lease(self._holder, now + int(self._patience.lease_s * 1000))

    async def _prune(self) -> None:
        while not self._stop.is_set():
            await self._guarded(self._forget())
            await self._pause(PRUNE_PAUSE_S)

    async def _forget(self) -> None:
        """Forget deliveries that ended long ago, and those of webhooks that are gone; give up what waited so long."""
        now = self._clock()
        before = now - self._history_ms
        await self._repeat(lambda tx: webhook_deliveries.prune_deleted(tx, now - HOUR_MS, PRUNED_AT_ONCE))
        await self._repeat(lambda tx: webhook_deliveries.prune(tx, before, PRUNED_AT_ONCE))
        given_up = await self._repeat(lambda tx: webhook_deliveries.give_up(tx, before, now, PRUNED_AT_ONCE))
        if given_up:
            days = self._history_ms / DAY_MS
            log.warning("gave up %d deliveries to webhooks that had waited for more than %g days", given_up, days)

    async def _repeat(self, some: Callable[[Transaction], int]) -> int:
        """Do it a few rows at a time until none is left, or the server stops; to how many rows it was done."""
        done = 0
        while not self._stop.is_set():
            rows = await self._storage.write(some)
            done += rows
            if rows < PRUNED_AT_ONCE:
                break
        return done

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Whatever goes wrong is tried again later."""
        try:
            await work
        except TrackbackError as error:
            log.warning("webhooks have to wait: %s", error)
        except Exception:
            log.exception("webhooks have to wait")
