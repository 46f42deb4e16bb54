"""Webhooks: made, changed and tried by admins."""

from uuid import uuid4

from trackback import limits
from trackback.entities import Actor, Permission, Webhook, WebhookEvent, WebhookTarget, WebhookTestResult
from trackback.errors import InvalidState
from trackback.services import access, events, pages, subjects
from trackback.services.clock import Clock, now_ms
from trackback.services.promotion_rules import Environments
from trackback.services.webhook_examples import EXAMPLES
from trackback.services.webhook_sender import WebhookSender
from trackback.services.webhook_settings import (
    WebhookChange,
    WebhookSettings,
    changed,
    checked,
    checked_events,
    existing,
    note,
)
from trackback.services.webhook_targets import Happening
from trackback.storage import Storage, Transaction, webhooks
from trackback.storage.webhooks import WebhookQuery, WebhookRecord


class Webhooks:
    def __init__(
        self, storage: Storage, sender: WebhookSender, environments: Environments, clock: Clock = now_ms
    ) -> None:
        self._storage = storage
        self._sender = sender
        self._environments = environments
        self._clock = clock

    async def create(self, actor: Actor, settings: WebhookSettings) -> Webhook:
        """Have a receiver told of events, from now on.

        Raises InvalidParameter for a URL that leads where webhooks may not be sent, among other values.
        """
        access.require(actor, Permission.ADMIN)
        new = checked(settings, self._environments)
        told = checked_events(settings.target, settings.events)
        await self._sender.addresses.locate(new.url)
        now = self._clock()

        def operation(tx: Transaction) -> Webhook:
            if webhooks.count(tx) >= limits.WEBHOOKS:
                raise InvalidState(f"There are {limits.WEBHOOKS} webhooks already. Delete one first.")
            stream = _stream(tx, actor, settings.stream)
            record = webhooks.add(tx, new._replace(stream=stream), told, now)
            note(tx, actor, "create", record, now)
            return webhooks.load(tx, [record])[0]

        return await self._storage.write(operation)

    async def get(self, actor: Actor, webhook_id: str) -> Webhook:
        access.require(actor, Permission.ADMIN)
        return await self._storage.look_up(
            lambda tx: webhooks.load(tx, [existing(webhooks.find(tx, webhook_id), webhook_id)])[0]
        )

    async def search(
        self,
        actor: Actor,
        *,
        promotions: bool = True,
        max_results: int = limits.WEBHOOKS_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Webhook]:
        """The newest first; with or without those that are told of promotions."""
        access.require(actor, Permission.ADMIN)
        limits.check_max_results(max_results, limits.WEBHOOKS_PER_PAGE)
        query = WebhookQuery(max_results + 1, pages.decode(page_token) if page_token else None, promotions)

        def operation(tx: Transaction) -> pages.Page[Webhook]:
            found = webhooks.search(tx, query)
            page = found[:max_results]
            token = pages.encode(page[-1].id) if len(found) > max_results else None
            return pages.Page(webhooks.load(tx, page), token)

        return await self._storage.read(operation)

    async def update(self, actor: Actor, webhook_id: str, change: WebhookChange) -> Webhook:
        """Change some of what a webhook is; what it is still to be told, it is told at once."""
        access.require(actor, Permission.ADMIN)
        before = await self._storage.look_up(lambda tx: existing(webhooks.find(tx, webhook_id), webhook_id))
        told = checked_events(WebhookTarget(before.target), change.events) if change.events else ()
        await self._sender.addresses.locate(changed(before, change, self._environments).url)
        now = self._clock()

        def operation(tx: Transaction) -> Webhook:
            held = existing(webhooks.hold(tx, webhook_id), webhook_id)
            record = changed(held, change, self._environments)._replace(updated_ms=now)
            if change.stream is not None:
                record = record._replace(stream=_stream(tx, actor, change.stream))
            webhooks.change(tx, record)
            if told:
                webhooks.set_events(tx, record.id, told)
            note(tx, actor, "update", record, now)
            return webhooks.load(tx, [record])[0]

        return await self._storage.write(operation)

    async def delete(self, actor: Actor, webhook_id: str) -> None:
        """Tell it nothing any more, also not what is waiting to be told."""
        access.require(actor, Permission.ADMIN)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            record = existing(webhooks.hold(tx, webhook_id), webhook_id)
            webhooks.delete(tx, record.id, now)
            note(tx, actor, "delete", record, now)

        await self._storage.write(operation)

    async def test(self, actor: Actor, webhook_id: str, event: WebhookEvent | None = None) -> WebhookTestResult:
        """Send an example of an event, by default of the first that it is subscribed to, and say what was answered."""
        access.require(actor, Permission.ADMIN)

        def look(tx: Transaction) -> tuple[WebhookRecord, WebhookEvent]:
            record = existing(webhooks.find(tx, webhook_id), webhook_id)
            return record, event or webhooks.events_of(tx, [record.id])[record.id][0]

        record, tried = await self._storage.look_up(look)
        checked_events(WebhookTarget(record.target), [tried])
        now = self._clock()
        body = events.rendered(record, Happening(str(tried), EXAMPLES[tried], now))
        answer = await self._sender.send(record, str(uuid4()), body, now)
        return WebhookTestResult(answer.delivered, answer.status, answer.body, answer.error)


def _stream(tx: Transaction, actor: Actor, text: str) -> str:
    return subjects.resolve_stream(tx, text, actor) if text else ""
