"""Programs in forks of a Python that has imported a lot: most of what a short program takes is its imports."""

import atexit
import itertools
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

FORKS = Path(__file__).parent / "forks.py"
LONGEST_PAUSE_S = 0.02


class Forks:
    """A Python that has imported ``modules``, and runs programs in forks of itself; for any thread.

    The name of a module that keeps something of when it was imported is to begin with +.
    """

    def __init__(self, python: Path, modules: Sequence[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        self._process = subprocess.Popen(
            [python, FORKS, *modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    @property
    def pid(self) -> int:
        """Of the Python whose forks the programs are."""
        return self._process.pid

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        output: Path,
        errors: Path,
        *,
        folder: Path | None = None,
        input_file: Path | None = None,
    ) -> "Forked":
        """Start a program: what would follow the word `python`. ``output`` and ``errors`` are files, to be added to."""
        order = {
            "command": command,
            "env": dict(env),
            "folder": str(folder or Path.cwd()),
            "input": str(input_file or os.devnull),
            "output": str(output),
            "errors": str(errors),
        }
        return Forked(self, int(self.order(order)))

    def run(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        timeout_s: float,
        *,
        folder: Path | None = None,
        input: str | None = None,  # noqa: A002 - subprocess's word
    ) -> "subprocess.CompletedProcess[str]":
        """Raises subprocess.TimeoutExpired, when the program and what it has started are ended."""
        with tempfile.TemporaryDirectory() as place:
            output, errors, given = Path(place, "output"), Path(place, "errors"), Path(place, "input")
            output.touch()
            errors.touch()
            given.write_text(input or "")
            program = self.start(command, env, output, errors, folder=folder, input_file=given)
            try:
                code = program.wait(timeout_s)
            except subprocess.TimeoutExpired:
                program.end_all()
                raise subprocess.TimeoutExpired(command, timeout_s, output.read_bytes(), errors.read_bytes()) from None
            return subprocess.CompletedProcess(command, code, output.read_text(), errors.read_text())

    def order(self, order: Mapping[str, Any]) -> Any:
        """The answer to an order; not the one to an order before it, whose wait was broken off."""
        with self._lock:
            number = next(self._numbers)
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({**order, "number": number}) + "\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                of, answer = json.loads(line)
                if of == number:
                    return answer
        raise AssertionError(f"the Python that forks has ended with {self._process.wait()}")

    def close(self) -> None:
        self._process.communicate()


class Forked:
    """A program under way, to be asked as a subprocess.Popen is."""

    def __init__(self, forks: Forks, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._forks = forks
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None:
                self.returncode = self._forks.order({"look": self.pid})
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        began, pause_s = time.monotonic(), 0.001
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() > began + timeout:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end_all(self) -> None:
        """End it, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


@cache
def forks_of(python: Path, *modules: str) -> Forks:
    """Kept until the tests have ended: what it has imported is what it is for."""
    forks = Forks(python, modules)
    atexit.register(forks.close)
    return forks
