"""Webhooks over HTTP and on the command line, with a receiver on loopback."""

import json
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from tests.client.faulty import FaultyServer, reply
from tests.server.test_command_line import trackback
from tests.servers.trackback import TrackbackServer

API = "/api/v1/webhooks"
MLFLOW = "/api/2.0/mlflow/webhooks"
SECRET = "s3cret"

_names = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("webhooks")
    flags = ["--webhook-allowed-networks", "127.0.0.0/8"]
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder, flags) as running:
        yield running
    assert "Traceback" not in running.log_text
    assert "/hook" not in running.log_text, "a URL may be a secret"


@pytest.fixture
def http(server: TrackbackServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[FaultyServer]:
    with FaultyServer(reply(200, b"thanks")) as running:
        yield running


@pytest.fixture
def name() -> str:
    return f"hook{next(_names)}"


def ask(http: httpx.Client, method: str, path: str, **body: Any) -> Any:
    answer = send(http, method, path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(http: httpx.Client, method: str, path: str, **body: Any) -> Any:
    answer = send(http, method, path, body)
    assert answer.status_code == 400, answer.text
    return answer.json()


def send(http: httpx.Client, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
    return http.get(path, params=body) if method == "GET" else http.request(method, path, json=body)


def promoted(http: httpx.Client, model: str) -> int:
    """The number of a promotion of a new model."""
    ask(http, "POST", "/api/2.0/mlflow/registered-models/create", name=model)
    ask(http, "POST", "/api/2.0/mlflow/model-versions/create", name=model, source="s3://elsewhere/model")
    body = {"subject": f"models:/{model}/1", "environment": "production", "allow_unverified": True}
    return int(ask(http, "POST", "/api/v1/promotions", **body)["promotion"]["seq"])


def delivered(http: httpx.Client, webhook_id: str, number: int) -> list[dict[str, Any]]:
    """The deliveries that have been taken, once there are so many; the newest first."""
    deadline = time.monotonic() + 20
    while True:
        found = ask(http, "GET", f"{API}/{webhook_id}/deliveries", status="delivered")
        if len(found.get("deliveries", [])) >= number:
            return list(found["deliveries"])
        assert time.monotonic() < deadline, f"{found} is less than {number}"
        time.sleep(0.05)


def test_a_promotion_is_told_kept_and_replayed(http: httpx.Client, receiver: FaultyServer, name: str) -> None:
    made = ask(http, "POST", API, name=name, url=f"{receiver.url}/hook", secret=SECRET)["webhook"]
    webhook = made["webhook_id"]
    seq = promoted(http, name)
    (delivery,) = delivered(http, webhook, 1)
    assert (delivery["seq"], delivery["response_status"], delivery["response_body"]) == (seq, 200, "thanks")
    assert "body" not in delivery
    whole = ask(http, "GET", f"{API}/{webhook}/deliveries/{delivery['id']}")["delivery"]
    assert whole["body"] == json.loads(receiver.seen[0].body)

    again = ask(http, "POST", f"{API}/{webhook}/deliveries/{delivery['id']}/replay")["delivery"]
    assert (again["replay_of"], again["status"]) == (delivery["id"], "pending")
    assert ask(http, "POST", f"{API}/{webhook}/replay", from_seq=seq) == {"replayed": 1}
    assert [each["seq"] for each in delivered(http, webhook, 3)] == [seq] * 3
    assert len(receiver.seen) == 3
    ask(http, "DELETE", f"{API}/{webhook}")


def test_a_secret_is_never_answered(http: httpx.Client, receiver: FaultyServer, name: str) -> None:
    body = {"name": name, "url": f"{receiver.url}/hook", "secret": SECRET, "token": "t0ken"}
    made = http.post(API, json=body)
    webhook = made.json()["webhook"]
    answers = [
        made,
        http.get(f"{API}/{webhook['webhook_id']}"),
        http.get(API),
        http.patch(f"{API}/{webhook['webhook_id']}", json={"description": "x"}),
        http.get(f"{MLFLOW}/{webhook['webhook_id']}"),
        http.get("/api/v1/audit"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert not any(secret in answer.text for answer in answers for secret in (SECRET, "t0ken"))
    assert webhook["signed"]
    ask(http, "DELETE", f"{API}/{webhook['webhook_id']}")


def test_mlflow_s_list_has_what_its_clients_can_read_and_ours_has_all(
    http: httpx.Client, receiver: FaultyServer, name: str
) -> None:
    events = [{"entity": "MODEL_VERSION", "action": "CREATED"}]
    theirs = ask(http, "POST", MLFLOW, name=name, url=f"{receiver.url}/hook", events=events)["webhook"]
    ours = ask(http, "POST", API, name=f"{name}-ours", url=f"{receiver.url}/hook")["webhook"]
    assert ours["events"] == [{"entity": "PROMOTION", "action": "CREATED"}]
    assert [each["webhook_id"] for each in ask(http, "GET", MLFLOW)["webhooks"]] == [theirs["webhook_id"]]
    both = [ours["webhook_id"], theirs["webhook_id"]]
    assert [each["webhook_id"] for each in ask(http, "GET", API)["webhooks"]] == both
    for webhook in both:
        ask(http, "DELETE", f"{MLFLOW}/{webhook}")


def test_events_may_be_named_by_number_as_protobuf_s_clients_do(
    http: httpx.Client, receiver: FaultyServer, name: str
) -> None:
    events = [{"entity": 4, "action": 3}]
    made = ask(http, "POST", MLFLOW, name=name, url=f"{receiver.url}/hook", events=events, status=2)["webhook"]
    assert made["events"] == [{"entity": "MODEL_VERSION_ALIAS", "action": "DELETED"}]
    assert made["status"] == "DISABLED"
    ask(http, "DELETE", f"{MLFLOW}/{made['webhook_id']}")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"url": "http://10.0.0.1/hook"}, "no public address"),
        ({"target": "carrier pigeon"}, "one of plain, github, gitlab"),
        ({"events": [{"entity": "NOTHING", "action": "CREATED"}]}, "events[0].entity"),
        ({"options": {"a": 1}}, "options"),
    ],
)
def test_what_can_t_be_is_refused(
    http: httpx.Client, receiver: FaultyServer, name: str, body: dict[str, Any], message: str
) -> None:
    answer = refusal(http, "POST", API, **{"name": name, "url": f"{receiver.url}/hook", **body})
    assert answer["error_code"] == "INVALID_PARAMETER_VALUE"
    assert message in answer["message"]


def test_a_status_that_is_none_is_refused(http: httpx.Client) -> None:
    assert "pending, delivered, failed" in refusal(http, "GET", f"{API}/x/deliveries", status="lost")["message"]


def test_the_command_line_does_it_all(
    server: TrackbackServer, http: httpx.Client, receiver: FaultyServer, name: str
) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        env = {"TRACKBACK_TRACKING_URI": server.url, "TRACKBACK_WEBHOOK_SECRET": SECRET}
        done, printed = trackback("webhook", *arguments, env=env)
        assert done == code, printed
        return printed

    made = json.loads(run("create", name, f"{receiver.url}/hook", "--environment", "production", "--json"))
    assert (made["name"], made["signed"], made["environment"]) == (name, True, "production")
    assert name in run("list")
    assert "promotion.created" in run("show", name)
    assert run("test", name) == "200 thanks"
    seq = promoted(http, name)
    (delivery,) = delivered(http, made["webhook_id"], 1)
    assert delivery["id"] in run("deliveries", name, "--status", "delivered")
    assert json.loads(run("deliveries", name, delivery["id"]))["body"]["data"]["seq"] == seq
    assert f"repeats {delivery['id']}" in run("replay", name, delivery["id"])
    assert run("replay", name, "--from", str(seq)) == "1 promotions are told again."
    delivered(http, made["webhook_id"], 3)
    assert "disabled" in run("disable", name)
    assert "active" in run("enable", name)
    receiver.then(reply(500, b"no"))
    assert run("test", name, code=1) == "500 no"
    assert "deleted" in run("delete", name)
    assert "There is no webhook" in run("show", name, code=1)
