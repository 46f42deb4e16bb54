"""How a server stops: what is under way finishes, nobody else holds it up, and the database is closed."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.wire import LOG_METRIC, Wire, metric, new_run, request, steps_logged
from tests.servers.trackback import TrackbackServer

A_FEW_SECONDS = 4.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TrackbackServer]:
    with TrackbackServer(f"sqlite:///{tmp_path}/trackback.db", tmp_path / "artifacts", tmp_path) as running:
        yield running


def stop(server: TrackbackServer) -> float:
    began = time.monotonic()
    assert server.stop() == 0
    return time.monotonic() - began


def test_ctrl_c_ends_an_idle_server_at_once(server: TrackbackServer) -> None:
    assert stop(server) < A_FEW_SECONDS


def test_sigterm_does_the_same(server: TrackbackServer) -> None:
    assert server.stop(signal_number=signal.SIGTERM) == 0


def test_the_database_is_closed(server: TrackbackServer, tmp_path: Path) -> None:
    new_run(server.port)
    assert (tmp_path / "trackback.db-wal").exists()

    stop(server)

    assert not (tmp_path / "trackback.db-wal").exists()


def test_idle_and_half_sent_connections_hold_up_nothing(server: TrackbackServer) -> None:
    body = metric(new_run(server.port))
    idle = Wire(server.port).send(request("GET", "/health"))
    idle.answer()
    waiting = [
        idle,
        Wire(server.port),
        Wire(server.port).send(b"GET / HTTP/1.1\r\nHost: "),
        Wire(server.port).send(request("POST", LOG_METRIC, body)[:-5]),
        Wire(server.port).send(request("POST", LOG_METRIC, b"", {"Content-Length": "1000"})),
    ]

    assert stop(server) < A_FEW_SECONDS

    for wire in waiting:
        wire.wait_until_closed()
        wire.close()


def test_a_client_that_goes_on_trickling_holds_up_nothing(server: TrackbackServer) -> None:
    wire = Wire(server.port).send(request("POST", LOG_METRIC, b"", {"Content-Length": "100000"}))
    stopped = threading.Event()

    def trickle() -> None:
        while not stopped.wait(0.1):
            try:
                wire.send(b" ")
            except OSError:
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        assert stop(server) < A_FEW_SECONDS
    finally:
        stopped.set()
        thread.join()
        wire.close()


def test_a_request_under_way_is_answered_and_its_write_kept(server: TrackbackServer) -> None:
    run_id = new_run(server.port)
    whole = request("POST", LOG_METRIC, metric(run_id, step=3))
    with Wire(server.port) as wire:
        wire.send(whole[:-5])
        time.sleep(0.2)
        stopping = threading.Thread(target=stop, args=[server])
        stopping.start()
        time.sleep(0.5)
        answer = wire.send(whole[-5:]).answer()
        wire.wait_until_closed()
    stopping.join()

    assert (answer.status, answer.headers["connection"]) == (200, "close")
    server.start()
    assert steps_logged(server.port, run_id) == [3]


def test_a_second_ctrl_c_ends_the_wait_and_an_upload_that_is_given_up_leaves_no_trace(
    server: TrackbackServer, tmp_path: Path
) -> None:
    path = "/api/2.0/mlflow-artifacts/artifacts/file"
    with Wire(server.port) as wire:
        wire.send(request("PUT", path, headers={"Content-Length": "5000000"}), bytes(2_000_000))
        time.sleep(0.3)
        os.kill(server.pid, signal.SIGINT)
        time.sleep(0.3)
        assert stop(server) < A_FEW_SECONDS
        assert wire.answer().error == (503, "TEMPORARILY_UNAVAILABLE")

    assert list((tmp_path / "artifacts" / "tmp").iterdir()) == []
    assert "Traceback" not in server.log_text


def test_requests_under_way_have_their_time_to_the_fraction(tmp_path: Path) -> None:
    deadline_s = 1.4
    uri, flags = f"sqlite:///{tmp_path}/trackback.db", ["--stop-deadline", str(deadline_s)]
    with TrackbackServer(uri, tmp_path / "artifacts", tmp_path, flags) as server, Wire(server.port) as wire:
        wire.send(request("PUT", "/api/2.0/mlflow-artifacts/artifacts/file", headers={"Content-Length": "1000000000"}))
        wire.send(bytes(100_000))
        began = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        while not wire.has_answer:
            wire.send(bytes(10_000))
            time.sleep(0.02)
        assert time.monotonic() - began >= deadline_s
        assert wire.answer().error == (503, "TEMPORARILY_UNAVAILABLE")


def test_every_write_that_was_acknowledged_under_load_is_kept(server: TrackbackServer) -> None:
    run_id = new_run(server.port)
    acknowledged: list[int] = []

    def write(first: int) -> None:
        with Wire(server.port) as wire:
            for step in range(first, first + 100_000):
                try:
                    answer = wire.send(request("POST", LOG_METRIC, metric(run_id, step))).answer()
                except OSError:
                    return
                assert answer.status == 200
                acknowledged.append(step)

    writers = [threading.Thread(target=write, args=[number * 1_000_000]) for number in range(8)]
    for writer in writers:
        writer.start()
    time.sleep(1)
    assert stop(server) < A_FEW_SECONDS
    for writer in writers:
        writer.join()

    server.start()
    assert len(acknowledged) > 100
    assert set(acknowledged) <= set(steps_logged(server.port, run_id))
