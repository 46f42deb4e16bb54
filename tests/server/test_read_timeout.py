"""Searches that are too slow end with an error that nobody repeats, and hold up nothing else."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from tests.server.wire import Answer, ask, new_run, post
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer
from trackback.services.experiments import Experiments
from trackback.storage import Transaction, open_storage, runs

RUNS = 5000
SEARCHES = 10
READ_TIMEOUT_S = 0.5
TOO_SLOW = (400, "DEADLINE_EXCEEDED")
REFUSED = (429, "REQUEST_LIMIT_EXCEEDED")
SLOW = " OR ".join(f"attributes.run_name ILIKE '%other {number}%'" for number in range(400))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    """On each kind of database, with many runs: one for all tests, since these take long to write."""
    folder = tmp_path_factory.mktemp("many")
    uri = f"sqlite:///{folder}/trackback.db"
    if request.param == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        uri = postgres.create_database()
    asyncio.run(populate(uri))
    flags = ["--read-timeout", str(READ_TIMEOUT_S)]
    with TrackbackServer(uri, folder / "artifacts", folder, flags) as running:
        yield running


async def populate(uri: str) -> None:
    def add_runs(tx: Transaction) -> None:
        for number in range(RUNS):
            run = runs.add(tx, f"{number:032x}", 0, f"run {number}", "", number, "")
            runs.set_tags(tx, run, {"mlflow.runName": f"run {number}"})

    storage = open_storage(uri)
    await Experiments(storage, "mlflow-artifacts:/").ensure_default()
    await storage.write(add_runs)
    await storage.close()


def search(port: int, filter_text: str) -> Answer:
    body = json.dumps({"experiment_ids": ["0"], "filter": filter_text, "max_results": 5}).encode()
    return ask(port, "POST", "/api/2.0/mlflow/runs/search", body)


def test_a_slow_search_ends_with_an_error_that_says_what_to_do(server: TrackbackServer) -> None:
    answer = search(server.port, SLOW)

    assert answer.error == TOO_SLOW
    assert "took longer than 0.5 s" in answer.json["message"]
    assert "--read-timeout" in answer.json["message"]
    assert "Runs.search" in server.log_text
    assert len(search(server.port, "attributes.run_name = 'run 7'").json["runs"]) == 1


def test_the_rest_goes_on_meanwhile(server: TrackbackServer) -> None:
    refusals = []
    searches = [
        threading.Thread(target=lambda: refusals.append(search(server.port, SLOW).error)) for _ in range(SEARCHES)
    ]
    for thread in searches:
        thread.start()
    run_id = new_run(server.port)
    for step in range(20):
        post(server.port, "runs/log-metric", {"run_id": run_id, "key": "m", "value": 1, "timestamp": 1, "step": step})
        assert ask(server.port, "GET", f"/api/2.0/mlflow/runs/get?run_id={run_id}").status == 200
        assert ask(server.port, "GET", "/ready").status == 200
    for thread in searches:
        thread.join()

    assert len(refusals) == SEARCHES
    assert set(refusals) <= {TOO_SLOW, REFUSED}
