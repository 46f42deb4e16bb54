"""The outbox: what happens is written down for each webhook that is to be told of it, with the change itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trackback.entities import Promotion
from trackback.services.webhook_targets import TARGETS, Happening
from trackback.storage import Transaction, webhook_deliveries, webhooks
from trackback.storage.webhook_deliveries import NewDelivery
from trackback.storage.webhooks import PROMOTION, Subscription, WebhookRecord


def tell(tx: Transaction, subscriptions: Sequence[Subscription], data: Mapping[str, Any], now_ms: int) -> None:
    """In the transaction of the change: have these webhooks told of it."""
    told = [
        NewDelivery(webhook.id, event, rendered(webhook, Happening(event, data, now_ms)))
        for webhook, event in subscriptions
    ]
    if told:
        webhook_deliveries.add(tx, told, now_ms)


def promoted(tx: Transaction, promotion: Promotion, now_ms: int) -> None:
    """In the transaction of the entry: have all told of it who want those of its stream and environment."""
    told = [
        promotion_delivery(webhook, promotion)
        for webhook, _ in webhooks.subscriptions(tx, [PROMOTION])
        if concerns(webhook, promotion)
    ]
    if told:
        webhook_deliveries.add(tx, told, now_ms)


def concerns(webhook: WebhookRecord, promotion: Promotion) -> bool:
    """Whether the webhook is for promotions of this stream and environment."""
    return webhook.stream in ("", promotion.stream) and webhook.environment in ("", promotion.environment)


def promotion_delivery(webhook: WebhookRecord, promotion: Promotion) -> NewDelivery:
    happening = Happening(PROMOTION, msgspec.to_builtins(promotion), promotion.time)
    return NewDelivery(webhook.id, PROMOTION, rendered(webhook, happening), promotion.seq)


def rendered(webhook: WebhookRecord, happening: Happening) -> str:
    """What the webhook's target is told."""
    return TARGETS[webhook.target].body(happening, msgspec.json.decode(webhook.options))
