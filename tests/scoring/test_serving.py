"""What trackback's scoring server does beyond the protocol: batches, limits, faults of the model, a clean stop."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.scoring import models
from tests.scoring.load import Load
from tests.scoring.models import COLUMNS
from tests.servers.program import ProgramFailed
from tests.servers.scoring import TrackbackScoring
from trackback.client.models import local_digest

LIMIT = 20_000


@pytest.fixture(scope="module")
def server(iris_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackScoring]:
    flags = ["--json-logs", "--max-body-bytes", str(LIMIT)]
    with TrackbackScoring(iris_model, tmp_path_factory.mktemp("served"), flags) as running:
        yield running


@pytest.fixture
def odd(odd_model: tuple[Path, str], tmp_path: Path) -> Iterator[Callable[..., TrackbackScoring]]:
    """Serves the odd model with the flags given."""
    running = []

    def serve(*flags: str) -> TrackbackScoring:
        server = TrackbackScoring(odd_model[0], tmp_path, ["--trust", odd_model[1], *flags])
        running.append(server)
        server.start()
        return server

    yield serve
    for server in running:
        server.stop()


def word(text: str) -> dict[str, Any]:
    return {"inputs": {"word": [text]}}


def row(*values: object) -> dict[str, Any]:
    return {"dataframe_split": {"columns": COLUMNS, "data": [list(values)]}}


def metric(server: TrackbackScoring, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", server.get("/metrics").text, re.MULTILINE)
    assert found, f"no metric {name}"
    return float(found[1])


def wait_until(condition: Callable[[], object], timeout_s: float = 100) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def test_requests_at_once_are_predicted_together_and_each_gets_its_own(
    server: TrackbackScoring, iris_model: Path
) -> None:
    features, _ = models.iris()
    expected = models.save_iris(iris_model.with_name("same")).predict(features).tolist()
    rows = features.to_numpy().tolist()

    def ask(place: int) -> object:
        some = rows[place : place + 1 + place % 3]
        body = {"dataframe_split": {"columns": COLUMNS, "data": some}}
        return server.post(body).json() == {"predictions": expected[place : place + len(some)]}

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(len(rows))))
    handed = metric(server, "trackback_scoring_batch_requests_sum")
    assert handed > metric(server, "trackback_scoring_batch_requests_count"), "no two went together"


def test_a_bad_request_among_others_fails_alone(server: TrackbackScoring) -> None:
    bodies = [row(5.1, 3.5, 1.4, 0.2), row(5.1, 3.5, 1.4, "wide"), row(5.1, 3.5, 1.4), row(float("nan"), 1, 1, 1)] * 8
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(server.post, bodies))
    assert [answer.status_code for answer in answers] == [200, 400, 400, 400] * 8
    assert {answer.text for answer in answers[::4]} == {'{"predictions":[0]}'}
    assert all("'petal_width'" in answer.json()["message"] for answer in answers[1::4])
    assert all("NaN" in answer.json()["message"] for answer in answers[3::4])


def test_a_value_that_a_long_would_lose_is_refused_by_its_columns_name(mixed_model: Path, tmp_path: Path) -> None:
    record = {"age": 31.5, "balance": 1, "city": "Bern", "member": True, "since": "2020-01-31"}
    with TrackbackScoring(mixed_model, tmp_path) as server:
        answer = server.post({"dataframe_records": [{**record, "age": 31}, record]})
        assert server.post({"dataframe_records": [{**record, "age": 2**70}]}).status_code == 400
    assert answer.status_code == 400
    assert "column 'age' is to be of type long, and row 1 has 31.5" in answer.json()["message"]


def test_a_body_beyond_the_limit_is_refused(server: TrackbackScoring) -> None:
    answer = server.post(b"[" + b"1," * LIMIT + b"1]")
    assert (answer.status_code, answer.json()["error_code"]) == (413, "BAD_REQUEST")


@pytest.mark.parametrize("body", ["[" * 5000, '{"inputs":' * 1500, '{"inputs": 1e999, "params": [[]]}', "NaN"])
def test_strange_json_is_a_bad_request(server: TrackbackScoring, body: str) -> None:
    assert server.post(body).status_code == 400


def test_health_says_what_is_served(server: TrackbackScoring, iris_model: Path) -> None:
    assert server.get("/health").json() == {
        "status": "ok",
        "model": str(iris_model),
        "digest": local_digest(iris_model),
        "workers": 1,
    }


def test_metrics_count_requests(server: TrackbackScoring) -> None:
    server.post(row(5.1, 3.5, 1.4, 0.2))
    name = 'trackback_scoring_request_seconds_count{method="POST",route="/invocations",status="200"}'
    before = metric(server, name)
    server.post(row(5.1, 3.5, 1.4, 0.2))
    assert metric(server, name) == before + 1


def test_the_log_has_an_object_a_line(server: TrackbackScoring) -> None:
    server.post(row(5.1, 3.5, 1.4, 0.2))
    lines = [json.loads(line) for line in server.log_text.splitlines()]
    assert any(line["message"] == "POST /invocations 200" and line["duration_ms"] > 0 for line in lines)


def test_a_request_of_a_foreign_page_is_refused(server: TrackbackScoring) -> None:
    import httpx  # noqa: PLC0415 - here only

    answer = httpx.get(server.url + "/version", headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 403


def test_what_a_model_raises_is_told_without_its_insides(odd: Callable[..., TrackbackScoring]) -> None:
    server = odd()
    answer = server.post(word("raise"))
    assert answer.status_code == 400
    assert "RuntimeError: 'no idea'" in answer.json()["message"]
    assert "Traceback" not in answer.text
    assert "Traceback" in server.log_text


def test_a_request_that_takes_too_long_is_ended_and_the_next_one_answered(
    odd: Callable[..., TrackbackScoring],
) -> None:
    server = odd("--timeout", "1")
    began = time.monotonic()
    answer = server.post(word("sleep60"))
    assert (answer.status_code, answer.json()["error_code"]) == (504, "DEADLINE_EXCEEDED")
    assert time.monotonic() - began < 10
    wait_until(lambda: server.post(word("again")).status_code == 200)


def test_a_process_that_a_request_ends_is_replaced_and_others_get_their_answers(
    odd: Callable[..., TrackbackScoring],
) -> None:
    server = odd("--batch")
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(server.post, word(each)) for each in ("sleep1", "a", "b", "exit", "c", "d")]
        answers = [each.result() for each in asked]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 500, 200, 200]
    assert "another one takes its place" in server.log_text


def test_a_killed_worker_is_replaced(odd: Callable[..., TrackbackScoring]) -> None:
    server = odd("--workers", "2")
    workers = _children(server.pid)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: workers[0] not in _children(server.pid))
    assert server.post(word("still there")).status_code == 200
    wait_until(lambda: server.get("/health").json()["workers"] == 2)


def test_workers_end_with_a_server_that_is_killed(odd: Callable[..., TrackbackScoring]) -> None:
    server = odd("--workers", "2")
    workers = _children(server.pid)
    server.stop(signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 20)


def test_more_than_may_wait_are_refused(odd: Callable[..., TrackbackScoring]) -> None:
    server = odd("--max-waiting", "2")
    with ThreadPoolExecutor(8) as pool:
        statuses = [each.status_code for each in pool.map(server.post, [word("sleep1")] * 8)]
    assert statuses.count(429) >= 1
    assert set(statuses) == {200, 429}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_lets_requests_under_way_finish(odd: Callable[..., TrackbackScoring], number: signal.Signals) -> None:
    server = odd()
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(server.post, word("sleep2")) for _ in range(3)]
        wait_until(lambda: _arrived(server) == 3)
        assert server.stop(number) == 0
        assert [each.result().status_code for each in asked] == [200, 200, 200]
    assert "stopped" in server.log_text
    assert "Traceback" not in server.log_text


def test_a_pickle_is_loaded_only_if_it_is_trusted(odd_model: tuple[Path, str], tmp_path: Path) -> None:
    server = TrackbackScoring(odd_model[0], tmp_path, ["--trust", "0" * 64])
    with pytest.raises(ProgramFailed):
        server.start()
    assert odd_model[1] in server.log_text
    assert "Traceback" not in server.log_text


@pytest.mark.parametrize("content", [None, "flavors: {unheard: {}}", "[1"])
def test_a_folder_without_a_model_is_said_so_in_one_line(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "model").mkdir()
    if content:
        (tmp_path / "model" / "MLmodel").write_text(content)
    server = TrackbackScoring(tmp_path / "model", tmp_path)
    with pytest.raises(ProgramFailed):
        server.start()
    assert "\ntrackback: " in f"\n{server.log_text}"
    assert "Traceback" not in server.log_text


def test_requests_are_predicted_one_by_one_where_that_is_asked_for(odd: Callable[..., TrackbackScoring]) -> None:
    server = odd("--no-batch")
    with Load(server.port, lambda number: json.dumps(word(f"w{number}"))) as load:
        wait_until(lambda: load.answers > 50)
    assert set(load.outcomes) == {f'{{"predictions":["w{number}"]}}' for number in range(8)}
    handed = metric(server, "trackback_scoring_batch_requests_count")
    assert handed == metric(server, "trackback_scoring_batch_requests_sum")


def _arrived(server: TrackbackScoring) -> float:
    """How many predictions were asked for, whether they wait or were handed to a worker, alone or with others."""
    return metric(server, "trackback_scoring_waiting") + metric(server, "trackback_scoring_batch_requests_sum")


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
