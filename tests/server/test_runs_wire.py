"""Over HTTP, what runs have beyond MLflow's protocol: packed points, heartbeats, and ids that clients choose."""

import json
import math
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.wire import Answer, ask, new_run, post
from tests.servers.trackback import TrackbackServer
from trackback.entities import point_packs

RUN_ID = "0123456789abcdef0123456789abcdef"
LOST_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("runs")
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder) as server:
        yield server.port
    assert "Traceback" not in server.log_text


def beat(port: int, run_id: str, body: object) -> Answer:
    return ask(port, "POST", f"/api/v1/runs/{run_id}/heartbeat", json.dumps(body).encode())


def create(port: int, **fields: object) -> Answer:
    body = json.dumps({"experiment_id": "0", **fields}).encode()
    return ask(port, "POST", "/api/2.0/mlflow/runs/create", body)


def read(port: int, run_id: str) -> Any:
    return ask(port, "GET", f"/api/2.0/mlflow/runs/get?run_id={run_id}").json["run"]


def wait_until_lost(port: int, run_id: str) -> Any:
    """The run, once it has failed."""
    deadline = time.monotonic() + LOST_WITHIN_S
    while (run := read(port, run_id))["info"]["status"] != "FAILED":
        assert time.monotonic() < deadline, run
        time.sleep(0.1)
    return run


def send_points(port: int, run_id: str, content: bytes, media_type: str = point_packs.MEDIA_TYPE) -> Answer:
    return ask(port, "POST", f"/api/v1/runs/{run_id}/points", content, {"Content-Type": media_type})


def history_of(port: int, run_id: str, key: str) -> list[tuple[int, float | str]]:
    answer = ask(port, "GET", f"/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key={key}")
    return [(int(point["step"]), point["value"]) for point in answer.json.get("metrics", [])]


