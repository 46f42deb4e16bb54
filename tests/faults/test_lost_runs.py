"""A run whose process is killed with kill -9 does not seem to run for ever; one whose process goes on, does go on."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.beating import TIMEOUT_S
from tests.faults.client import Client
from tests.servers.trackback import TrackbackServer

WITHIN_S = 40.0


@pytest.fixture
def client(server: TrackbackServer) -> Iterator[Client]:
    with Client(server.port) as client:
        yield client


class Training:
    """A process that sends heartbeats of a run."""

    def __init__(self, server: TrackbackServer, run_id: str) -> None:
        command = [sys.executable, "-m", "tests.faults.beating", str(server.port), run_id]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def wait_for(self, word: str, times: int = 1) -> None:
        assert self.process.stdout
        while times:
            times -= self.process.stdout.readline().strip() == word

    def send(self, signal_number: signal.Signals) -> None:
        self.process.send_signal(signal_number)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
def run_id(client: Client) -> str:
    return client.new_run()


@pytest.fixture
def training(server: TrackbackServer, run_id: str) -> Iterator[Training]:
    training = Training(server, run_id)
    training.wait_for("heard", 3)
    yield training
    training.end()


def read(client: Client, run_id: str) -> Any:
    return client.result("GET", "runs/get", {"run_id": run_id})["run"]


def wait_for(client: Client, run_id: str, status: str) -> Any:
    """The run, once it has the status."""
    deadline = time.monotonic() + WITHIN_S
    while (run := read(client, run_id))["info"]["status"] != status:
        assert time.monotonic() < deadline, run
        time.sleep(0.1)
    return run


def marks(run: Any) -> list[str]:
    return [tag["value"] for tag in run["data"]["tags"] if tag["key"] == "trackback.lost"]


def test_a_run_whose_process_was_killed_has_failed_takes_late_data_and_can_be_resumed(
    client: Client, training: Training, run_id: str
) -> None:
    time.sleep(TIMEOUT_S + 2)
    assert read(client, run_id)["info"]["status"] == "RUNNING"
    training.send(signal.SIGKILL)
    killed_ms = 1000 * time.time()
    lost = wait_for(client, run_id, "FAILED")
    assert killed_ms - 1000 * TIMEOUT_S < lost["info"]["end_time"] <= killed_ms
    assert len(marks(lost)) == 1

    late = {"run_id": run_id, "metrics": [{"key": "loss", "value": 0.5, "timestamp": 1}]}
    client.result("POST", "runs/log-batch", late)
    run = read(client, run_id)
    assert (run["info"], len(run["data"]["metrics"])) == (lost["info"], 1)

    client.result("POST", "runs/update", {"run_id": run_id, "status": "RUNNING"})
    run = read(client, run_id)
    assert (run["info"]["status"], run["info"].get("end_time"), marks(run)) == ("RUNNING", None, [])


def test_a_run_whose_process_only_stood_still_goes_on(client: Client, training: Training, run_id: str) -> None:
    training.send(signal.SIGSTOP)
    wait_for(client, run_id, "FAILED")
    training.send(signal.SIGCONT)
    run = wait_for(client, run_id, "RUNNING")
    assert (run["info"].get("end_time"), marks(run)) == (None, [])


def test_a_server_that_comes_back_hears_a_run_that_goes_on_before_it_looks(
    server: TrackbackServer, client: Client, training: Training, run_id: str
) -> None:
    server.kill()
    training.wait_for("unheard", 2 * TIMEOUT_S + 1)
    client.close()
    server.start()
    deadline = time.monotonic() + 2 * TIMEOUT_S
    while time.monotonic() < deadline:
        run = read(client, run_id)
        assert (run["info"]["status"], marks(run)) == ("RUNNING", [])
        time.sleep(0.1)


def test_a_run_whose_process_died_while_the_server_was_down_has_failed(
    server: TrackbackServer, client: Client, training: Training, run_id: str
) -> None:
    server.kill()
    down_ms = 1000 * time.time()
    training.send(signal.SIGKILL)
    client.close()
    server.start()
    assert wait_for(client, run_id, "FAILED")["info"]["end_time"] <= down_ms
