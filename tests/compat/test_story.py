"""The whole story, by the people and programs in it: trained, registered, refused, checked, approved, promoted, built,
deployed, traced back, and rolled back.
"""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.environments import Environment
from tests.servers.accounts import PASSWORD, add_service, admin, guarded_server, with_token
from tests.servers.trackback import TrackbackServer

SCRIPT = Path(__file__).parent / "scripts" / "story.py"
IMAGE = "sha256:" + "c0ffee" * 10 + "c0de"
POLICY = {
    "verdicts": [{"name": "accuracy"}],
    "approvals": {"count": 1},
}


@pytest.fixture
def server(backend_uri: str, tmp_path: Path) -> Iterator[TrackbackServer]:
    with guarded_server(backend_uri, tmp_path) as running:
        yield running


class Reader(threading.Thread):
    """Reads the log from its beginning, waiting for what comes, as a CI server does."""

    def __init__(self, client: httpx.Client) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._ended = threading.Event()
        self.entries: list[dict[str, Any]] = []

    def run(self) -> None:
        cursor = 0
        while not self._ended.is_set():
            page = self._client.get("/api/v1/promotions", params={"after": cursor, "wait": 2}).json()
            self.entries += page["promotions"]
            cursor = page["cursor"]

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.entries) < count:
            assert time.monotonic() < deadline, f"only {len(self.entries)} entries came"
            time.sleep(0.05)

    def end(self) -> None:
        self._ended.set()
        self.join(60)


def call(client: httpx.Client, method: str, path: str, **body: Any) -> Any:
    answer = client.request(method, f"/api/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def release(client: httpx.Client, version: int) -> httpx.Response:
    body = {"subject": f"models:/progression/{version}", "environment": "production", "reason": f"release {version}"}
    return client.post("/api/v1/promotions", json=body)


def in_production(client: httpx.Client, at: str | int) -> list[str]:
    found = client.get("/api/v1/promotions", params={"environment": "production", "at": str(at)}).json()
    return [each["version"] for each in found["promotions"]]


@pytest.mark.timeout(300)
def test_from_training_to_production_and_back(server: TrackbackServer) -> None:
    mlflow = Environment("mlflow3")
    with admin(server) as root:
        ada = add_service(root, "ada", "writer")
        tokens = {
            "ci": add_service(root, "ci", "writer"),
            "carol": add_service(root, "carol", "writer", "promoter"),
        }
        call(root, "POST", "users", name="bob", password=PASSWORD, roles=["reader", "approver"])
        run_ids = [train(mlflow, server, ada, alpha) for alpha in ("0.1", "0.5")]
        call(root, "POST", "policies", stream="models:/progression", environment="production", document=POLICY)
        with (
            with_token(server, tokens["ci"]) as ci,
            httpx.Client(base_url=server.url, auth=("bob", PASSWORD), timeout=30) as bob,
            with_token(server, tokens["carol"]) as carol,
        ):
            reader = Reader(ci)
            reader.start()
            refused = release(carol, 1)
            assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_STATE")
            assert "accuracy" in refused.json()["message"]
            assert "approv" in refused.json()["message"]
            assert "accuracy" in mlflow.run(SCRIPT, tokens["carol"], "alias", "1", tracking_uri=server.url)

            for version in (1, 2):
                subject = f"models:/progression/{version}"
                call(ci, "POST", "verdicts", subject=subject, name="accuracy", passed=True)
                call(bob, "POST", "approvals", subject=subject, environment="production", reason="looks right")
                assert release(carol, version).status_code == 200
            reader.wait_for(2)

            report_delivery(ci, seq=2)
            check_trace(ci, run_ids[1])

            before_ms = reader.entries[1]["time"]
            call(carol, "POST", "promotions/rollback", stream="models:/progression", environment="production")
            reader.wait_for(3)
            reader.end()
            assert [each["seq"] for each in reader.entries] == [1, 2, 3]
            assert [each["kind"] for each in reader.entries] == ["promoted", "promoted", "rolled back"]
            assert in_production(ci, before_ms) == ["2"]
            assert in_production(ci, reader.entries[2]["time"]) == ["1"]
            assert in_production(ci, reader.entries[0]["time"] - 1) == []


def train(mlflow: Environment, server: TrackbackServer, token: str, alpha: str) -> str:
    return mlflow.run(SCRIPT, token, "train", alpha, tracking_uri=server.url).split()[-1]


def report_delivery(ci: httpx.Client, seq: int) -> None:
    build = call(ci, "POST", "builds", promotion=seq, system="gocd", pipeline="progression", counter="2", key="go-2")
    call(ci, "PATCH", f"builds/{build['build']['id']}", result="passed")
    for _ in range(2):  # a stage that is repeated reports once
        call(
            ci,
            "POST",
            "deployments",
            kind="image",
            locator=f"registry.example/progression@{IMAGE}",
            environment="production",
            version="models:/progression/2",
            promotion=seq,
            build=build["build"]["id"],
            key="go-2-deploy",
        )
    found = ci.get("/api/v1/deployments", params={"environment": "production", "at": "now"}).json()
    assert len(found["deployments"]) == 1


def check_trace(ci: httpx.Client, run_id: str) -> None:
    answer = ci.get(f"/api/v1/trace/{IMAGE}")
    assert answer.status_code == 200, answer.text
    told = json.dumps(answer.json())
    for expected in (run_id, '"alpha"', '"0.5"', "diabetes", "gocd", "release 2", "accuracy", "progression"):
        assert expected in told, f"{expected} is not in {told}"