def test_packed_points_are_points_as_any(port: int) -> None:
    run_id = new_run(port)
    values = [1.5, math.nan, math.inf, 2.0]
    content = point_packs.pack(["loss", "accuracy"], [0, 0, 0, 1], [1, 2, 3, 1], [10, 20, 30, 10], values)
    for _ in range(2):  # a repeat changes nothing
        answer = send_points(port, run_id, content)
        assert (answer.status, answer.json) == (200, {})
    assert history_of(port, run_id, "loss") == [(1, 1.5), (2, "NaN"), (3, sys.float_info.max)]
    assert history_of(port, run_id, "accuracy") == [(1, 2.0)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{}", "no pack of points"),
        (point_packs.pack(["loss", "a//b"], [0, 1], [1, 1], [1, 1], [1, 1]), "a//b"),
        (point_packs.pack(["loss"], [0, 0], [1, 1], [1, -1], [1, 1]), "metrics[1].timestamp"),
        (point_packs.pack(["loss"], [0] * 10_001, [1] * 10_001, [1] * 10_001, [1] * 10_001), "at most 10000"),
        (bytes((4 << 20) + 1), "larger than this server takes"),
    ],
)
def test_a_bad_pack_is_refused_whole(port: int, content: bytes, why: str) -> None:
    run_id = new_run(port)
    answer = send_points(port, run_id, content)
    assert (answer.status // 100, why in answer.json["message"]) == (4, True), answer.json
    assert history_of(port, run_id, "loss") == []


def test_points_are_not_taken_as_what_a_form_may_send(port: int) -> None:
    content = point_packs.pack(["loss"], [0], [1], [1], [1])
    answer = send_points(port, new_run(port), content, "text/plain")
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")
    assert "application/vnd.trackback.points+msgpack, not 'text/plain'" in answer.json["message"]


@pytest.mark.parametrize("timeout_s", [60, "61", 62.0, 86_400])
def test_a_heartbeat_is_answered_with_the_runs_status(port: int, timeout_s: object) -> None:
    run_id = new_run(port)
    answer = beat(port, run_id, {"timeout_s": timeout_s})
    assert (answer.status, answer.json) == (200, {"status": "RUNNING"})
    post(port, "runs/update", {"run_id": run_id, "status": "KILLED"})
    assert beat(port, run_id, {"timeout_s": timeout_s}).json == {"status": "KILLED"}


@pytest.mark.parametrize("body", [{}, {"timeout_s": None}, {"timeout_s": 0}, {"timeout_s": 86_401}, {"timeout_s": 0.5}])
def test_a_heartbeat_without_a_timeout_within_bounds_is_refused(port: int, body: object) -> None:
    answer = beat(port, new_run(port), body)
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")
    assert "timeout_s" in answer.json["message"]


def test_a_heartbeat_of_no_run_and_of_a_deleted_one_is_refused_as_other_writes_are(port: int) -> None:
    assert beat(port, "f" * 32, {"timeout_s": 60}).error == (404, "RESOURCE_DOES_NOT_EXIST")
    run_id = new_run(port)
    post(port, "runs/delete", {"run_id": run_id})
    assert beat(port, run_id, {"timeout_s": 60}).error == (400, "INVALID_PARAMETER_VALUE")


def test_a_lost_run_is_found_by_its_mark_and_goes_on_when_it_is_heard_from(port: int) -> None:
    run_id = new_run(port)
    before = read(port, run_id)
    beat(port, run_id, {"timeout_s": 1})
    lost = wait_until_lost(port, run_id)
    assert lost["info"]["start_time"] <= lost["info"]["end_time"] < lost["info"]["start_time"] + 1000 * LOST_WITHIN_S
    filter_text = "tags.`trackback.lost` LIKE 'no heartbeat since %'"
    found = post(port, "runs/search", {"experiment_ids": ["0"], "filter": filter_text})["runs"]
    assert [run["info"]["run_id"] for run in found] == [run_id]
    assert beat(port, run_id, {"timeout_s": 60}).json == {"status": "RUNNING"}
    assert read(port, run_id) == before


def test_a_promotion_waits_through_a_loss_for_the_run_to_finish(port: int) -> None:
    run_id = new_run(port)
    post(port, "runs/set-tag", {"run_id": run_id, "key": "promote", "value": "true"})
    beat(port, run_id, {"timeout_s": 1})
    wait_until_lost(port, run_id)
    waiting = ask(port, "GET", "/api/v1/promotions/pending").json["pending"]
    assert [each["run_id"] for each in waiting] == [run_id]
    post(port, "runs/update", {"run_id": run_id, "status": "FINISHED"})
    assert [each["run_id"] for each in ask(port, "GET", "/api/v1/promotions").json["promotions"]] == [run_id]


def test_a_run_that_is_created_twice_with_one_id_is_there_once(port: int) -> None:
    created = create(port, run_id=RUN_ID, run_name="first").json["run"]
    post(port, "runs/log-parameter", {"run_id": RUN_ID, "key": "p", "value": "1"})
    again = create(port, run_id=RUN_ID, run_name="second").json["run"]
    assert (created["info"]["run_id"], again["info"]) == (RUN_ID, created["info"])
    assert again == read(port, RUN_ID)


def test_an_id_of_a_run_in_another_experiment_is_taken(port: int) -> None:
    run_id = new_run(port)
    other = post(port, "experiments/create", {"name": "other"})["experiment_id"]
    assert create(port, experiment_id=other, run_id=run_id).error == (400, "RESOURCE_ALREADY_EXISTS")


@pytest.mark.parametrize("run_id", ["", "run", "A" * 32, "0" * 31, 5])
def test_an_id_that_looks_otherwise_is_refused(port: int, run_id: object) -> None:
    assert create(port, run_id=run_id).error == (400, "INVALID_PARAMETER_VALUE")


def test_without_an_id_the_server_chooses_one(port: int) -> None:
    first, second = (create(port, run_id=None).json["run"]["info"]["run_id"] for _ in range(2))
    assert first != second
