"""Requests to webhooks' receivers, each to an address that was looked at."""

import httpx

from trackback import __version__
from trackback.services.webhook_addresses import Place
from trackback.services.webhook_answers import Answer
from trackback.services.webhook_targets import Message

CONNECT_TIMEOUT_S = 3.0
ADDRESSES_TRIED = 4
ANSWER_BYTES = 2048
"""So much of a receiver's answer is kept."""
RETRY_AFTER_MAX_S = 3600

_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout)


class WebhookClient:
    """``timeout_s``: how long a receiver may take for any one step of answering."""

    def __init__(self, timeout_s: float) -> None:
        self._client = httpx.AsyncClient(
            verify=httpx.create_ssl_context(),
            trust_env=False,  # a proxy would connect to addresses that nobody looked at
            follow_redirects=False,
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            # A connection that is kept is known by its address, and would serve other hosts there unverified.
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": f"trackback/{__version__}", "Accept-Encoding": "identity"},
        )

    async def post(self, place: Place, message: Message) -> Answer:
        """To the first of the place's addresses that can be connected to. What goes wrong is in the answer."""
        try:
            return await self._post(place, message)
        except httpx.HTTPError as error:
            return Answer(error=f"There was no answer: {str(error) or type(error).__name__}")

    async def close(self) -> None:
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
        request = self._client.stream(
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
