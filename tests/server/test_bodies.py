"""How large a body may be."""

import json
from pathlib import Path

import pytest

from tests.server.conftest import MAX_JSON_BYTES
from tests.server.wire import LOG_METRIC, Wire, ask, metric, new_run, request, steps_logged
from tests.servers.trackback import TrackbackServer

TOO_LARGE = (413, "BAD_REQUEST")


def padded(body: bytes, size: int) -> bytes:
    return body + b" " * (size - len(body))


def chunked(body: bytes) -> bytes:
    head = request("POST", LOG_METRIC, headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "encoded", [lambda body: request("POST", LOG_METRIC, body), chunked], ids=["length", "chunked"]
)
def test_a_body_of_just_the_limit_is_taken(port: int, encoded: object) -> None:
    assert callable(encoded)
    run_id = new_run(port)
    with Wire(port) as wire:
        assert wire.send(encoded(padded(metric(run_id), MAX_JSON_BYTES))).answer().status == 200
    assert steps_logged(port, run_id) == [0]


@pytest.mark.parametrize(
    "encoded", [lambda body: request("POST", LOG_METRIC, body), chunked], ids=["length", "chunked"]
)
def test_a_larger_body_is_refused_and_nothing_is_written(port: int, encoded: object) -> None:
    assert callable(encoded)
    run_id = new_run(port)
    with Wire(port) as wire:
        assert wire.send(encoded(padded(metric(run_id), MAX_JSON_BYTES + 1))).answer().error == TOO_LARGE
    assert steps_logged(port, run_id) == []


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "apart"])
def test_a_body_after_an_upgrade_that_is_not_taken_up_is_read(port: int, apart: bool) -> None:
    run_id = new_run(port)
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAAB"}
    sent = request("POST", LOG_METRIC, metric(run_id), headers)
    head = sent.index(b"\r\n\r\n") + 4 if apart else len(sent)
    with Wire(port) as wire:
        assert wire.send(sent[:head]).send(sent[head:]).answer().status == 200
        assert wire.send(request("POST", LOG_METRIC, metric(run_id, 1))).answer().status == 200
    assert steps_logged(port, run_id) == [0, 1]


def test_a_client_that_sends_far_too_much_gets_to_read_why(port: int) -> None:
    assert ask(port, "POST", LOG_METRIC, b" " * (50 * MAX_JSON_BYTES)).error == TOO_LARGE


def test_a_client_that_sends_without_end_is_cut_off(port: int) -> None:
    piece = b" " * 1_000_000
    with Wire(port) as wire:
        wire.send(request("POST", LOG_METRIC, b"", {"Content-Length": "1000000000"}))
        sends = (wire.send(piece) for _ in range(1000))
        with pytest.raises(ConnectionError):
            list(sends)


def test_a_client_that_asks_first_need_not_send_what_is_too_large(port: int) -> None:
    with Wire(port) as wire:
        headers = {"Expect": "100-continue", "Content-Length": str(MAX_JSON_BYTES + 1)}
        assert wire.send(request("POST", LOG_METRIC, b"", headers)).answer().error == TOO_LARGE


def test_a_client_that_asks_first_is_told_to_go_on(port: int) -> None:
    body = metric(new_run(port))
    with Wire(port) as wire:
        headers = {"Expect": "100-continue", "Content-Length": str(len(body))}
        assert wire.send(request("POST", LOG_METRIC, b"", headers)).answer().status == 100
        assert wire.send(body).answer().status == 200


def test_the_connection_can_be_used_again_after_a_refusal(port: int) -> None:
    with Wire(port) as wire:
        assert wire.send(request("POST", LOG_METRIC, b" " * (MAX_JSON_BYTES + 1))).answer().status == 413
        assert wire.send(request("GET", "/health")).answer().status == 200


def test_a_body_in_many_packets_is_put_together(port: int) -> None:
    run_id = new_run(port)
    points = [{"key": "loss", "value": 1, "timestamp": step, "step": step} for step in range(900)]
    whole = request(
        "POST", "/api/2.0/mlflow/runs/log-batch", json.dumps({"run_id": run_id, "metrics": points}).encode()
    )
    with Wire(port) as wire:
        wire.send(*(whole[start : start + 5000] for start in range(0, len(whole), 5000)))
        assert wire.answer().status == 200
    assert steps_logged(port, run_id) == list(range(900))


def test_others_are_answered_while_a_large_body_is_decoded(tmp_path: Path) -> None:
    point = {"key": "loss", "value": "0.5", "timestamp": "1700000000000", "step": "1"}
    large = json.dumps({"run_id": "r", "metrics": [point] * 300_000}).encode()
    answered = 0
    with (
        TrackbackServer(f"sqlite:///{tmp_path}/trackback.db", tmp_path / "artifacts", tmp_path) as server,
        Wire(server.port) as slow,
        Wire(server.port) as quick,
    ):
        slow.send(request("POST", "/api/2.0/mlflow/runs/log-batch", large))
        while not slow.has_answer:
            assert quick.send(request("GET", "/health")).answer().status == 200
            answered += 1

    assert answered > 20
