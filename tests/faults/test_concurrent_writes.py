"""Many clients write to the same place at once: on SQLite to one server, on PostgreSQL to two that share it."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar
from urllib.parse import quote

import pytest

from tests.faults.audit import SOUND, audit
from tests.faults.client import Answer, Client
from tests.faults.load import Books, Point, Series
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer

T = TypeVar("T")

CLIENTS = 16
BATCHES = 6
KEYS = 40

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
TAKEN = (400, "RESOURCE_ALREADY_EXISTS")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def ports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """Of the servers, all of which write to one database."""
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        uris = [f"sqlite:///{folder}/trackback.db"]
        if request.param == "postgres":
            postgres: Postgres = request.getfixturevalue("postgres")
            uris = [postgres.create_database()] * 2
        servers = [stack.enter_context(TrackbackServer(uri, folder / "artifacts", folder)) for uri in uris]
        yield [server.port for server in servers]
    assert not any("Traceback" in server.log_text for server in servers)


@pytest.fixture
def deadlocks(ports: list[int], request: pytest.FixtureRequest) -> Callable[[], int]:
    """How many PostgreSQL has found and broken off, after a second's wait for each."""
    if len(ports) == 1:
        return lambda: 0
    postgres: Postgres = request.getfixturevalue("postgres")
    return lambda: postgres.log_text.count("deadlock detected")


@pytest.fixture
def run(ports: list[int]) -> str:
    with Client(ports[0]) as client:
        return client.new_run()


def together(ports: list[int], ask: Callable[[Client, int], T]) -> list[T]:
    """What each of 16 clients got, who all began at the same moment."""
    start = threading.Barrier(CLIENTS)

    def work(number: int) -> T:
        with Client(ports[number % len(ports)]) as client:
            client.ask("GET", "/ready")
            start.wait()
            return ask(client, number)

    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(work, range(CLIENTS)))


