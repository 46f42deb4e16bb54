"""Sending: one signed message, and what became of it."""

import asyncio
import base64
import hashlib
import hmac
import logging
from typing import TYPE_CHECKING

from trackback.errors import InvalidParameter
from trackback.services.webhook_addresses import WebhookAddresses
from trackback.services.webhook_answers import Answer
from trackback.services.webhook_targets import TARGETS, Message
from trackback.storage.webhooks import WebhookRecord

if TYPE_CHECKING:
    from trackback.services.webhook_client import WebhookClient

TIMEOUT_S = 10.0
"""For all of it, from the resolver's answer to the body of the receiver's."""

log = logging.getLogger(__name__)


class WebhookSender:
    def __init__(self, addresses: WebhookAddresses, timeout_s: float = TIMEOUT_S) -> None:
        self.addresses = addresses
        self.timeout_s = timeout_s
        self._client: WebhookClient | None = None

    async def send(self, webhook: WebhookRecord, delivery_id: str, body: str, time_ms: int) -> Answer:
        """Send a body to a webhook. Whatever goes wrong is in the answer."""
        try:
            message = TARGETS[webhook.target].message(body, webhook.credential)
            headers = {**message.headers, **_signed(webhook.secret, delivery_id, time_ms // 1000, message)}
            async with asyncio.timeout(self.timeout_s):
                place = await self.addresses.locate(webhook.url)
                return await self._opened().post(place, Message(message.content, headers))
        except TimeoutError:
            return Answer(error=f"There was no answer within {self.timeout_s:g} s.")
        except InvalidParameter as refusal:
            return Answer(error=refusal.message)
        except Exception as error:  # else the attempt would not count, and be made again for ever
            log.exception("could not send delivery %s to webhook %s", delivery_id, webhook.uuid)
            return Answer(error=f"It could not be sent: {type(error).__name__}. The server's log says more.")

    async def close(self) -> None:
        if self._client:
            await self._client.close()

    def _opened(self) -> "WebhookClient":
        if self._client is None:
            from trackback.services.webhook_client import WebhookClient  # noqa: PLC0415 - imports httpx

            self._client = WebhookClient(self.timeout_s)
        return self._client


def _signed(secret: str, delivery_id: str, time_s: int, message: Message) -> dict[str, str]:
    """The headers that MLflow's webhooks have: what is signed is ``id.timestamp.body``."""
    headers = {"X-MLflow-Delivery-Id": delivery_id, "X-MLflow-Timestamp": str(time_s)}
    if secret:
        signed = f"{delivery_id}.{time_s}.".encode() + message.content
        digest = hmac.digest(secret.encode(), signed, hashlib.sha256)
        headers["X-MLflow-Signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers
