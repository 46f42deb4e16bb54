"""Sending: one signed request, to an address that was looked at, and what became of it."""

import asyncio
import base64
import hashlib
import hmac
import logging
from typing import NamedTuple

import httpx

from trackback import __version__
from trackback.errors import InvalidParameter
from trackback.services.webhook_addresses import Place, WebhookAddresses
from trackback.services.webhook_targets import TARGETS, Message
from trackback.storage.webhooks import WebhookRecord

TIMEOUT_S = 10.0
"""For all of it, from the resolver's answer to the body of the receiver's."""
CONNECT_TIMEOUT_S = 3.0
ADDRESSES_TRIED = 4
ANSWER_BYTES = 2048
"""So much of a receiver's answer is kept."""
RETRY_AFTER_MAX_S = 3600

log = logging.getLogger(__name__)

_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout)


class Answer(NamedTuple):
    """What became of a request. ``status`` is None if there was no answer, ``error`` then says why.

    ``retry_after_s``: how long the receiver asks to be left alone.
    """

    status: int | None = None
    body: str | None = None
    error: str | None = None
    retry_after_s: int = 0

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class WebhookSender:
    def __init__(self, addresses: WebhookAddresses, timeout_s: float = TIMEOUT_S) -> None:
        self.addresses = addresses
        self.timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    async def send(self, webhook: WebhookRecord, delivery_id: str, body: str, time_ms: int) -> Answer:
        """Send a body to a webhook. Whatever goes wrong is in the answer."""
        try:
            message = TARGETS[webhook.target].message(body, webhook.credential)
            headers = {**message.headers, **_signed(webhook.secret, delivery_id, time_ms // 1000, message)}
            async with asyncio.timeout(self.timeout_s):
                place = await self.addresses.locate(webhook.url)
                return await self._post(place, Message(message.content, headers))
        except TimeoutError:
            return Answer(error=f"There was no answer within {self.timeout_s:g} s.")
        except InvalidParameter as refusal:
            return Answer(error=refusal.message)
        except httpx.HTTPError as error:
            return Answer(error=f"There was no answer: {str(error) or type(error).__name__}")
        except Exception as error:  # else the attempt would not count, and be made again for ever
            log.exception("could not send delivery %s to webhook %s", delivery_id, webhook.uuid)
            return Answer(error=f"It could not be sent: {type(error).__name__}. The server's log says more.")

    async def close(self) -> None:
        if self._client:
            await self._client.aclose()

    async def _post(self, place: Place, message: Message) -> Answer:
        tried = place.addresses[:ADDRESSES_TRIED]
        for address in tried[:-1]:
            try:
                return await self._post_to(address, place.url, message)
            except _NO_CONNECTION:
                continue
        return await self._post_to(tried[-1], place.url, message)

    async def _post_to(self, address: str, url: httpx.URL, message: Message) -> Answer:
        """Connect to the address, and speak to the URL's host there: by name in TLS and in HTTP."""
        request = self._opened().stream(
            "POST",
            url.copy_with(host=address, fragment=None),
            content=message.content,
            headers={**message.headers, "Host": url.netloc.decode()},
            extensions={"sni_hostname": url.raw_host.decode()},
        )
        async with request as response:
            return Answer(
                response.status_code,
                await _beginning(response),
                "It answered with a redirect, which is not followed." if response.has_redirect_location else None,
                _retry_after_s(response),
            )

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=httpx.create_ssl_context(),
                trust_env=False,  # a proxy would connect to addresses that nobody looked at
                follow_redirects=False,
                timeout=httpx.Timeout(self.timeout_s, connect=min(CONNECT_TIMEOUT_S, self.timeout_s)),
                # A connection that is kept is known by its address, and would serve other hosts there unverified.
                limits=httpx.Limits(max_keepalive_connections=0),
                headers={"User-Agent": f"trackback/{__version__}", "Accept-Encoding": "identity"},
            )
        return self._client


def _signed(secret: str, delivery_id: str, time_s: int, message: Message) -> dict[str, str]:
    """The headers that MLflow's webhooks have: what is signed is ``id.timestamp.body``."""
    headers = {"X-MLflow-Delivery-Id": delivery_id, "X-MLflow-Timestamp": str(time_s)}
    if secret:
        signed = f"{delivery_id}.{time_s}.".encode() + message.content
        digest = hmac.digest(secret.encode(), signed, hashlib.sha256)
        headers["X-MLflow-Signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


async def _beginning(response: httpx.Response) -> str:
    content = b""
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) >= ANSWER_BYTES:
            break
    return content[:ANSWER_BYTES].decode(errors="replace").replace("\x00", "\ufffd")


def _retry_after_s(response: httpx.Response) -> int:
    """Of 429 and 503; only seconds are read, no dates."""
    asked = response.headers.get("retry-after", "")
    if response.status_code not in (429, 503) or not (asked.isascii() and asked.isdigit()):
        return 0
    return min(int(asked[:9]), RETRY_AFTER_MAX_S)
