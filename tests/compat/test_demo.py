"""The demo is the first thing that a new user runs."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
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
        self.endpoint_port = free_port()
        self.pid_file = folder / f"server.{port}.pid"

    @property
    def environment(self) -> dict[str, str]:
        own = {"PORT": self.port, "ENDPOINT_PORT": self.endpoint_port, "FOLDER": self.folder}
        return os.environ | {name: str(value) for name, value in own.items()}

    @property
    def stopping(self) -> list[str]:
        """What it says that the endpoint is stopped by."""
        slot, server = f"wine-{self.endpoint_port}", f"http://127.0.0.1:{self.port}"
        how = f"--to process --slot {slot} --state {self.folder} --server {server} --remove"
        return f".venv/bin/trackback deliver deploy {how}".split()

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "demo" / "run.sh"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=700,
        )


@pytest.fixture
def demo() -> Iterator[Demo]:
    for needed in (".venvs/mlflow3/bin/python", ".venv/bin/trackback"):
        need((ROOT / needed).exists(), f"no {needed}: `make demo` installs it")
    folder = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))  # short enough for sockets to be in it
    demo = Demo(folder, free_port())
    yield demo
    if demo.pid_file.exists():
        subprocess.run(demo.stopping, cwd=ROOT, capture_output=True, timeout=60)
        os.kill(int(demo.pid_file.read_text()), signal.SIGTERM)
    shutil.rmtree(folder)


@pytest.mark.timeout(1500)
def test_the_demo_goes_from_training_to_an_endpoint_and_back_and_runs_again_on_what_it_left(demo: Demo) -> None:
    first = demo.run()
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"started trackback at http://127.0.0.1:{demo.port}" in first.stdout
    assert "the tag promote=true is set on it" in first.stdout
    assert "predicted growers" in first.stdout
    pid = demo.pid_file.read_text().strip()
    assert f"To stop it: kill {pid}" in first.stdout
    for line in first.stdout.splitlines():
        if line.startswith("  ") and (link := line.split()[-1]).startswith("http://"):
            assert httpx.get(link, trust_env=False).status_code == 200, line

    again = demo.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "the server of an earlier demo is up" in again.stdout
    assert demo.pid_file.read_text().strip() == pid

    for each in (first, again):
        assert "passed 'validation' on test.csv" in each.stdout
        assert '{"predictions": [' in each.stdout or '{"predictions":[' in each.stdout
        traced = each.stdout.partition("$ trackback trace ")[2]
        assert all(word in traced for word in ("deployment", "promotion", "logisticregression__C = 1.0", "data sets"))
    assert " ".join(demo.stopping) in again.stdout
    assert subprocess.run(demo.stopping, cwd=ROOT, timeout=60).returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{demo.endpoint_port}/ping", trust_env=False)


def test_the_demo_says_when_its_port_is_taken(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", demo.port)):
        run = demo.run()
    assert run.returncode == 1
    assert f"Port {demo.port} of 127.0.0.1 is in use" in run.stderr
    assert "make demo PORT=5001" in run.stderr
