"""Deliveries, on each database: what is promoted is told, in order, again and again until it is taken or given up."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.client.faulty import FaultyServer, hang, hang_up, reply
from tests.contract.webhook_world import PATIENCE, World, seen, soon, told
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import ANYONE, DeliveryStatus, WebhookStatus
from trackback.services.clock import now_ms
from trackback.services.deliverer import DAY_MS, HOUR_MS
from trackback.services.webhook_settings import WebhookChange
from trackback.storage import Storage, open_storage

FINE = reply(200, b"thanks")
BROKEN = reply(500, b"out of order")


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


async def test_a_promotion_is_told_signed_and_the_answer_is_kept(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver)
    await world.model("churn")
    entry = await world.promote("models:/churn/1")
    async with world.delivering():
        (delivery,) = await world.settled(webhook)
    (request,) = receiver.seen
    body = told(request)
    assert (body["entity"], body["action"]) == ("promotion", "created")
    assert (body["data"]["seq"], body["data"]["name"], body["data"]["environment"]) == (
        entry.seq,
        "churn",
        "production",
    )
    assert request.headers["x-mlflow-delivery-id"] == delivery.id
    assert (delivery.status, delivery.attempts, delivery.seq) == (DeliveryStatus.DELIVERED, 1, entry.seq)
    assert (delivery.response_status, delivery.response_body) == (200, "thanks")
    assert (await world.history.get(ANYONE, webhook.webhook_id, delivery.id)).body == body


async def test_what_happens_before_a_server_runs_is_told_by_the_next_one(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    assert [each.status for each in await world.deliveries(webhook)] == [DeliveryStatus.PENDING]
    async with world.delivering():
        await seen(receiver, 1)


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (BROKEN, None),
        (reply(404), None),
        (hang_up, "no answer"),
        (hang, "no answer within 1 s"),
        (reply(302, Location="/elsewhere"), "redirect, which is not followed"),
    ],
    ids=["500", "404", "hangs up", "hangs", "redirects"],
)
async def test_what_fails_is_sent_again_until_it_is_taken(
    world: World, receiver: FaultyServer, fault: object, what: str | None
) -> None:
    receiver.then(fault, FINE)  # type: ignore[arg-type]
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    async with world.delivering():
        (delivery,) = await world.settled(webhook)
    first, second = receiver.seen
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 2)
    assert first.headers["x-mlflow-delivery-id"] == second.headers["x-mlflow-delivery-id"] == delivery.id
    assert first.body == second.body
    assert second.target == "/hook"


async def test_how_the_last_attempt_failed_is_told(world: World, receiver: FaultyServer) -> None:
    receiver.then(reply(302, b"moved", Location="http://127.0.0.1:1/elsewhere"))
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    async with world.delivering():
        (delivery,) = await world.settled(webhook)
    assert (delivery.response_status, delivery.response_body) == (302, "moved")
    assert delivery.error == "It answered with a redirect, which is not followed."


async def test_what_is_never_taken_is_given_up_and_the_next_goes_on(world: World, receiver: FaultyServer) -> None:
    receiver.then(BROKEN, BROKEN, BROKEN, FINE)
    webhook = await world.hook(receiver)
    await world.model("churn", 2)
    await world.promote("models:/churn/1")
    await world.promote("models:/churn/2")
    async with world.delivering():
        first, second = await world.settled(webhook)
    assert (first.status, first.attempts) == (DeliveryStatus.FAILED, PATIENCE.attempts)
    assert (first.response_status, first.response_body) == (500, "out of order")
    assert second.status is DeliveryStatus.DELIVERED


async def test_pauses_grow_up_to_a_longest() -> None:
    pauses = [PATIENCE._replace(first_pause_s=1, longest_pause_s=600).pause_s(attempts) for attempts in (1, 2, 5, 40)]
    for pause, base in zip(pauses, (1, 2, 16, 600), strict=True):
        assert base <= pause <= base * 1.2


async def test_a_receiver_may_ask_for_a_longer_pause(world: World, receiver: FaultyServer) -> None:
    receiver.then(reply(429, Retry_After="1"), FINE)
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    async with world.delivering():
        await seen(receiver, 1)
        began = time.monotonic()
        await world.settled(webhook)
    assert time.monotonic() - began > 0.9


async def test_promotions_are_told_in_the_order_of_the_log_whatever_fails(world: World, receiver: FaultyServer) -> None:
    receiver.then(FINE, BROKEN, BROKEN, FINE, BROKEN, FINE)
    webhook = await world.hook(receiver)
    await world.model("churn", 3)
    async with world.delivering():
        for subject in ("models:/churn/1", "models:/churn/2", "models:/churn/3", "models:/churn/1"):
            await world.promote(subject)
        await world.settled(webhook)
    numbers = [told(request)["data"]["seq"] for request in receiver.seen]
    assert numbers == sorted(numbers)
    assert sorted(set(numbers)) == [1, 2, 3, 4]


async def test_a_receiver_that_hangs_holds_up_no_other(world: World, receiver: FaultyServer) -> None:
    with FaultyServer(hang) as silent:
        await world.hook(silent, name="silent")
        webhook = await world.hook(receiver)
        await world.model("churn")
        async with world.delivering():
            await world.promote("models:/churn/1")
            await seen(silent, 1)
            began = time.monotonic()
            await world.settled(webhook)
    assert time.monotonic() - began < 1


async def test_nobody_is_told_of_what_was_not_done(world: World, receiver: FaultyServer) -> None:
    webhook = await world.hook(receiver)
    await world.model("churn")
    with pytest.raises(Exception, match="can't enter production yet"):
        await world.promotions.promote(ANYONE, "models:/churn/1", "production")
    assert await world.deliveries(webhook) == []


async def test_who_is_disabled_is_told_nothing_and_what_waited_goes_out_once_it_is_not(
    world: World, receiver: FaultyServer
) -> None:
    webhook = await world.hook(receiver)
    await world.model("churn", 2)
    await world.promote("models:/churn/1")
    await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(status=WebhookStatus.DISABLED))
    await world.promote("models:/churn/2")
    async with world.delivering():
        await asyncio.sleep(0.3)
        assert receiver.seen == []
        await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(status=WebhookStatus.ACTIVE))
        await world.settled(webhook)
    assert [told(request)["data"]["seq"] for request in receiver.seen] == [1]


async def test_a_change_of_a_webhook_ends_its_pause(world: World, receiver: FaultyServer) -> None:
    receiver.then(BROKEN, FINE)
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    async with world.delivering(PATIENCE._replace(first_pause_s=3600, longest_pause_s=3600)):
        await soon(lambda: attempted(world, webhook.webhook_id))
        await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(description="mended"))
        await world.settled(webhook)


async def attempted(world: World, webhook_id: str) -> bool:
    page = await world.history.search(ANYONE, webhook_id)
    return any(each.attempts for each in page.items)


async def test_a_webhook_that_is_deleted_is_told_nothing_more_and_forgotten(
    storage: Storage, blobs: BlobStore, receiver: FaultyServer
) -> None:
    world = World(storage, blobs, lambda: now_ms() + 2 * HOUR_MS)
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    await world.webhooks.delete(ANYONE, webhook.webhook_id)
    async with world.delivering():
        await soon(lambda: is_empty(storage))
    assert receiver.seen == []


async def is_empty(storage: Storage) -> bool:
    tables = ("webhooks", "webhook_events", "webhook_deliveries")
    return await storage.read(lambda tx: all(tx.row(f"SELECT 1 FROM {table}") is None for table in tables))


async def test_old_deliveries_are_forgotten_and_what_waits_is_not(storage: Storage, blobs: BlobStore) -> None:
    clock = [time.time_ns() // 1_000_000]
    world = World(storage, blobs, lambda: clock[0])
    await world.model("churn", 2)
    with FaultyServer(FINE) as receiver:
        webhook = await world.hook(receiver)
        await world.promote("models:/churn/1")
        async with world.delivering():
            await world.settled(webhook)
        await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(status=WebhookStatus.DISABLED))
        clock[0] += 31 * 24 * 3600 * 1000
        await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(status=WebhookStatus.ACTIVE))
        await world.promote("models:/churn/2")
        await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(status=WebhookStatus.DISABLED))

        async def only_the_second() -> bool:
            return [each.seq for each in await world.deliveries(webhook)] == [2]

        async with world.delivering():
            await soon(only_the_second)


async def test_what_waits_for_longer_than_the_history_is_kept_is_given_up(
    storage: Storage, blobs: BlobStore, receiver: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [now_ms()]
    world = World(storage, blobs, lambda: clock[0])
    webhook = await world.hook(receiver)
    await world.model("churn", 2)
    await world.promote("models:/churn/1")
    await world.webhooks.update(ANYONE, webhook.webhook_id, WebhookChange(status=WebhookStatus.DISABLED))
    clock[0] += 29 * DAY_MS
    async with world.delivering():
        await asyncio.sleep(0.2)
        assert [each.status for each in await world.deliveries(webhook)] == [DeliveryStatus.PENDING]
    clock[0] += 2 * DAY_MS
    async with world.delivering():
        (delivery,) = await world.settled(webhook)
    assert (delivery.status, delivery.attempts, delivery.finished) == (DeliveryStatus.FAILED, 0, clock[0])
    assert "it had waited for longer than the history is kept" in str(delivery.error)
    assert "gave up 1 deliveries to webhooks that had waited for more than 30 days" in caplog.text
    assert receiver.seen == []


async def test_two_servers_send_each_delivery_once(postgres_uri: str, blobs: BlobStore) -> None:
    first, second = open_storage(postgres_uri), open_storage(postgres_uri)
    worlds = World(first, blobs), World(second, blobs)
    with FaultyServer(slow) as receiver:
        webhooks = [await worlds[0].hook(receiver, name=f"hook{number}") for number in range(3)]
        await worlds[0].model("churn", 2)
        async with worlds[0].delivering(), worlds[1].delivering():
            for number in range(10):
                await worlds[number % 2].promote(f"models:/churn/{number % 2 + 1}")
            for webhook in webhooks:
                assert len(await worlds[0].settled(webhook)) == 10
        sent = Counter(request.headers["x-mlflow-delivery-id"] for request in receiver.seen)
    await first.close()
    await second.close()
    assert len(sent) == 30
    assert set(sent.values()) == {1}


def slow(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.02)
    FINE(handler)


async def test_who_dies_while_sending_is_followed_by_another_once_the_lease_runs_out(
    world: World, receiver: FaultyServer
) -> None:
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    now = world.clock()
    await world.storage.write(
        lambda tx: tx.run("UPDATE webhooks SET lease = 'a server that died', lease_until_ms = ?", now + 500)
    )
    began = time.monotonic()
    async with world.delivering():
        await world.settled(webhook)
    assert time.monotonic() - began > 0.4


async def test_a_stop_waits_for_nobody_and_leaves_what_was_under_way_to_the_next(
    world: World, receiver: FaultyServer
) -> None:
    receiver.then(hang, FINE)
    webhook = await world.hook(receiver)
    await world.model("churn")
    await world.promote("models:/churn/1")
    async with world.delivering(PATIENCE._replace(lease_s=60), timeout_s=30):
        await seen(receiver, 1)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    async with world.delivering():
        (delivery,) = await world.settled(webhook)
    assert delivery.status is DeliveryStatus.DELIVERED
