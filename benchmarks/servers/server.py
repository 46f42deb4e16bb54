"""What every server under test has in common: a process on a free port, with data of its own."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.messages import get
from benchmarks.processes import tree
from tests.servers.program import free_port

_STARTS_WITHIN_S = 120
_STOPS_WITHIN_S = 20
_ASKED_EVERY_S = 0.005


class Server(ABC):
    """One server with its own data directory. Use it as a context manager: it starts, answers, and stops."""

    #: The name on the command line and in the results.
    name: ClassVar[str]
    #: The name in the report.
    title: ClassVar[str]
    #: What its database is told about durability, and where that is known from.
    durability: ClassVar[str]
    #: Whether clients send artifacts through it.
    proxies_artifacts: ClassVar[bool] = True

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The command line, to be run in the server's directory."""

    @abstractmethod
    def version(self) -> str:
        """Its version, and that of the database it runs on."""

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def roots(self) -> list[int]:
        """The processes that, with their descendants, do the server's work: its own, and its database's if separate."""
        return [self.pid]

    def twin(self, directory: Path) -> Self:
        """Another server of the same kind, with nothing in it yet."""
        return type(self)(directory)

    def start(self) -> float:
        """Starts the server and returns the seconds until it first answered a request to its API."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            began = time.perf_counter()
            self._process = subprocess.Popen(
                self.command(), cwd=self.directory, stdout=log, stderr=log, env=self._environment()
            )
        self._await_first_answer(self._process, began + _STARTS_WITHIN_S)
        return time.perf_counter() - began

    def stop(self) -> None:
        """Asks the server to stop, and ends what is left of it after a while: MLflow leaves job runners behind."""
        if self._process is None:
            return
        processes = tree(self._process.pid)
        self._process.terminate()
        try:
            self._process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        for pid in processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def connect(self) -> Connection:
        return Connection(self.port)

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def _await_first_answer(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        question = get("/experiments/get", {"experiment_id": "0"})
        while time.perf_counter() < deadline:
            if process.poll() is not None:
                break
            try:
                with self.connect() as connection:
                    connection.expect(question)
                    return
            except (OSError, UnexpectedAnswerError):
                time.sleep(_ASKED_EVERY_S)
        ending = self.log.read_text(errors="replace")[-2000:]
        process.kill()
        raise RuntimeError(f"{self.name} did not answer on port {self.port}; its log ends with:\n{ending}")


def output_of(*command: str | Path) -> str:
    """What a command prints, for versions."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
