"""What webhooks were told, read by admins, who may have it told again."""

from typing import NamedTuple, TypeVar

from trackback import limits
from trackback.entities import Actor, DeliveryStatus, Permission, WebhookDelivery
from trackback.errors import InvalidState, NotFound
from trackback.limits import shown
from trackback.services import access, events, pages
from trackback.services.clock import Clock, now_ms
from trackback.services.webhook_settings import PROMOTED, existing, note
from trackback.storage import Storage, Transaction, promotion_log, webhook_deliveries, webhook_queue, webhooks
from trackback.storage.promotion_log import Scope
from trackback.storage.webhook_deliveries import DeliveryQuery

D = TypeVar("D")


class Replay(NamedTuple):
    """How many promotions are told again; ``next_seq`` is where to go on, None if that was all."""

    replayed: int
    next_seq: int | None


class WebhookHistory:
    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def search(
        self,
        actor: Actor,
        webhook_id: str,
        *,
        status: DeliveryStatus | None = None,
        max_results: int = limits.WEBHOOK_DELIVERIES_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[WebhookDelivery]:
        """What a webhook was told, and is to be told, without the bodies: the newest first; of one status or of all."""
        access.require(actor, Permission.ADMIN)
        limits.check_max_results(max_results, limits.WEBHOOK_DELIVERIES_PER_PAGE)
        before = pages.decode(page_token) if page_token else None

        def operation(tx: Transaction) -> pages.Page[WebhookDelivery]:
            webhook = existing(webhooks.find(tx, webhook_id), webhook_id)
            found = webhook_deliveries.search(tx, DeliveryQuery(webhook.id, max_results + 1, status, before))
            page = found[:max_results]
            token = pages.encode(page[-1].number) if len(found) > max_results else None
            return pages.Page([each.delivery for each in page], token)

        return await self._storage.read(operation)

    async def get(self, actor: Actor, webhook_id: str, delivery_id: str) -> WebhookDelivery:
        """A delivery with the body that was sent."""
        access.require(actor, Permission.ADMIN)

        def operation(tx: Transaction) -> WebhookDelivery:
            webhook = existing(webhooks.find(tx, webhook_id), webhook_id)
            return _existing(webhook_deliveries.find(tx, webhook.id, delivery_id), delivery_id)

        return await self._storage.look_up(operation)

    async def replay(self, actor: Actor, webhook_id: str, delivery_id: str) -> WebhookDelivery:
        """Deliver the same again, under an id of its own, after what is waiting already."""
        access.require(actor, Permission.ADMIN)
        now = self._clock()

        def operation(tx: Transaction) -> WebhookDelivery:
            webhook = existing(webhooks.hold(tx, webhook_id), webhook_id)
            before = webhook_deliveries.find_body(tx, webhook.id, delivery_id)
            new = _existing(before, delivery_id)
            (again,) = webhook_deliveries.add(tx, [new], now)
            webhook_queue.hurry(tx, webhook.id)
            note(tx, actor, "replay", webhook, now, delivery=delivery_id)
            return _existing(webhook_deliveries.find(tx, webhook.id, again), again)

        return await self._storage.write(operation)

    async def replay_from(self, actor: Actor, webhook_id: str, from_seq: int) -> Replay:
        """Tell it again of the promotions from a number of the log on, as the log has them: up to so many at once."""
        access.require(actor, Permission.ADMIN)
        limits.check_int64(from_seq, "from_seq")
        now = self._clock()

        def operation(tx: Transaction) -> Replay:
            webhook = existing(webhooks.hold(tx, webhook_id), webhook_id)
            if PROMOTED not in webhooks.events_of(tx, [webhook.id])[webhook.id]:
                raise InvalidState(
                    f"The webhook {webhook.name!r} is not told of promotions. Replay its deliveries by their ids."
                )
            scope = Scope([webhook.stream] if webhook.stream else None, webhook.environment or None)
            entries = promotion_log.log(tx, scope, max(from_seq, 1) - 1, limits.PROMOTIONS_PER_REPLAY)
            if entries:
                webhook_deliveries.add(tx, [events.promotion_delivery(webhook, entry) for entry in entries], now)
            webhook_queue.hurry(tx, webhook.id)
            note(tx, actor, "replay", webhook, now, from_seq=from_seq, promotions=len(entries))
            more = len(entries) == limits.PROMOTIONS_PER_REPLAY
            return Replay(len(entries), entries[-1].seq + 1 if more else None)

        return await self._storage.write(operation)


def _existing(delivery: D | None, delivery_id: str) -> D:
    if delivery is None:
        raise NotFound(f"There is no delivery {shown(delivery_id)} of this webhook. Old ones are forgotten.")
    return delivery