def shuffled_batch(run: str, number: int) -> dict[str, Any]:
    """Half of the keys in an order of its own: points that lie between those of others, and params that all share."""
    choose = random.Random(number)
    keys = choose.sample([f"metric {key}" for key in range(KEYS)], KEYS // 2)
    params = choose.sample([f"param {key}" for key in range(KEYS)], KEYS // 2)
    return {
        "run_id": run,
        "metrics": [
            {
                "key": key,
                "step": choose.randrange(1000),
                "timestamp": choose.randrange(1000),
                "value": choose.randrange(10**6) / 64,
            }
            for key in keys
        ],
        "params": [{"key": key, "value": f"value of {key}"} for key in params],
        "tags": [{"key": choose.choice([*keys, *params]), "value": "same"} for _ in range(5)],
    }


def books_of(batches: list[dict[str, Any]]) -> Books:
    books = Books()
    for batch in batches:
        for metric in batch["metrics"]:
            point = Point(metric["step"], metric["timestamp"], metric["value"])
            books.points_sent[Series(batch["run_id"], metric["key"])].add(point)
        books.params |= {Series(batch["run_id"], param["key"]): param["value"] for param in batch["params"]}
    books.points = books.points_sent
    return books


def test_batches_on_one_run_in_any_order_of_keys_all_arrive_once(
    ports: list[int], run: str, deadlocks: Callable[[], int]
) -> None:
    """Each is sent by two clients, and twice by each, as retries are."""
    before = deadlocks()
    batches = [shuffled_batch(run, number) for number in range(CLIENTS * BATCHES // 2)]

    def log_some(client: Client, number: int) -> set[int]:
        own = [batches[(number * BATCHES // 2 + n) % len(batches)] for n in range(BATCHES)]
        return {client.post("runs/log-batch", batch).status for batch in own for _ in range(2)}

    assert together(ports, log_some) == [{200}] * CLIENTS
    assert audit(ports[0], books_of(batches)) == SOUND
    assert deadlocks() == before


def test_one_of_many_who_create_an_experiment_does_and_the_rest_are_told_that_it_exists(ports: list[int]) -> None:
    answers = together(ports, lambda client, number: client.post("experiments/create", {"name": "wanted by all"}))

    assert sorted(answer.status for answer in answers) == [200] + [400] * (CLIENTS - 1)
    assert {answer.error for answer in answers if answer.status != 200} == {TAKEN}


def test_one_tag_set_by_many_has_the_value_of_one_of_them(ports: list[int], run: str) -> None:
    def set_tag(client: Client, number: int) -> Answer:
        return client.post("runs/set-tag", {"run_id": run, "key": "owner", "value": str(number)})

    assert {answer.status for answer in together(ports, set_tag)} == {200}
    with Client(ports[0]) as client:
        tags = client.result("GET", "runs/get", {"run_id": run})["run"]["data"]["tags"]
    assert [int(tag["value"]) in range(CLIENTS) for tag in tags if tag["key"] == "owner"] == [True]


def test_one_param_given_different_values_by_many_keeps_the_first_and_refuses_the_rest(
    ports: list[int], run: str
) -> None:
    def log_param(client: Client, number: int) -> Answer:
        return client.post("runs/log-parameter", {"run_id": run, "key": "depth", "value": str(number)})

    statuses = [answer.status for answer in together(ports, log_param)]
    assert sorted(statuses) == [200] + [400] * (CLIENTS - 1)
    with Client(ports[0]) as client:
        data = client.result("GET", "runs/get", {"run_id": run})["run"]["data"]
    assert data["params"] == [{"key": "depth", "value": str(statuses.index(200))}]


def test_new_names_used_by_many_runs_at_once_mean_the_same_in_all(ports: list[int]) -> None:
    names = [f"new {number}" for number in range(50)]

    def log_new_names(client: Client, number: int) -> list[str]:
        run = client.new_run()
        order = random.Random(number).sample(names, len(names))
        points = [{"key": name, "value": names.index(name), "timestamp": 1} for name in order]
        client.result("POST", "runs/log-batch", {"run_id": run, "metrics": points})
        data = client.result("GET", "runs/get", {"run_id": run})["run"]["data"]
        return [metric["key"] for metric in sorted(data["metrics"], key=lambda metric: int(metric["value"]))]

    assert together(ports, log_new_names) == [names] * CLIENTS


def test_new_names_that_are_metrics_to_some_and_params_to_others_hold_up_nobody(
    ports: list[int], deadlocks: Callable[[], int]
) -> None:
    """Whoever enters new names into the dictionary holds up others who enter the same, until it has committed."""
    before = deadlocks()

    def log_round(client: Client, number: int) -> set[int]:
        run = client.new_run()
        statuses = set()
        for turn in range(20):
            first, second = f"a{turn}", f"b{turn}"
            param, metric = (first, second) if number % 2 else (second, first)
            batch = {"params": [{"key": param, "value": "1"}], "metrics": [{"key": metric, "value": 1, "timestamp": 1}]}
            statuses.add(client.post("runs/log-batch", {"run_id": run, **batch}).status)
        return statuses

    assert together(ports, log_round) == [{200}] * CLIENTS
    assert deadlocks() == before


def test_files_put_by_many_in_any_order_are_each_that_of_one_of_them(
    ports: list[int], run: str, deadlocks: Callable[[], int]
) -> None:
    """Some bytes are the same for all, as those of a model logged again are, and are kept once."""
    before = deadlocks()
    paths = [f"{ARTIFACTS}/0/{run}/artifacts/folder {number % 3}/{number}" for number in range(12)]

    def put_all(client: Client, number: int) -> set[int]:
        order = random.Random(number).sample(range(len(paths)), len(paths))
        return {client.ask("PUT", quote(paths[each]), contents(each, number)).status for each in order}

    def contents(path: int, number: int) -> bytes:
        return b"the same for all" if path % 2 else f"of {number}".encode()

    assert together(ports, put_all) == [{200}] * CLIENTS
    assert deadlocks() == before
    with Client(ports[-1]) as client:
        for each, path in enumerate(paths):
            answer = client.ask("GET", quote(path))
            assert answer.status == 200
            assert answer.body in {contents(each, number) for number in range(CLIENTS)}


def test_of_many_who_make_one_name_a_file_or_a_directory_one_kind_wins(ports: list[int], run: str) -> None:
    directory = f"{ARTIFACTS}/0/{run}/artifacts/contested"

    def put(client: Client, number: int) -> int:
        return client.ask("PUT", f"{directory}/{number}" if number % 2 else directory, b"bytes").status

    statuses = together(ports, put)
    assert sorted([set(statuses[::2]), set(statuses[1::2])], key=min) == [{200}, {400}]


def test_models_that_old_clients_log_at_once_are_all_in_the_runs_tag(ports: list[int], run: str) -> None:
    """The tag holds a list that each of them adds to."""

    def log_model(client: Client, number: int) -> int:
        model = {"artifact_path": str(number), "flavors": {}, "utc_time_created": "now", "run_id": run}
        return client.post("runs/log-model", {"run_id": run, "model_json": json.dumps(model)}).status

    assert together(ports, log_model) == [200] * CLIENTS
    with Client(ports[0]) as client:
        tags = client.result("GET", "runs/get", {"run_id": run})["run"]["data"]["tags"]
    (history,) = [json.loads(tag["value"]) for tag in tags if tag["key"] == "mlflow.log-model.history"]
    assert sorted(int(model["artifact_path"]) for model in history) == list(range(CLIENTS))
