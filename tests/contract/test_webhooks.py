"""Webhooks, on each database: what they subscribe to, what they are told of the registry, and their history."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.client.faulty import FaultyServer, reply
from tests.contract.webhook_world import World, signature, told
from trackback import limits
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import (
    ANYONE,
    Actor,
    DeliveryStatus,
    Grants,
    WebhookAction,
    WebhookEntity,
    WebhookEvent,
    WebhookStatus,
    WebhookTarget,
)
from trackback.errors import InvalidParameter, InvalidState, NotFound, PermissionDenied
from trackback.services.audit import AuditLog
from trackback.services.webhook_examples import EXAMPLES
from trackback.services.webhook_settings import PROMOTED, WebhookChange, WebhookSettings
from trackback.storage import Storage

FINE = reply(200, b"thanks")
OF_REGISTRY = tuple(event for event in EXAMPLES if event != PROMOTED)
CREATED = WebhookEvent(WebhookEntity.REGISTERED_MODEL, WebhookAction.CREATED)


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[BlobStore]:
    store = open_blobs(str(tmp_path / "blobs"))
    yield store
    await store.close()


@pytest.fixture
def world(storage: Storage, blobs: BlobStore) -> World:
    return World(storage, blobs)


@pytest.fixture
def receiver() -> Iterator[FaultyServer]:
    with FaultyServer(FINE) as running:
        yield running


async def bodies(world: World, webhook_id: str) -> list[dict[str, Any]]:
    """What a webhook is to be told, the oldest first."""
    page = await world.history.search(ANYONE, webhook_id)
    found = [(await world.history.get(ANYONE, webhook_id, each.id)).body for each in page.items]
    return [body for body in reversed(found) if body is not None]


async def test_what_was_given_is_kept_but_for_the_secret(world: World, receiver: FaultyServer) -> None:
    made = await world.hook(receiver, name="ci", description="tells CI", events=(CREATED, PROMOTED))
    found = await world.webhooks.get(ANYONE, made.webhook_id)
    assert found == made
    assert (found.name, found.description, found.events) == ("ci", "tells CI", (CREATED, PROMOTED))
    assert (found.status, found.signed) == (WebhookStatus.ACTIVE, True)
    assert "s3cret" not in repr(found)


async def test_mlflow_s_events_are_told_with_its_fields(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver, events=OF_REGISTRY)
    await world.models.create(ANYONE, "churn", description="who leaves", tags=[("team", "a")])
    await world.versions.create(ANYONE, "churn", "s3://elsewhere/m", description="first", tags=[("k", "v")])
    await world.versions.set_tag(ANYONE, "churn", "1", "checked", "yes")
    await world.versions.delete_tag(ANYONE, "churn", "1", "checked")
    await world.models.set_alias(ANYONE, "churn", "champion", "1")
    await world.models.delete_alias(ANYONE, "churn", "champion")
    await world.models.set_tag(ANYONE, "churn", "not", "an event")
    version = {"name": "churn", "version": "1"}
    assert [(body["entity"], body["action"], body["data"]) for body in await bodies(world, webhook.webhook_id)] == [
        ("registered_model", "created", {"name": "churn", "tags": {"team": "a"}, "description": "who leaves"}),
        (
            "model_version",
            "created",
            {**version, "source": "s3://elsewhere/m", "run_id": None, "tags": {"k": "v"}, "description": "first"},
        ),
        ("model_version_tag", "set", {**version, "key": "checked", "value": "yes"}),
        ("model_version_tag", "deleted", {**version, "key": "checked"}),
        ("model_version_alias", "created", {**version, "alias": "champion"}),
        ("model_version_alias", "deleted", {"name": "churn", "alias": "champion"}),
    ]


async def test_of_prompts_their_own_events_are_told(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver, events=OF_REGISTRY)
    mark = ("mlflow.prompt.is_prompt", "true")
    await world.models.create(ANYONE, "greeting", tags=[mark, ("team", "a")])
    await world.versions.create(ANYONE, "greeting", "-", tags=[mark, ("mlflow.prompt.text", "Hi {{name}}")])
    await world.models.set_tag(ANYONE, "greeting", "k", "v")
    await world.models.delete_tag(ANYONE, "greeting", "k")
    await world.versions.set_tag(ANYONE, "greeting", "1", "k", "v")
    await world.versions.delete_tag(ANYONE, "greeting", "1", "k")
    await world.models.set_alias(ANYONE, "greeting", "best", "1")
    await world.models.delete_alias(ANYONE, "greeting", "best")
    found = await bodies(world, webhook.webhook_id)
    assert [f"{body['entity']}.{body['action']}" for body in found] == [
        "prompt.created",
        "prompt_version.created",
        "prompt_tag.set",
        "prompt_tag.deleted",
        "prompt_version_tag.set",
        "prompt_version_tag.deleted",
        "prompt_alias.created",
        "prompt_alias.deleted",
    ]
    assert found[0]["data"] == {"name": "greeting", "tags": {"team": "a"}, "description": ""}
    assert (found[1]["data"]["template"], found[1]["data"]["tags"]) == ("Hi {{name}}", {})


async def test_only_what_was_subscribed_to_is_told(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver, events=(CREATED,))
    await world.model("churn")
    await world.models.set_alias(ANYONE, "churn", "champion", "1")
    assert [body["entity"] for body in await bodies(world, webhook.webhook_id)] == ["registered_model"]


async def test_the_alias_of_an_environment_is_told_of_however_it_moves(world: World, receiver: FaultyServer) -> None:
    entity = WebhookEntity.MODEL_VERSION_ALIAS
    events = (WebhookEvent(entity, WebhookAction.CREATED), WebhookEvent(entity, WebhookAction.DELETED))
    webhook = await world.hook(receiver, events=events)
    await world.model("churn", 2)
    await world.promote("models:/churn/1")
    await world.models.set_tag(ANYONE, "churn", "k", "v")
    await world.promotions.promote(ANYONE, "models:/churn/2", "production", allow_unverified=True)
    await world.promotions.roll_back(ANYONE, "models:/churn", "production")
    await world.promotions.demote(ANYONE, "models:/churn", "production")
    found = [(body["action"], body["data"].get("version")) for body in await bodies(world, webhook.webhook_id)]
    assert found == [("created", "1"), ("created", "2"), ("created", "1"), ("deleted", None)]


async def test_promotions_of_other_streams_and_environments_are_not_told(world: World, receiver: FaultyServer) -> None:
    await world.model("churn")
    await world.model("fraud")
    webhook = await world.hook(receiver, stream="models:/churn", environment="production")
    await world.promote("models:/fraud/1")
    await world.promote("models:/churn/1", "staging")
    await world.promote("models:/churn/1")
    assert [body["data"]["seq"] for body in await bodies(world, webhook.webhook_id)] == [3]


async def test_demotions_and_rollbacks_are_promotions_too(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver)
    await world.model("churn", 2)
    await world.promote("models:/churn/1")
    await world.promote("models:/churn/2")
    await world.promotions.roll_back(ANYONE, "models:/churn", "production")
    await world.promotions.demote(ANYONE, "models:/churn", "production")
    kinds = [body["data"]["kind"] for body in await bodies(world, webhook.webhook_id)]
    assert kinds == ["promoted", "promoted", "rolled back", "demoted"]


async def test_github_gets_a_repository_dispatch(world: World, receiver: FaultyServer) -> None:
    receiver.then(reply(204, b""))
    options = {"repository": "acme/churn", "api": receiver.url}
    target = WebhookTarget.GITHUB
    webhook = await world.hook(receiver, url="", target=target, options=options, credential="gh-token")
    await world.model("churn")
    await world.promote("models:/churn/1")
    async with world.delivering():
        (delivery,) = await world.settled(webhook)
    (request,) = receiver.seen
    body = json.loads(request.body)
    assert request.target == "/repos/acme/churn/dispatches"
    assert request.headers["authorization"] == "Bearer gh-token"
    assert request.headers["accept"] == "application/vnd.github+json"
    assert set(body) == {"event_type", "client_payload"}
    assert body["event_type"] == "trackback-promotion"
    assert body["client_payload"]["promotion"]["name"] == "churn"
    assert delivery.status is DeliveryStatus.DELIVERED


async def test_gitlab_gets_a_pipeline_trigger_and_no_history_shows_the_token(
    world: World, receiver: FaultyServer
) -> None:
    receiver.then(reply(201))
    options = {"project": "acme/churn", "ref": "release", "api": receiver.url}
    target = WebhookTarget.GITLAB
    webhook = await world.hook(receiver, url="", target=target, options=options, credential="gl-token")
    await world.model("churn")
    await world.promote("models:/churn/1")
    async with world.delivering():
        (delivery,) = await world.settled(webhook)
    (request,) = receiver.seen
    form = parse_qs(request.body.decode())
    assert request.target == "/projects/acme%2Fchurn/trigger/pipeline"
    assert (form["token"], form["ref"]) == (["gl-token"], ["release"])
    assert form["variables[TRACKBACK_NAME]"] == ["churn"]
    assert form["variables[TRACKBACK_SEQ]"] == ["1"]
    assert "gl-token" not in repr(await world.history.get(ANYONE, webhook.webhook_id, delivery.id))


async def test_a_delivery_is_replayed_as_it_was_under_an_id_of_its_own(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    async with world.delivering():
        (first,) = await world.settled(webhook)
        again = await world.history.replay(ANYONE, webhook.webhook_id, first.id)
        await world.settled(webhook)
    assert (again.replay_of, again.seq) == (first.id, first.seq)
    assert [request.headers["x-mlflow-delivery-id"] for request in receiver.seen] == [first.id, again.id]
    assert receiver.seen[0].body == receiver.seen[1].body


async def test_promotions_are_replayed_from_a_number_on_also_those_from_before_the_webhook(
    world: World, receiver: FaultyServer
) -> None:
    await world.model("churn", 3)
    for number in (1, 2, 3):
        await world.promote(f"models:/churn/{number}")
    await world.promote("models:/churn/3", "staging")
    webhook = await world.hook(receiver, environment="production")
    assert await world.history.replay_from(ANYONE, webhook.webhook_id, 2) == (2, None)
    async with world.delivering():
        await world.settled(webhook)
    assert [told(request)["data"]["seq"] for request in receiver.seen] == [2, 3]


async def test_a_long_log_is_replayed_in_parts(
    world: World, receiver: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PROMOTIONS_PER_REPLAY", 2)
    await world.model("churn", 3)
    for number in (1, 2, 3):
        await world.promote(f"models:/churn/{number}")
    webhook = await world.hook(receiver)
    assert await world.history.replay_from(ANYONE, webhook.webhook_id, 1) == (2, 3)
    assert await world.history.replay_from(ANYONE, webhook.webhook_id, 3) == (1, None)
    assert [body["data"]["seq"] for body in await bodies(world, webhook.webhook_id)] == [1, 2, 3]


async def test_what_is_for_no_promotions_is_replayed_by_ids_only(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver, events=(CREATED,))
    with pytest.raises(InvalidState, match="not told of promotions"):
        await world.history.replay_from(ANYONE, webhook.webhook_id, 1)


async def test_the_history_is_paged_and_filtered(world: World, receiver: FaultyServer) -> None:
    receiver.then(FINE, reply(500))
    webhook = await world.hook(receiver)
    await world.model("churn", 2)
    await world.promote("models:/churn/1")
    await world.promote("models:/churn/2")
    async with world.delivering():
        await world.settled(webhook)
    first = await world.history.search(ANYONE, webhook.webhook_id, max_results=1)
    assert first.next_page_token
    rest = await world.history.search(ANYONE, webhook.webhook_id, page_token=first.next_page_token)
    assert [each.seq for each in (*first.items, *rest.items)] == [2, 1]
    failed = await world.history.search(ANYONE, webhook.webhook_id, status=DeliveryStatus.FAILED)
    assert [each.seq for each in failed.items] == [2]


async def test_webhooks_are_listed_the_newest_first_with_or_without_those_for_promotions(
    world: World, receiver: FaultyServer
) -> None:
    made = [await world.hook(receiver, name=name) for name in ("a", "b")]
    made.append(await world.hook(receiver, name="c", events=(CREATED,)))
    first = await world.webhooks.search(ANYONE, max_results=2)
    assert first.next_page_token
    rest = await world.webhooks.search(ANYONE, page_token=first.next_page_token)
    assert [*first.items, *rest.items] == made[::-1]
    assert (await world.webhooks.search(ANYONE, promotions=False)).items == [made[2]]


async def test_an_update_changes_what_it_names_only(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver, name="ci", description="tells CI")
    after = await world.webhooks.update(
        ANYONE, webhook.webhook_id, WebhookChange(name="cd", events=(CREATED,), environment="staging")
    )
    assert (after.name, after.events, after.environment) == ("cd", (CREATED,), "staging")
    assert (after.description, after.url, after.signed) == ("tells CI", webhook.url, True)
    assert after.last_updated_timestamp >= webhook.last_updated_timestamp
    assert not (await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(secret=""))).signed


async def test_a_new_secret_signs_what_is_sent_from_then_on(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver)
    await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(secret="another"))
    assert (await world.webhooks.test(ANYONE, webhook.webhook_id)).success
    (request,) = receiver.seen
    assert request.headers["x-mlflow-signature"] == signature(request, "another")


async def test_a_token_is_not_sent_to_another_host_by_a_change_of_the_url(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver, credential="token")
    elsewhere = receiver.url.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(InvalidParameter, match="would send its token to another host"):
        await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(url=elsewhere))
    change = WebhookChange(url=elsewhere, credential="its own")
    assert (await world.webhooks.update(ANYONE, webhook.webhook_id, change)).url == elsewhere


@pytest.mark.parametrize("event", EXAMPLES, ids=str)
async def test_a_test_sends_an_example_of_any_event(world: World, receiver: FaultyServer, event: WebhookEvent) -> None:
    webhook = await world.hook(receiver, events=(event,))
    result = await world.webhooks.test(ANYONE, webhook.webhook_id)
    assert (result.success, result.response_status, result.response_body) == (True, 200, "thanks")
    (request,) = receiver.seen
    body = told(request)
    assert f"{body['entity']}.{body['action']}" == str(event)
    assert await world.deliveries(webhook) == []


async def test_a_test_that_fails_says_how(world: World, receiver: FaultyServer) -> None:
    receiver.then(reply(500, b"no"))
    webhook = await world.hook(receiver)
    result = await world.webhooks.test(ANYONE, webhook.webhook_id)
    assert (result.success, result.response_status, result.response_body) == (False, 500, "no")
    receiver.close()
    result = await world.webhooks.test(ANYONE, webhook.webhook_id)
    assert (result.success, result.response_status) == (False, None)
    assert "no answer" in str(result.error_message)


async def test_a_long_answer_is_kept_in_part(world: World, receiver: FaultyServer) -> None:
    receiver.then(long_answer)
    webhook = await world.hook(receiver)
    result = await world.webhooks.test(ANYONE, webhook.webhook_id)
    assert result.success
    assert result.response_body == "\ufffd\ufffd" + "x" * 2046


def long_answer(handler: BaseHTTPRequestHandler) -> None:
    with suppress(ConnectionError):  # nobody reads all of it
        reply(200, b"\x00\xff" + b"x" * 5_000_000)(handler)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "-ci"}, "Invalid webhook name"),
        ({"name": "a" * 64}, "Invalid webhook name"),
        ({"url": ""}, "Missing value for required parameter 'url'"),
        ({"url": "http://10.0.0.1/x"}, "no public address"),
        ({"events": ()}, "Missing value for required parameter 'events'"),
        ({"events": (WebhookEvent(WebhookEntity.BUDGET_POLICY, WebhookAction.EXCEEDED),)}, "There is no event"),
        ({"events": (WebhookEvent(WebhookEntity.PROMOTION, WebhookAction.SET),)}, "There is no event"),
        ({"environment": "moon"}, "There is no environment 'moon'"),
        ({"secret": "s" * 1001}, "'secret' exceeds"),
        ({"credential": "a\nb"}, "printable ASCII"),
        ({"options": {"repository": "a/b"}}, "Invalid option 'repository'"),
        ({"target": WebhookTarget.GITHUB, "url": "", "credential": "t"}, "the option 'repository'"),
        ({"target": WebhookTarget.GITHUB, "url": "", "options": {"repository": "a/b"}}, "parameter 'token'"),
        (
            {"target": WebhookTarget.GITHUB, "url": "", "credential": "t", "options": {"repository": "a/b/../c"}},
            "must be OWNER/NAME",
        ),
        ({"target": WebhookTarget.GITHUB, "credential": "t", "options": {"repository": "a/b"}}, "makes its URL"),
        (
            {
                "target": WebhookTarget.GITLAB,
                "url": "",
                "credential": "t",
                "options": {"project": "1"},
                "events": (CREATED,),
            },
            "of promotion.created only",
        ),
    ],
)
async def test_what_can_t_be_is_refused(
    world: World, receiver: FaultyServer, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidParameter, match=message):
        await world.hook(receiver, **settings)


async def test_a_stream_that_is_not_there_is_refused(world: World, receiver: FaultyServer) -> None:
    with pytest.raises(NotFound):
        await world.hook(receiver, stream="models:/nothing")


async def test_there_is_a_limit_to_webhooks(
    world: World, receiver: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WEBHOOKS", 1)
    await world.hook(receiver)
    with pytest.raises(InvalidState, match="Delete one first"):
        await world.hook(receiver)


async def test_of_what_is_gone_or_of_another_nothing_is_known(world: World, receiver: FaultyServer) -> None:
    webhook, other = await world.hook(receiver), await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    (delivery,) = await world.deliveries(webhook)
    with pytest.raises(NotFound, match="There is no delivery"):
        await world.history.get(ANYONE, other.webhook_id, delivery.id)
    with pytest.raises(NotFound, match="There is no delivery"):
        await world.history.replay(ANYONE, other.webhook_id, delivery.id)
    await world.webhooks.delete(ANYONE, webhook.webhook_id)
    with pytest.raises(NotFound, match=f"Webhook with ID {webhook.webhook_id} not found"):
        await world.webhooks.get(ANYONE, webhook.webhook_id)


async def test_only_admins_manage_them(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver)
    bob = Actor("bob", grants=Grants())
    settings = WebhookSettings("x", receiver.url, (PROMOTED,))
    for attempt in (
        world.webhooks.create(bob, settings),
        world.webhooks.get(bob, webhook.webhook_id),
        world.webhooks.search(bob),
        world.webhooks.update(bob, webhook.webhook_id, WebhookChange()),
        world.webhooks.delete(bob, webhook.webhook_id),
        world.webhooks.test(bob, webhook.webhook_id),
        world.history.search(bob, webhook.webhook_id),
        world.history.get(bob, webhook.webhook_id, "x"),
        world.history.replay(bob, webhook.webhook_id, "x"),
        world.history.replay_from(bob, webhook.webhook_id, 1),
    ):
        with pytest.raises(PermissionDenied):
            await attempt


async def test_changes_are_in_the_audit_log_without_secrets(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver, credential="token")
    await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(secret="another"))
    await world.history.replay_from(ANYONE, webhook.webhook_id, 1)
    await world.webhooks.delete(ANYONE, webhook.webhook_id)
    entries = (await AuditLog(world.storage).search(ANYONE, object=f"webhooks/{webhook.webhook_id}")).items
    actions = ["webhook.delete", "webhook.replay", "webhook.update", "webhook.create"]
    assert [entry.action for entry in entries] == actions
    assert not any(secret in repr(entries) for secret in ("s3cret", "token", "another"))
