"""A server's services for webhooks, with a receiver on loopback and little patience."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tests.client.faulty import FaultyServer, Seen
from trackback.artifacts import BlobStore
from trackback.entities import ANYONE, Promotion, Webhook, WebhookDelivery
from trackback.services.clock import Clock, now_ms
from trackback.services.deliverer import Deliverer, Patience
from trackback.services.model_versions import ModelVersions
from trackback.services.promotion_gate import PromotionGate
from trackback.services.promotion_marks import PromotionMarks
from trackback.services.promotion_rules import Environments
from trackback.services.promotion_watch import PromotionWatch
from trackback.services.promotions import Promotions
from trackback.services.registered_models import RegisteredModels
from trackback.services.snapshots import Snapshots
from trackback.services.webhook_addresses import WebhookAddresses
from trackback.services.webhook_history import WebhookHistory
from trackback.services.webhook_sender import WebhookSender
from trackback.services.webhook_settings import PROMOTED, WebhookSettings
from trackback.services.webhooks import Webhooks
from trackback.storage import Storage

T = TypeVar("T")

LOOPBACK = "127.0.0.0/8"
SECRET = "s3cret"
SOON_S = 20.0
PATIENCE = Patience(attempts=3, first_pause_s=0.05, longest_pause_s=0.1, lease_s=3.0, look_every_s=0.02, at_once=4)
SEND_TIMEOUT_S = 1.0


class World:
    def __init__(self, storage: Storage, blobs: BlobStore, clock: Clock = now_ms) -> None:
        self.storage = storage
        self.clock = clock
        environments = Environments(["staging", "production"], [])
        gate = PromotionGate(environments)
        snapshots = Snapshots(blobs, "mlflow-artifacts:/")
        marks = PromotionMarks(gate)
        self.models = RegisteredModels(storage, marks)
        self.versions = ModelVersions(storage, snapshots, marks)
        self.promotions = Promotions(storage, snapshots, gate, PromotionWatch(storage))
        self.webhooks = Webhooks(storage, self.sender(), environments)
        self.history = WebhookHistory(storage)

    def sender(self, timeout_s: float = SEND_TIMEOUT_S) -> WebhookSender:
        return WebhookSender(WebhookAddresses([LOOPBACK]), timeout_s)

    @asynccontextmanager
    async def delivering(self, patience: Patience = PATIENCE, timeout_s: float = SEND_TIMEOUT_S) -> AsyncIterator[None]:
        """Within it a server delivers."""
        deliverer = Deliverer(
            self.storage, self.sender(timeout_s), history_days=30, patience=patience, clock=self.clock
        )
        deliverer.start()
        try:
            yield
        finally:
            await deliverer.close()

    async def hook(self, receiver: FaultyServer, **settings: Any) -> Webhook:
        """A webhook to the receiver, by default for promotions."""
        given = {"name": "hook", "url": f"{receiver.url}/hook", "events": (PROMOTED,), "secret": SECRET, **settings}
        return await self.webhooks.create(ANYONE, WebhookSettings(**given))

    async def model(self, name: str, versions: int = 1) -> None:
        await self.models.create(ANYONE, name)
        for _ in range(versions):
            await self.versions.create(ANYONE, name, "s3://elsewhere/model")

    async def promote(self, subject: str, environment: str = "production") -> Promotion:
        done = await self.promotions.promote(ANYONE, subject, environment, allow_unverified=True)
        assert isinstance(done, Promotion)
        return done

    async def deliveries(self, webhook: Webhook) -> list[WebhookDelivery]:
        """The oldest first."""
        return list((await self.history.search(ANYONE, webhook.webhook_id)).items)[::-1]

    async def settled(self, webhook: Webhook) -> list[WebhookDelivery]:
        """The deliveries, once none is pending."""

        async def look() -> list[WebhookDelivery] | None:
            found = await self.deliveries(webhook)
            return found if all(each.finished for each in found) else None

        return await soon(look)


async def soon(look: Callable[[], Awaitable[T | None]]) -> T:
    """What ``look`` finds, once it finds something."""
    async with asyncio.timeout(SOON_S):
        while not (found := await look()):  # noqa: ASYNC110 - it looks at what another server may have written
            await asyncio.sleep(0.02)
    return found


async def seen(receiver: FaultyServer, number: int) -> list[Seen]:
    """What the receiver was sent, once it is so much."""

    async def look() -> list[Seen] | None:
        return receiver.seen if len(receiver.seen) >= number else None

    return list(await soon(look))


def told(request: Seen) -> dict[str, Any]:
    """What a request says, if its signature is right."""
    assert request.headers["x-mlflow-signature"] == signature(request), request
    found: dict[str, Any] = json.loads(request.body)
    return found


def signature(request: Seen, secret: str = SECRET) -> str:
    """As a receiver computes it, by MLflow's documentation."""
    delivery_id, timestamp = request.headers["x-mlflow-delivery-id"], request.headers["x-mlflow-timestamp"]
    signed = f"{delivery_id}.{timestamp}.{request.body.decode()}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
