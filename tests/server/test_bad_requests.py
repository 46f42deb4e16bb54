"""What is no proper request is answered with MLflow's JSON, never with a 5xx, and changes nothing."""

import json
import time

import pytest

from tests.server.wire import LOG_METRIC, Answer, Wire, ask, metric, new_run, request, steps_logged

INVALID = (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:60]),
)
def test_what_is_no_http_is_a_400_and_ends_the_connection(port: int, sent: bytes) -> None:
    with Wire(port) as wire:
        answer = wire.send(sent).answer()
        assert answer.error == (400, "BAD_REQUEST")
        wire.wait_until_closed()


def test_a_client_that_goes_on_sending_after_a_refusal_gets_to_read_it(port: int) -> None:
    with Wire(port) as wire:
        wire.send(b"nonsense\r\n")
        for _ in range(3):
            time.sleep(0.1)
            wire.send(b"more of it\r\n")
        assert wire.answer().error == (400, "BAD_REQUEST")


@pytest.mark.parametrize("path", ["/nonsense", "/api/2.0/mlflow/runs/nonsense", "//", "/api/2.0/mlflow/runs/create/"])
def test_an_unknown_path_is_a_404_with_the_code_that_clients_look_for(port: int, path: str) -> None:
    assert ask(port, "GET", path).error == (404, "ENDPOINT_NOT_FOUND")


def test_a_part_of_mlflow_that_is_left_out_is_a_404_that_says_so(port: int) -> None:
    answer = ask(port, "POST", "/api/3.0/mlflow/traces/search", b"{}")

    assert answer.error == (404, "ENDPOINT_NOT_FOUND")
    assert "leaves this part of MLflow out: traces (GenAI)" in answer.json["message"]


def test_a_wrong_method_is_a_405_that_names_the_right_ones(port: int) -> None:
    answer = ask(port, "DELETE", LOG_METRIC)

    assert answer.error == (405, "BAD_REQUEST")
    assert answer.headers["allow"] == "POST"


def test_head_is_answered_without_a_body(port: int) -> None:
    with Wire(port) as wire:
        answer = wire.send(request("HEAD", "/health")).answer("HEAD")
        assert (answer.status, answer.headers["content-length"]) == (200, "2")
        assert wire.send(request("GET", "/health")).answer().body == b"OK"


def test_head_reads_the_query_as_get_does(port: int) -> None:
    path = "/api/2.0/mlflow/experiments/get?experiment_id="

    assert [ask(port, "HEAD", f"{path}{experiment}").status for experiment in ("0", "99")] == [200, 404]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_a_post_must_say_that_it_is_json(port: int, content_type: str) -> None:
    run_id = new_run(port)

    assert ask(port, "POST", LOG_METRIC, metric(run_id), {"Content-Type": content_type}).error == INVALID
    assert steps_logged(port, run_id) == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_type_may_have_parameters(port: int, content_type: str) -> None:
    assert ask(port, "POST", LOG_METRIC, metric(new_run(port)), {"Content-Type": content_type}).status == 200


def log_metric(port: int, run_id: str, **fields: object) -> Answer:
    return ask(port, "POST", LOG_METRIC, json.dumps(json.loads(metric(run_id)) | fields).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"\x00",
        b"[" * 90_000,
        b'{"a":' * 18_000,
        b'{"run_id": ' + b"9" * 10_000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_object_lacks_what_is_required(port: int, body: bytes) -> None:
    answer = ask(port, "POST", LOG_METRIC, body)

    assert answer.error == INVALID
    assert answer.json["message"].startswith("Missing value for required parameter ")


@pytest.mark.parametrize(
    "fields",
    [
        {"value": "x"},
        {"value": []},
        {"value": None},
        {"value": 10**400},
        {"step": 2**63},
        {"step": "1.5"},
        {"timestamp": -(2**63) - 1},
        {"timestamp": None},
        {"key": 5},
        {"key": ""},
        {"key": "\ud800"},
        {"key": "a\x00b"},
        {"model_id": {}},
        {"runId": "r"},
    ],
    ids=repr,
)
def test_wrong_values_are_refused_and_nothing_is_written(port: int, fields: dict[str, object]) -> None:
    run_id = new_run(port)

    assert log_metric(port, run_id, **fields).error == INVALID
    assert steps_logged(port, run_id) == []


def test_requests_in_a_row_are_answered_in_their_order(port: int) -> None:
    run_id = new_run(port)
    with Wire(port) as wire:
        wire.send(b"".join(request("POST", LOG_METRIC, metric(run_id, step)) for step in range(50)))
        wire.send(request("GET", "/health"))
        assert [wire.answer().status for _ in range(50)] == [200] * 50
        assert wire.answer().body == b"OK"
    assert steps_logged(port, run_id) == list(range(50))


def test_http_1_0_is_answered_and_the_connection_closed(port: int) -> None:
    with Wire(port) as wire:
        answer = wire.send(request("GET", "/health", version="1.0")).answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        wire.wait_until_closed()


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_an_upgrade_is_not_taken_up_but_answered(port: int, upgrade: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": upgrade}

    assert ask(port, "GET", "/health", headers=headers).body == b"OK"


def test_a_page_on_another_host_is_refused(port: int) -> None:
    assert ask(port, "GET", "/version", headers={"Host": "evil.example"}).error == (403, "PERMISSION_DENIED")
    assert ask(port, "GET", "/health", headers={"Host": "evil.example"}).status == 200


def test_a_page_of_another_origin_may_not_write(port: int) -> None:
    run_id = new_run(port)
    answer = ask(port, "POST", LOG_METRIC, metric(run_id), {"Origin": "http://evil.example"})

    assert answer.error == (403, "PERMISSION_DENIED")
    assert steps_logged(port, run_id) == []


def test_answers_carry_mlflows_headers(port: int) -> None:
    headers = ask(port, "POST", LOG_METRIC, metric(new_run(port))).headers

    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["vary"] == "Origin"
