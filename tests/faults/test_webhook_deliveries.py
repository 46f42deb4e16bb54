"""A server that is killed with kill -9 loses no delivery: what was committed is told when it runs again."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client.faulty import FaultyServer, hang, reply
from tests.servers.trackback import TrackbackServer

FLAGS = ["--webhook-allowed-networks", "127.0.0.0/8"]
ROUNDS = 4
LEASE_S = 30
WITHIN_S = 60.0

FINE = reply(200)


@pytest.fixture
def server(backend_uri: str, tmp_path: Path) -> Iterator[TrackbackServer]:
    with TrackbackServer(backend_uri, tmp_path / "artifacts", tmp_path, FLAGS) as running:
        yield running
    assert "Traceback" not in running.log_text


def call(server: TrackbackServer, path: str, **body: Any) -> Any:
    answer = httpx.post(f"{server.url}{path}", json=body, trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def new_hook(server: TrackbackServer, receiver: FaultyServer, versions: int) -> None:
    """A webhook for promotions, and a model with versions to promote."""
    call(server, "/api/v1/webhooks", name="ci", url=f"{receiver.url}/hook")
    call(server, "/api/2.0/mlflow/registered-models/create", name="churn")
    for _ in range(versions):
        call(server, "/api/2.0/mlflow/model-versions/create", name="churn", source="s3://elsewhere/model")


def promote(server: TrackbackServer, version: int) -> int:
    body = {"subject": f"models:/churn/{version}", "environment": "production", "allow_unverified": True}
    return int(call(server, "/api/v1/promotions", **body)["promotion"]["seq"])


def numbers(receiver: FaultyServer) -> list[int]:
    return [json.loads(request.body)["data"]["seq"] for request in receiver.seen]


def wait_for(receiver: FaultyServer, seqs: set[int]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not seqs <= set(numbers(receiver)):
        assert time.monotonic() < deadline, f"of {seqs} there came {numbers(receiver)}"
        time.sleep(0.05)


def test_what_was_committed_before_a_kill_is_told_after_it(server: TrackbackServer) -> None:
    with FaultyServer(FINE) as receiver:
        new_hook(server, receiver, ROUNDS)
        told, unsent = set(), 0
        for version in range(1, ROUNDS + 1):
            seq = promote(server, version)
            server.kill()
            told.add(seq)
            unsent += seq not in numbers(receiver)
            server.start()
        wait_for(receiver, told)
    assert numbers(receiver) == sorted(numbers(receiver))
    assert unsent, "no kill came between a commit and its delivery"


@pytest.mark.timeout(180)
def test_what_was_being_sent_when_the_server_was_killed_is_sent_again(server: TrackbackServer) -> None:
    with FaultyServer(hang) as receiver:
        new_hook(server, receiver, 1)
        seq = promote(server, 1)
        wait_for(receiver, {seq})
        server.kill()
        receiver.then(FINE)
        killed = time.monotonic()
        server.start()
        while len(receiver.seen) < 2:
            assert time.monotonic() < killed + LEASE_S + WITHIN_S
            time.sleep(0.05)
    first, second = receiver.seen
    assert first.headers["x-mlflow-delivery-id"] == second.headers["x-mlflow-delivery-id"]
    assert first.body == second.body
