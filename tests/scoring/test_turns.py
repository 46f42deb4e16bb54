"""A server that takes turns with another one at a listening socket."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.environments import ROOT
from tests.model_processes import python_of_scripts
from tests.scoring.test_serving import wait_until

pytestmark = pytest.mark.timeout(300)

SERVE = ROOT / "tests" / "scoring" / "scripts" / "serve_with_lease.py"


class Standby:
    """A server at a socket of its own, and at one that others may have, too."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.path = folder / "r1.sock"
        self.marker = folder / "r1.sock.open"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        descriptor = self.listener.fileno()
        flags: list[str | Path] = [
            "--model-uri",
            model,
            "--fd",
            str(descriptor),
            "--standby",
            self.path,
            "--name",
            "models:/iris/1",
        ]
        self.process = subprocess.Popen([python_of_scripts(), SERVE, *flags], pass_fds=(descriptor,))
        self._private = httpx.Client(base_url="http://localhost", transport=httpx.HTTPTransport(uds=str(self.path)))

    def health(self) -> dict[str, Any]:
        said: dict[str, Any] = self._private.get("/health").json()
        return said

    def is_up(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.path)) == 0

    def answers(self) -> bool:
        """Whether it takes requests from the shared socket."""
        try:
            return httpx.get(f"{self.url}/ping", timeout=0.3, trust_env=False).status_code == 200
        except httpx.TimeoutException:
            return False

    def end(self) -> int:
        self.process.terminate()
        code = self.process.wait(30)
        self._private.close()
        self.listener.close()
        return code


@pytest.fixture
def standby(iris_model: Path) -> Iterator[Standby]:
    folder = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))
    server = Standby(iris_model, folder)
    wait_until(server.is_up)
    yield server
    server.end()
    shutil.rmtree(folder)


def test_a_server_takes_requests_while_its_file_is_there(standby: Standby) -> None:
    health = standby.health()
    assert (health["model"], health["accepting"], standby.answers()) == ("models:/iris/1", False, False)

    standby.marker.touch()
    wait_until(lambda: standby.health()["accepting"])
    assert standby.answers()

    standby.marker.unlink()
    wait_until(lambda: not standby.health()["accepting"])
    assert not standby.answers()


def test_a_turn_is_lent_by_a_signal_and_goes_back_by_itself(standby: Standby) -> None:
    standby.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: standby.health()["accepting"])
    wait_until(lambda: not standby.health()["accepting"])

    standby.marker.touch()
    wait_until(lambda: standby.health()["accepting"])
    standby.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: not standby.health()["accepting"])
    wait_until(lambda: standby.health()["accepting"])


def test_a_client_that_keeps_its_connection_is_answered_once_more_and_sent_away(standby: Standby) -> None:
    standby.marker.touch()
    wait_until(lambda: standby.health()["accepting"])
    with httpx.Client(base_url=standby.url, trust_env=False) as client:
        before = client.get("/ping")
        standby.marker.unlink()
        wait_until(lambda: not standby.health()["accepting"])
        last = client.get("/ping")

    assert (before.status_code, before.headers.get("connection")) == (200, None)
    assert (last.status_code, last.headers["connection"]) == (200, "close")


def test_what_comes_while_nobody_takes_it_waits(standby: Standby) -> None:
    with socket.create_connection(standby.listener.getsockname()) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.3)
        standby.marker.touch()
        client.settimeout(10)

        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_a_descriptor_that_is_no_listening_socket_is_refused(iris_model: Path, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        flags: list[str | Path] = ["--model-uri", iris_model, "--fd", str(file.fileno())]
        ran = subprocess.run(
            [python_of_scripts(), SERVE, *flags], pass_fds=(file.fileno(),), capture_output=True, text=True
        )

    assert ran.returncode == 2
    assert "is no socket" in ran.stderr
