"""Scoring servers: what `models serve` starts, of trackback and of MLflow, with their defaults."""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Self

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.processes import tree
from tests.servers.program import free_port

_STARTS_WITHIN_S = 300
_PING = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"


class ScoringServer(ABC):
    """One model served on a free port. Use it as a context manager, as often as is wanted."""

    def __init__(self, directory: Path, model: Path) -> None:
        self.directory = directory
        self.model = model
        self.port = free_port()

    @abstractmethod
    def command(self) -> list[str]: ...

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "scoring.log").open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self.environment())
        deadline = time.perf_counter() + _STARTS_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() > deadline:
                self._end()
                raise RuntimeError(f"no scoring server on port {self.port}: see {log.name}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        processes = tree(self._process.pid)
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        for pid in processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with Connection(self.port) as connection:
                connection.expect(_PING)
        except (OSError, UnexpectedAnswerError):
            return False
        return True


class TrackbackScoring(ScoringServer):
    def command(self) -> list[str]:
        return [sys.executable, "-m", "trackback", "models", "serve", "-m", str(self.model), "--port", str(self.port)]


class MlflowScoring(ScoringServer):
    def __init__(self, directory: Path, model: Path, environment: Path) -> None:
        super().__init__(directory, model)
        self._bin = environment / "bin"

    def command(self) -> list[str]:
        flags = ["-m", str(self.model), "--port", str(self.port), "--env-manager", "local"]
        return [str(self._bin / "mlflow"), "models", "serve", *flags]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self._bin}:{os.environ['PATH']}"}
