"""The environments of other clients, made by make under .venvs/, each with its own Python."""

import atexit
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.needs import need

ROOT = Path(__file__).parent.parent
FORKS = ROOT / "tests" / "forks.py"

IMPORTED = dict.fromkeys(("mlflow2", "mlflow3"), ("mlflow", "mlflow.pyfunc", "sklearn.linear_model"))
"""What an environment's scripts import, most of which takes seconds: they are run in forks of a Python that has."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment under .venvs/ that tests run scripts in."""

    name: str

    @property
    def python(self) -> Path:
        return ROOT / ".venvs" / self.name / "bin" / "python"

    def run(
        self,
        script: Path,
        *arguments: str,
        tracking_uri: str,
        env: Mapping[str, str] = MappingProxyType({}),
        timeout_s: float = 110,
    ) -> str:
        """Run a script against the server at tracking_uri; its standard output. The test fails if the script does."""
        need(self.python.exists(), f"no environment {self.name}: run `make .venvs/{self.name}/.installed`")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        variables = {**inherited, "MLFLOW_TRACKING_URI": tracking_uri, "PYTHONUNBUFFERED": "1", **env}
        command = [str(script), *arguments]
        if self.name in IMPORTED:
            ended = _forks(self).run(command, variables, timeout_s)
        else:
            ended = subprocess.run(
                [self.python, *command],
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_s,
            )
        if ended.returncode != 0:
            pytest.fail(
                f"{script.name} in {self.name} ended with {ended.returncode}\n"
                f"--- stdout\n{ended.stdout}\n--- stderr\n{ended.stderr}",
                pytrace=False,
            )
        return ended.stdout


class Forks:
    """A Python of an environment that has imported a lot, and runs programs in forks of itself, one at a time."""

    def __init__(self, python: Path, modules: Sequence[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        self._process = subprocess.Popen(
            [python, FORKS, *modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(
        self, command: Sequence[str], env: Mapping[str, str], timeout_s: float
    ) -> "subprocess.CompletedProcess[str]":
        """Raises subprocess.TimeoutExpired, when the program and what it has started are ended."""
        with tempfile.TemporaryDirectory() as folder:
            output, errors = Path(folder, "output"), Path(folder, "errors")
            output.touch()
            errors.touch()
            order = {"command": command, "env": dict(env), "folder": str(Path.cwd())}
            self._send(json.dumps({**order, "output": str(output), "errors": str(errors)}))
            program = int(self._read())
            late = threading.Event()
            timer = threading.Timer(timeout_s, _end, (program, late))
            timer.start()
            code = int(self._read())
            timer.cancel()
            timer.join()
            if late.is_set():
                raise subprocess.TimeoutExpired(command, timeout_s, output.read_bytes(), errors.read_bytes())
            return subprocess.CompletedProcess(command, code, output.read_text(), errors.read_text())

    def close(self) -> None:
        self._process.communicate()

    def _send(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the Python that forks has ended with {self._process.wait()}"
        return line


@cache
def _forks(environment: Environment) -> Forks:
    """Kept until the tests have ended: what it has imported is what it is for."""
    forks = Forks(environment.python, IMPORTED[environment.name])
    atexit.register(forks.close)
    return forks


def _end(process: int, late: threading.Event) -> None:
    late.set()
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
