"""Who sees what of a run's pages, on a server that knows who asks."""

from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from tests.compat.wire import post
from tests.servers.accounts import add_service, admin, guarded_server, with_token
from tests.servers.trackback import TrackbackServer

PARTS = (
    *("", "/params", "/metrics", "/system", "/data", "/code", "/environment", "/logs", "/models", "/artifacts"),
    *("/download?path=secret.html", "/frame?path=secret.html"),
)

_numbers = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("run-pages")
    with guarded_server(f"sqlite:///{folder}/trackback.db", folder) as running:
        yield running


@pytest.fixture(scope="module")
def root(server: TrackbackServer) -> Iterator[httpx.Client]:
    with admin(server) as client:
        yield client


@pytest.fixture(scope="module")
def run_id(root: httpx.Client) -> str:
    """A run with a file and a metric."""
    experiment = post(root, "experiments/create", {"name": "secret"})["experiment_id"]
    run = post(root, "runs/create", {"experiment_id": experiment, "run_name": "of us alone"})["run"]["info"]["run_id"]
    post(root, "runs/log-metric", {"run_id": run, "key": "loss", "value": 1, "timestamp": 1, "step": 0})
    path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/secret.html"
    root.put(path, content=b"<b>secret</b>").raise_for_status()
    return str(run)


@pytest.fixture
def clients(server: TrackbackServer, root: httpx.Client, run_id: str) -> Iterator[dict[str, httpx.Client]]:
    """Someone who may read the run's experiment, and someone who may only read another."""
    other = post(root, "experiments/create", {"name": f"other {next(_numbers)}"})["experiment_id"]
    own = experiment_of(root, run_id)
    tokens = {
        "reader": add_service(root, f"reader{next(_numbers)}", "reader", resources=(f"experiments:/{own}",)),
        "stranger": add_service(root, f"stranger{next(_numbers)}", "reader", resources=(f"experiments:/{other}",)),
    }
    opened = {name: with_token(server, token) for name, token in tokens.items()}
    yield opened
    for client in opened.values():
        client.close()


def experiment_of(root: httpx.Client, run_id: str) -> str:
    info = root.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id}).json()["run"]["info"]
    return str(info["experiment_id"])


@pytest.mark.parametrize("part", PARTS)
def test_who_may_not_read_a_run_finds_no_part_of_it(clients: dict[str, httpx.Client], run_id: str, part: str) -> None:
    assert clients["reader"].get(f"/runs/{run_id}{part}").status_code == 200
    refused = clients["stranger"].get(f"/runs/{run_id}{part}")
    assert refused.status_code == 404
    assert "of us alone" not in refused.text
    assert "<b>secret" not in refused.text


def test_who_may_not_read_a_run_gets_no_curve_of_it(clients: dict[str, httpx.Client], run_id: str) -> None:
    asked = {"run": run_id, "key": "loss"}
    assert [len(clients[who].get("/ui/series", params=asked).json()["curves"]) for who in clients] == [1, 0]
    assert [len(clients[who].get("/ui/series/versions", params=asked).json()["runs"]) for who in clients] == [1, 0]


def test_buttons_are_shown_to_those_only_who_may_press_them(
    root: httpx.Client, clients: dict[str, httpx.Client], run_id: str
) -> None:
    pages = {"root": root.get(f"/runs/{run_id}").text, "reader": clients["reader"].get(f"/runs/{run_id}").text}
    for action in ("/edit", "/tags", "/delete", "/promote/staging"):
        form = f'action="/runs/{run_id}{action}"'
        assert [form in page for page in pages.values()] == [True, False]


def test_a_form_without_proof_of_its_page_changes_nothing(root: httpx.Client, run_id: str) -> None:
    for headers in ({}, {"sec-fetch-site": "cross-site"}):
        answer = root.post(f"/runs/{run_id}/delete", data={"back": f"/runs/{run_id}"}, headers=headers)
        assert answer.status_code == 403
    assert root.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id}).json()["run"]["info"]["lifecycle_stage"] == (
        "active"
    )
