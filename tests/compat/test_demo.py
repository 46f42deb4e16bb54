"""The demo is the first thing that a new user runs."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.environments import ROOT
from tests.needs import need
from tests.servers.program import free_port


class Demo:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.pid_file = folder / f"server.{port}.pid"

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "demo" / "run.sh"],
            env=os.environ | {"PORT": str(self.port), "FOLDER": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
        )


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    for needed in (".venvs/mlflow3/bin/python", ".venv/bin/trackback"):
        need((ROOT / needed).exists(), f"no {needed}: `make demo` installs it")
    demo = Demo(tmp_path / "demo", free_port())
    yield demo
    if demo.pid_file.exists():
        os.kill(int(demo.pid_file.read_text()), signal.SIGTERM)


@pytest.mark.timeout(240)
def test_the_demo_trains_promotes_and_predicts_and_runs_again_on_the_server_it_left(demo: Demo) -> None:
    first = demo.run()
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"started trackback at http://127.0.0.1:{demo.port}" in first.stdout
    assert "the tag promote=true is set on it" in first.stdout
    assert "predicted growers" in first.stdout
    pid = demo.pid_file.read_text().strip()
    assert f"To stop it: kill {pid}" in first.stdout
    for line in first.stdout.splitlines():
        if (link := line.split()[-1:]) and link[0].startswith("http://"):
            assert httpx.get(link[0], trust_env=False).status_code == 200, line

    again = demo.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "the server of an earlier demo is up" in again.stdout
    assert demo.pid_file.read_text().strip() == pid


def test_the_demo_says_when_its_port_is_taken(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", demo.port)):
        run = demo.run()
    assert run.returncode == 1
    assert f"Port {demo.port} of 127.0.0.1 is in use" in run.stderr
    assert "make demo PORT=5001" in run.stderr
