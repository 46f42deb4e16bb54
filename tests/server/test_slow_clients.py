"""Clients that are slow, or vanish, are cut off, and hold nobody up."""

import time

import pytest

from tests.server.conftest import BODY_DEADLINE_S, HEADER_DEADLINE_S, KEEP_ALIVE_S
from tests.server.wire import LOG_METRIC, Wire, ask, metric, new_run, post, request, steps_logged

SLACK_S = 8.0  # a busy machine may be late; without deadlines a client would hold on for a minute or for ever
TOO_LATE = (408, "DEADLINE_EXCEEDED")


def test_a_client_that_says_nothing_is_disconnected(port: int) -> None:
    with Wire(port) as wire:
        assert wire.wait_until_closed() < HEADER_DEADLINE_S + SLACK_S


def test_half_a_header_is_answered_with_408_and_the_connection_closed(port: int) -> None:
    with Wire(port) as wire:
        assert wire.send(b"GET /health HTTP/1.1\r\nHost: local").answer().error == TOO_LATE
        wire.wait_until_closed()


def test_headers_that_trickle_are_cut_off(port: int) -> None:
    with Wire(port) as wire:
        wire.send(b"GET /health HTTP/1.1\r\n")
        began = time.monotonic()
        while not wire.has_answer:
            assert time.monotonic() - began < HEADER_DEADLINE_S + SLACK_S
            wire.send(b"X: y\r\n")
            time.sleep(0.05)
        assert wire.answer().error == TOO_LATE


def test_half_a_body_is_answered_with_408_and_nothing_is_written(port: int) -> None:
    run_id = new_run(port)
    whole = request("POST", LOG_METRIC, metric(run_id))
    with Wire(port) as wire:
        assert wire.send(whole[:-1]).answer().error == TOO_LATE
        wire.wait_until_closed()
    assert steps_logged(port, run_id) == []


def test_a_body_that_trickles_is_cut_off(port: int) -> None:
    with Wire(port) as wire:
        wire.send(request("POST", LOG_METRIC, b"", {"Content-Length": "10000"}))
        began = time.monotonic()
        while not wire.has_answer:
            assert time.monotonic() - began < BODY_DEADLINE_S + SLACK_S
            wire.send(b" ")
            time.sleep(0.05)
        assert wire.answer().error == TOO_LATE


def test_an_idle_connection_is_closed_after_its_time_and_not_before(port: int) -> None:
    with Wire(port) as wire:
        wire.send(request("GET", "/health")).answer()
        time.sleep(KEEP_ALIVE_S / 2)
        assert wire.send(request("GET", "/health")).answer().status == 200
        assert wire.wait_until_closed() == pytest.approx(KEEP_ALIVE_S, abs=SLACK_S / 2)


def test_a_client_that_takes_nothing_of_its_answers_is_cut_off(port: int) -> None:
    run_id = new_run(port)
    points = [{"key": "loss", "value": 1, "timestamp": step, "step": step} for step in range(1000)]
    post(port, "runs/log-batch", {"run_id": run_id, "metrics": points})
    history = request("GET", f"/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=loss")
    with Wire(port) as wire:
        wire.send(history * 1000)
        time.sleep(BODY_DEADLINE_S + SLACK_S)
        answers = (wire.answer() for _ in range(1000))
        with pytest.raises(ConnectionError):
            list(answers)


def test_a_client_that_vanishes_in_its_body_leaves_nothing_behind(port: int) -> None:
    run_id = new_run(port)
    with Wire(port) as wire:
        wire.send(request("POST", LOG_METRIC, metric(run_id))[:-1])
    assert steps_logged(port, run_id) == []


def test_a_client_that_does_not_wait_for_the_answer_is_served_all_the_same(port: int) -> None:
    run_id = new_run(port)
    with Wire(port) as wire:
        wire.send(request("POST", LOG_METRIC, metric(run_id, step=7)))
    deadline = time.monotonic() + SLACK_S
    while steps_logged(port, run_id) != [7]:
        assert time.monotonic() < deadline


def test_a_hundred_slow_clients_hold_up_nobody_else(port: int) -> None:
    slow = [Wire(port).send(b"POST / HTTP/1.1\r\n") for _ in range(100)]
    began = time.monotonic()
    for _ in range(20):
        assert ask(port, "GET", "/health").status == 200
    assert time.monotonic() - began < SLACK_S
    for wire in slow:
        wire.close()
