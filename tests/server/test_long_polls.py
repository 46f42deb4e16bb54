"""Requests that wait for promotions on a server with accounts: who may not read any more is not answered with them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

from tests.server.test_promotions_wire import finished_run
from tests.servers.accounts import add_service, admin, guarded_server, post, with_token
from tests.servers.trackback import TrackbackServer

LOG = "/api/v1/promotions"
BEGUN_S = 0.7
Revoke = Callable[[httpx.Client, str], None]

_names = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("polls")
    with guarded_server(f"sqlite:///{folder}/trackback.db", folder) as running:
        yield running


@pytest.fixture
def root(server: TrackbackServer) -> Iterator[httpx.Client]:
    with admin(server) as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"reader{next(_names)}"


def revoke_token(root: httpx.Client, name: str) -> None:
    (token,) = root.get("/api/v1/tokens", params={"user": name}).json()["tokens"]
    assert root.delete(f"/api/v1/tokens/{token['id']}").status_code == 200


def disable(root: httpx.Client, name: str) -> None:
    post(root, f"users/{name}/disable", {})


def revoke_role(root: httpx.Client, name: str) -> None:
    grant = {"user": name, "role": "reader"}
    assert root.request("DELETE", "/api/v1/grants", json=grant).status_code == 200


def cursor(root: httpx.Client) -> int:
    return int(root.get(LOG, params={"max_results": 1000}).json()["cursor"])


def promote(root: httpx.Client) -> None:
    post(root, "promotions", {"subject": f"runs:/{finished_run(root)}", "environment": "staging"})


WAYS = [(revoke_token, 401), (disable, 401), (revoke_role, 403)]


@pytest.mark.parametrize(("revoke", "status"), WAYS)
@pytest.mark.parametrize("grows", [True, False], ids=["an entry comes", "none comes"])
def test_a_wait_ends_as_a_request_that_came_only_now(
    server: TrackbackServer, root: httpx.Client, name: str, revoke: Revoke, status: int, grows: bool
) -> None:
    token, after = add_service(root, name, "reader"), cursor(root)
    with with_token(server, token) as http, ThreadPoolExecutor(1) as pool:
        query = {"after": after, "wait": 30 if grows else 3}
        waiting = pool.submit(http.get, LOG, params=query)
        time.sleep(BEGUN_S)
        revoke(root, name)
        if grows:
            promote(root)
        ended, fresh = waiting.result(), http.get(LOG, params=query)
    assert (ended.status_code, ended.json()) == (status, fresh.json())


def test_a_wait_for_one_model_ends_when_the_grant_for_it_is_gone(
    server: TrackbackServer, root: httpx.Client, name: str
) -> None:
    for model in ("churn", "fraud"):
        answer = root.post("/api/2.0/mlflow/registered-models/create", json={"name": f"{model} {name}"})
        assert answer.status_code == 200
    token = add_service(root, name, "reader", resources=(f"models:/churn {name}", f"models:/fraud {name}"))
    with with_token(server, token) as http, ThreadPoolExecutor(1) as pool:
        query: dict[str, str | int] = {"after": cursor(root), "wait": 2, "stream": f"models:/churn {name}"}
        waiting = pool.submit(lambda: http.get(LOG, params=query))
        time.sleep(BEGUN_S)
        grant = {"user": name, "role": "reader", "resource": f"models:/churn {name}"}
        assert root.request("DELETE", "/api/v1/grants", json=grant).status_code == 200
        assert waiting.result().status_code == 404


@pytest.mark.parametrize("revoke", [revoke for revoke, _ in WAYS])
def test_a_stream_of_events_ends_before_the_next_entry(
    server: TrackbackServer, root: httpx.Client, name: str, revoke: Revoke
) -> None:
    token, after = add_service(root, name, "reader"), cursor(root)
    with with_token(server, token) as http, http.stream("GET", f"{LOG}/events", params={"after": after}) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": nothing new"
        revoke(root, name)
        promote(root)
        assert [line for line in lines if line] == []
