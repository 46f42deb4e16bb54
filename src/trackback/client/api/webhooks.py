"""Calls for webhooks. MLflow's protocol knows those that are told of the registry; trackback's own, all of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from trackback.client.api.calls import MLFLOW, OURS, Calls, member, segment
from trackback.client.pages import Page
from trackback.entities import (
    DeliveryStatus,
    Webhook,
    WebhookAction,
    WebhookDelivery,
    WebhookEntity,
    WebhookEvent,
    WebhookStatus,
    WebhookTarget,
    WebhookTestResult,
)

MLFLOWS = f"{MLFLOW}webhooks"
ALL = f"{OURS}webhooks"


class Replay(NamedTuple):
    """How many promotions are told again, and the number of the one to go on from, if there are more."""

    replayed: int
    next_seq: int | None


class ReplayAnswer(msgspec.Struct):
    replayed: int
    next_seq: int | None = None


class Webhooks(Calls):
    def create_webhook(
        self,
        name: str,
        url: str,
        events: Sequence[str | WebhookEvent],
        description: str | None = None,
        secret: str | None = None,
        status: WebhookStatus | str | None = None,
        *,
        target: WebhookTarget | str | None = None,
        options: Mapping[str, str] | None = None,
        token: str | None = None,
        stream: str | None = None,
        environment: str | None = None,
    ) -> Webhook:
        """Have a receiver told of events, such as ``model_version.created`` or ``promotion.created``, from now on.

        secret: what is sent is signed with it.
        target, options, token: what is at ``url``, that target's own settings, and what it lets in by.
        stream, environment: the only ones whose promotions are told. With these five, or for promotions, the server has
            to be trackback's.

        InvalidParameter: a value is not valid, or webhooks may not be sent to that URL. PermissionDenied: you are no
        admin.
        """
        told = [_event(each) for each in events]
        fields: dict[str, object] = {
            "name": name,
            "url": url,
            "events": told,
            "description": description,
            "secret": secret,
            "status": _status(status),
        }
        own = {"target": target, "options": options, "token": token, "stream": stream, "environment": environment}
        path = ALL if _is_ours(told, own) else MLFLOWS
        return self._one("webhook", Webhook, "POST", path, {**fields, **own}, idempotent=False)

    def get_webhook(self, webhook_id: str) -> Webhook:
        """A webhook. NotFound: there is none of this id. PermissionDenied: you are no admin."""
        return self._one("webhook", Webhook, "GET", f"{MLFLOWS}/{segment(webhook_id)}", {})

    def list_webhooks(
        self, max_results: int | None = None, page_token: str | None = None, *, promotions: bool = False
    ) -> Page[Webhook]:
        """Webhooks, the newest first; with ``promotions`` also those told of promotions, which trackback alone has.

        PermissionDenied: you are no admin.
        """
        fields = {"max_results": max_results, "page_token": page_token}
        return self._page("webhooks", Webhook, "GET", ALL if promotions else MLFLOWS, fields)

    def update_webhook(
        self,
        webhook_id: str,
        name: str | None = None,
        description: str | None = None,
        url: str | None = None,
        events: Sequence[str | WebhookEvent] | None = None,
        secret: str | None = None,
        status: WebhookStatus | str | None = None,
        *,
        options: Mapping[str, str] | None = None,
        token: str | None = None,
        stream: str | None = None,
        environment: str | None = None,
    ) -> Webhook:
        """Change some of what a webhook is; what is None stays as it is. See ``create_webhook``.

        NotFound: there is none of this id. InvalidParameter: a value is not valid. PermissionDenied: you are no admin.
        """
        told = [_event(each) for each in events] if events else None
        fields = {
            "webhook_id": webhook_id,  # MLflow's server wants it in the body too
            "name": name,
            "description": description,
            "url": url,
            "events": told,
            "secret": secret,
            "status": _status(status),
        }
        own = {"options": options, "token": token, "stream": stream, "environment": environment}
        path = f"{ALL if _is_ours(told or [], own) else MLFLOWS}/{segment(webhook_id)}"
        return self._one("webhook", Webhook, "PATCH", path, {**fields, **own})

    def delete_webhook(self, webhook_id: str) -> None:
        """Tell a webhook nothing any more. NotFound: there is none of this id. PermissionDenied: you are no admin."""
        self._do("DELETE", f"{MLFLOWS}/{segment(webhook_id)}", {}, idempotent=False)

    def test_webhook(self, webhook_id: str, event: str | WebhookEvent | None = None) -> WebhookTestResult:
        """Send an example of an event, by default the first of the webhook's; what its receiver answered.

        NotFound: there is none of this id. PermissionDenied: you are no admin.
        """
        fields = {"event": _event(event) if event else None}
        path = f"{MLFLOWS}/{segment(webhook_id)}/test"
        return self._one("result", WebhookTestResult, "POST", path, fields, idempotent=False)

    def list_webhook_deliveries(
        self,
        webhook_id: str,
        status: DeliveryStatus | str | None = None,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Page[WebhookDelivery]:
        """What a webhook was told and is to be told, the newest first, without bodies. Trackback only.

        NotFound: there is none of this id. PermissionDenied: you are no admin.
        """
        fields = {"status": status, "max_results": max_results, "page_token": page_token}
        path = f"{ALL}/{segment(webhook_id)}/deliveries"
        return self._page("deliveries", WebhookDelivery, "GET", path, fields)

    def get_webhook_delivery(self, webhook_id: str, delivery_id: str) -> WebhookDelivery:
        """One delivery, with its body. NotFound: there is none. PermissionDenied: you are no admin. Trackback only."""
        path = f"{ALL}/{segment(webhook_id)}/deliveries/{segment(delivery_id)}"
        return self._one("delivery", WebhookDelivery, "GET", path, {})

    def replay_webhook_delivery(self, webhook_id: str, delivery_id: str) -> WebhookDelivery:
        """Tell a webhook the same again; the new delivery. Trackback only.

        NotFound: there is no such delivery. PermissionDenied: you are no admin.
        """
        path = f"{ALL}/{segment(webhook_id)}/deliveries/{segment(delivery_id)}/replay"
        return self._one("delivery", WebhookDelivery, "POST", path, {}, idempotent=False)

    def replay_webhook(self, webhook_id: str, from_seq: int) -> Replay:
        """Tell a webhook of promotions again, from a number on, some of them at a time. Trackback only.

        NotFound: there is none of this id. PermissionDenied: you are no admin.
        """
        path = f"{ALL}/{segment(webhook_id)}/replay"
        done = self._whole(ReplayAnswer, "POST", path, {"from_seq": from_seq}, idempotent=False)
        return Replay(done.replayed, done.next_seq)


def _event(event: str | WebhookEvent) -> WebhookEvent:
    if isinstance(event, WebhookEvent):
        return event
    entity, _, action = event.upper().partition(".")
    return WebhookEvent(member(WebhookEntity, entity, "events"), member(WebhookAction, action, "events"))


def _status(status: WebhookStatus | str | None) -> WebhookStatus | None:
    return None if status is None else member(WebhookStatus, status, "status")


def _is_ours(events: Sequence[WebhookEvent], own: Mapping[str, object]) -> bool:
    """Whether MLflow's protocol has no words for it."""
    asked = any(value is not None for value in own.values())
    return asked or any(event.entity is WebhookEntity.PROMOTION for event in events)
