"""Builds, deployments, trace and impact over HTTP and on the command line."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests import commands
from tests.servers.trackback import TrackbackServer

IMAGE = f"registry.example/churn@sha256:{'1' * 64}"
BUILD_URL = "https://ci.example/go/pipelines/churn/12?tab=console#log"
COMMIT = "abc1234def5678abc1234def5678abc1234def56"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("delivery")
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder) as running:
        yield running
    assert "Traceback" not in running.log_text


@pytest.fixture(scope="module")
def client(server: TrackbackServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def call(client: httpx.Client, method: str, path: str, **body: Any) -> Any:
    answer = client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def mlflow(client: httpx.Client, endpoint: str, **body: Any) -> Any:
    return call(client, "POST", f"/api/2.0/mlflow/{endpoint}", **body)


@pytest.fixture(scope="module")
def run_id(client: httpx.Client) -> str:
    """A run that used a data set and made version 1 of churn, which is in production by promotion 1."""
    tags = [{"key": "mlflow.source.git.commit", "value": COMMIT}]
    run = mlflow(client, "runs/create", experiment_id="0", run_name="train", tags=tags)["run"]["info"]
    name = str(run["run_id"])
    mlflow(client, "runs/log-parameter", run_id=name, key="depth", value="3")
    dataset = {"name": "train", "digest": "1a2b3c4d", "source_type": "local", "source": "{}"}
    mlflow(client, "runs/log-inputs", run_id=name, datasets=[{"dataset": dataset}])
    folder = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    for file, content in (("MLmodel", b"flavors: {}\n"), ("requirements.txt", b"numpy==1.26.0\n")):
        path = f"/api/2.0/mlflow-artifacts/artifacts/{folder}/model/{file}"
        client.put(path, content=content).raise_for_status()
    mlflow(client, "registered-models/create", name="churn")
    mlflow(client, "model-versions/create", name="churn", source=f"runs:/{name}/model", run_id=name)
    call(client, "POST", "/api/v1/promotions", subject="models:/churn/1", environment="production", reason="better")
    return name


def trackback(server: TrackbackServer, *arguments: str, env: dict[str, str] | None = None) -> str:
    """What a command prints, which is expected to succeed."""
    done = program(server, *arguments, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(
    server: TrackbackServer, *arguments: str, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("GO_", "GITHUB_", "CI"))}
    return commands.trackback(*arguments, "--server", server.url, env=mine | (env or {}))


def test_a_pipeline_reports_what_it_does_and_the_image_leads_back_to_the_run(
    server: TrackbackServer, client: httpx.Client, run_id: str
) -> None:
    inside = {"GO_PIPELINE_NAME": "churn", "GO_PIPELINE_COUNTER": "12", "GO_STAGE_NAME": "image"}
    for promotion in ("TRACKBACK_PROMOTION", "GO_PACKAGE_CHURN_PROMOTION"):  # a retried stage writes once
        told = inside | {promotion: "1"}
        started = json.loads(trackback(server, "build", "start", "--url", BUILD_URL, "--json", env=told))
    assert (started["system"], started["stage"], started["result"]) == ("gocd", "image", "running")
    printed = trackback(server, "build", "finish", "--result", "passed", env=told)
    assert printed == f"Build {started['id']}: gocd/churn/12/image is passed, for promotion 1.\n"
    for _ in range(2):
        deployed = ["deployed", IMAGE, "--kind", "image", "--build", str(started["id"])]
        printed = trackback(server, *deployed)
    assert printed == f"Deployment 1: models:/churn/1 is live in production, at {IMAGE}.\n"
    assert len(call(client, "GET", "/api/v1/builds")["builds"]) == 1
    assert len(call(client, "GET", "/api/v1/deployments")["deployments"]) == 1

    tree = trackback(server, "trace", f"sha256:{'1' * 64}")
    said = ["deployment 1: models:/churn/1", f"build {started['id']}: gocd/churn/12/image passed", "promotion 1:"]
    said += ["better", "version models:/churn/1", f"run {run_id} train", "depth = 3", COMMIT, "train 1a2b3c4d (weak"]
    said += ["numpy 1.26.0"]
    places = [tree.find(each) for each in said]
    assert places == sorted(places)
    assert -1 not in places


def test_what_a_promotion_rested_on_is_told_in_words(
    server: TrackbackServer, client: httpx.Client, run_id: str
) -> None:
    said = {"subject": "models:/churn/1", "environment": "staging"}
    promoted = call(client, "POST", "/api/v1/promotions", **said)["promotion"]["seq"]
    demoted = call(client, "POST", "/api/v1/promotions/demote", **said)["promotion"]["seq"]
    tree = trackback(server, "trace", f"promotions/{demoted}")
    assert f"─ as it was at promotion {promoted}" in tree


def test_every_name_of_it_can_be_sent_in_the_path(client: httpx.Client, run_id: str) -> None:
    for x in (IMAGE, BUILD_URL, "models:/churn/1", "models:/churn@production", run_id, COMMIT[:9]):
        answer = call(client, "GET", f"/api/v1/trace/{quote(x, safe='')}")
        assert (answer["x"], answer["run"]["run_id"]) == (x, run_id)
    assert call(client, "GET", "/api/v1/trace/models:/churn/1")["version"]["version"] == "1"


def test_builds_are_updated_by_number_and_found(client: httpx.Client, run_id: str) -> None:
    said = {"promotion": 1, "system": "github", "pipeline": "ci.yml", "counter": "77", "url": "https://ci.example/77"}
    build = call(client, "POST", "/api/v1/builds", **said)["build"]
    path = f"/api/v1/builds/{build['id']}"
    changed = call(client, "PATCH", path, result="failed", finished=build["started"] + 5)["build"]
    assert (changed["result"], changed["finished"]) == ("failed", build["started"] + 5)
    assert call(client, "GET", path)["build"] == changed
    for query in ("url=https://ci.example/77", "promotion=1&max_results=1", "subject=models:/churn/1&max_results=1"):
        assert call(client, "GET", f"/api/v1/builds?{query}")["builds"] == [changed]


def test_what_was_live_at_a_time_is_asked_in_iso_8601_or_in_milliseconds(
    server: TrackbackServer, client: httpx.Client, run_id: str
) -> None:
    noon = 1793534400000  # 2026-11-01T12:00:00Z
    place = {"kind": "endpoint", "locator": "https://churn.example/a", "environment": "staging"}
    said = place | {"version": "models:/churn/1", "started": noon - 1000, "ended": noon + 1000, "key": "past"}
    assert call(client, "POST", "/api/v1/deployments", **said)["deployment"]["ended"] == noon + 1000
    for at, live in {
        "2026-11-01T12:00:00Z": 1,
        "2026-11-01T13:00:00+01:00": 1,
        str(noon): 1,
        str(noon + 1000): 0,
        "2026-11-01": 0,
        "now": 0,
    }.items():
        found = client.get("/api/v1/deployments", params={"environment": "staging", "at": at}).json()["deployments"]
        assert (at, len(found)) == (at, live)
    listed = trackback(server, "deployments", "--environment", "staging", "--at", "2026-11-01T12:00:00Z")
    assert "https://churn.example/a" in listed


def test_a_deployment_ends_once(server: TrackbackServer, client: httpx.Client, run_id: str) -> None:
    said = ["deployed", "ami-0123456789abcdef0", "--kind", "ami", "--region", "eu-west-1", "--version"]
    number = json.loads(trackback(server, *said, "models:/churn/1", "--environment", "staging", "--json"))["id"]
    first = json.loads(trackback(server, "undeployed", str(number), "--json"))
    assert json.loads(trackback(server, "undeployed", str(number), "--json")) == first
    assert first["ended"] >= first["started"]


def test_impact_names_the_version_where_it_is_live_and_the_last_that_is_not_affected(
    server: TrackbackServer, client: httpx.Client, run_id: str
) -> None:
    for question in (["--dataset", "1a2b3c4d"], ["--package", "numpy==1.26.0"], ["--commit", COMMIT[:7]]):
        (line,) = trackback(server, "impact", *question, "--json").splitlines()
        model = json.loads(line)
        assert (model["name"], [each["version"] for each in model["versions"]]) == ("churn", ["1"])
        assert model["versions"][0]["environments"] == ["production"]
    printed = trackback(server, "impact", "--run", run_id)
    assert "churn: 1 affected; none is not" in printed
    answer = call(client, "GET", "/api/v1/impact?package=numpy==9")
    assert answer == {"affected": 0, "models": []}


def test_provenance_is_told_of_a_run(client: httpx.Client, run_id: str) -> None:
    known = call(client, "GET", f"/api/v1/provenance?run_id={run_id}")["provenance"]
    assert (known["origin"], known["code"]) == ("derived", {"commit": COMMIT})
    assert known["packages"] == [{"name": "numpy", "version": "1.26.0"}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/trace/nothing", None, 404),
        ("GET", "/api/v1/trace/%00", None, 400),
        ("GET", "/api/v1/impact", None, 400),
        ("GET", "/api/v1/builds/99", None, 404),
        ("GET", "/api/v1/deployments/x", None, 400),
        ("GET", "/api/v1/deployments?at=yesterday", None, 400),
        ("GET", "/api/v1/deployments?environment=prodution", None, 400),
        ("GET", "/api/v1/provenance?run_id=x", None, 404),
        ("POST", "/api/v1/builds", {"promotion": 99, "system": "s", "pipeline": "p"}, 404),
        ("POST", "/api/v1/builds", {"result": "great"}, 400),
        ("POST", "/api/v1/deployments", {"kind": "image", "locator": IMAGE, "version": "models:/churn/99"}, 404),
        ("POST", "/api/v1/deployments", {"kind": "boat", "locator": "x"}, 400),
        ("POST", "/api/v1/deployments/99/end", {}, 404),
    ],
)
def test_what_is_wrong_is_said(
    client: httpx.Client, run_id: str, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    answer = client.request(method, path, json=body) if body is not None else client.request(method, path)
    assert (answer.status_code, bool(answer.json()["message"])) == (status, True), answer.text


def test_commands_end_with_1_where_the_server_says_no(server: TrackbackServer, run_id: str) -> None:
    done = program(server, "trace", "nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("trackback: Nothing here is known by 'nothing'.")
