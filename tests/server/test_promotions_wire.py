"""Promotions over HTTP and on the command line: the log, the wait for it, its events, and what is refused."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.commands import trackback
from tests.servers.trackback import TrackbackServer

RULES = "--promotion-rules", "promote=true"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("promotions")
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder, RULES) as running:
        yield running
    assert "Traceback" not in running.log_text


@pytest.fixture
def client(server: TrackbackServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def call(client: httpx.Client, method: str, path: str, **body: Any) -> Any:
    answer = client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def finished_run(client: httpx.Client) -> str:
    run = call(client, "POST", "/api/2.0/mlflow/runs/create", experiment_id="0")["run"]["info"]
    path = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    client.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}/notes.txt", content=b"notes").raise_for_status()
    call(client, "POST", "/api/2.0/mlflow/runs/update", run_id=run["run_id"], status="FINISHED")
    return str(run["run_id"])


def tag(client: httpx.Client, run_id: str, value: str) -> None:
    call(client, "POST", "/api/2.0/mlflow/runs/set-tag", run_id=run_id, key="promote", value=value)


def cursor(client: httpx.Client) -> int:
    return int(client.get("/api/v1/promotions", params={"max_results": 1000}).json()["cursor"])


def command(server: TrackbackServer, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return trackback(*arguments, "--server", server.url)


def test_a_waiting_reader_gets_a_promotion_when_it_comes(client: httpx.Client, server: TrackbackServer) -> None:
    after, run_id = cursor(client), finished_run(client)

    def promote() -> None:
        time.sleep(0.5)
        with httpx.Client(base_url=server.url) as other:
            tag(other, run_id, "true")

    promoting = threading.Thread(target=promote)
    promoting.start()
    page = client.get("/api/v1/promotions", params={"after": after, "wait": 30}).json()
    promoting.join()
    assert [each["run_id"] for each in page["promotions"]] == [run_id]
    assert page["cursor"] == page["promotions"][0]["seq"] == after + 1


def test_an_entry_has_its_own_address(client: httpx.Client) -> None:
    tag(client, finished_run(client), "true")
    number = cursor(client)
    entry = client.get(f"/api/v1/promotions/{number}").json()["promotion"]
    assert (entry["seq"], entry["kind"], entry["origin"]) == (number, "promoted", "tag")
    missing = client.get(f"/api/v1/promotions/{number + 1}")
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_events_carry_the_entries_and_their_numbers(client: httpx.Client) -> None:
    after = cursor(client)
    for _ in range(2):
        tag(client, finished_run(client), "true")
    headers = {"last-event-id": str(after)}
    with client.stream("GET", "/api/v1/promotions/events", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        events = [[next(lines) for _ in range(4)] for _ in range(2)]
    assert [event[0] for event in events] == [f"id: {after + 1}", f"id: {after + 2}"]
    assert [json.loads(event[2].removeprefix("data: "))["seq"] for event in events] == [after + 1, after + 2]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"subject": "models:/churn/1", "environment": "production"}, 404, "churn"),
        ({"subject": "churn", "environment": "production"}, 400, "models:/churn/7"),
        ({"environment": "production"}, 400, "subject"),
        ({"subject": "runs:/" + "0" * 32}, 400, "environment"),
    ],
)
def test_a_bad_request_is_refused_and_says_why(
    client: httpx.Client, body: dict[str, str], status: int, says: str
) -> None:
    before = cursor(client)
    answer = client.post("/api/v1/promotions", json=body)
    assert answer.status_code == status
    assert says in answer.json()["message"]
    assert cursor(client) == before


@pytest.mark.parametrize(
    "query", ["after=x", "wait=soon", "at=yesterday", "max_results=0", "environment=moon", "page_token=x"]
)
def test_a_bad_query_is_refused(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/api/v1/promotions?{query}")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_commands_promote_roll_back_demote_and_list(client: httpx.Client, server: TrackbackServer) -> None:
    first, second = finished_run(client), finished_run(client)
    for run_id in (first, second):
        done = command(server, "promote", f"runs:/{run_id}", "--to", "production", "--reason", "better")
        assert f"runs:/{run_id} is in production." in done.stdout
    back = command(server, "rollback", "experiments:/0", "--in", "production", "--json")
    assert json.loads(back.stdout)["promotion"]["run_id"] == first
    now = command(server, "promotions", "--at", "now", "--environment", "production", "--json")
    assert [json.loads(line)["run_id"] for line in now.stdout.splitlines()] == [first]
    gone = command(server, "demote", f"runs:/{first}", "--from", "production")
    assert f"runs:/{first} has left production." in gone.stdout
    listed = command(server, "promotions", "--environment", "production")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [
        str(each["seq"])
        for each in client.get("/api/v1/promotions", params={"environment": "production"}).json()["promotions"]
    ]


def test_lists_of_what_is_in_force_and_of_what_waits_come_in_pages(client: httpx.Client) -> None:
    for number in range(3):
        made = call(client, "POST", "/api/2.0/mlflow/experiments/create", name=f"paged {number}")
        path, run = "/api/2.0/mlflow/runs/create", {"tags": [{"key": "promote", "value": "true"}]}
        for _ in range(2):
            run_id = call(client, "POST", path, experiment_id=made["experiment_id"], **run)["run"]["info"]["run_id"]
        call(client, "POST", "/api/2.0/mlflow/runs/update", run_id=run_id, status="FINISHED")
    for path, asked, name in (("", {"at": "now"}, "promotions"), ("/pending", {}, "pending")):
        url = f"/api/v1/promotions{path}"
        whole = client.get(url, params=asked).json()
        token, pages = "", list[list[object]]()
        while len(pages) < 100:
            page = client.get(url, params={**asked, "max_results": 2, "page_token": token}).json()
            pages.append(page[name])
            if not (token := page.get("next_page_token", "")):
                break
        assert len(pages) > 1
        assert [each for page in pages for each in page] == whole[name]


def test_a_rollback_that_passes_over_what_was_deleted_says_so(client: httpx.Client, server: TrackbackServer) -> None:
    runs = [finished_run(client) for _ in range(3)]
    for run_id in runs:
        command(server, "promote", f"runs:/{run_id}", "--to", "production")
    call(client, "POST", "/api/2.0/mlflow/runs/delete", run_id=runs[1])
    last = cursor(client)
    back = command(server, "rollback", "experiments:/0", "--in", "production")
    assert back.stdout == (
        f"Promotion {last + 1}: production is back to runs:/{runs[0]}. What was there after that, by promotion "
        f"{last - 1}, was passed over: it has been deleted since.\n"
    )


def test_a_command_that_is_refused_says_what_is_missing(client: httpx.Client, server: TrackbackServer) -> None:
    run = call(client, "POST", "/api/2.0/mlflow/runs/create", experiment_id="0")["run"]["info"]["run_id"]
    refused = command(server, "promote", f"runs:/{run}", "--to", "staging")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "RUNNING" in refused.stderr
    waiting = command(server, "promote", f"runs:/{run}", "--to", "staging", "--pending")
    assert "waits to enter staging" in waiting.stdout
    listed = command(server, "promotions", "--waiting", "--json")
    assert run in [json.loads(line)["run_id"] for line in listed.stdout.splitlines()]
