"""Scoring servers, as a user starts them: trackback's, and MLflow's for comparison."""

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests import model_processes
from tests.environments import ROOT, Environment
from tests.servers.program import Program, free_port

SERVE_WITH_MLFLOW = ROOT / "tests" / "scoring" / "scripts" / "serve_with_mlflow.py"


class Endpoint:
    """A scoring server somewhere on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def post(self, body: Any, content_type: str = "application/json") -> httpx.Response:
        """What /invocations answers; ``body`` is sent as JSON unless it is text or bytes."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {"Content-Type": content_type}
        return httpx.post(f"{self.url}/invocations", content=content, headers=headers, timeout=60, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10, trust_env=False)

    def answers(self) -> bool:
        try:
            return self.get("/ping").status_code == 200
        except httpx.TransportError:
            return False


class TrackbackScoring(Endpoint):
    """`trackback models serve`; its log is kept in the folder given."""

    def __init__(
        self, model: str | Path, folder: Path, flags: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(free_port())
        command = ["-m", "trackback", "models", "serve", "-m", str(model), "--port", str(self.port)]
        log, forks = folder / f"scoring-{self.port}.log", model_processes.forks()
        self._program = Program([*command, *flags], log=log, answers=self.answers, env=env, forks=forks)

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def running(self) -> bool:
        return self._program.running

    @property
    def log_text(self) -> str:
        return self._program.log_text

    def start(self) -> None:
        self._program.start(110)

    def stop(self, signal_number: signal.Signals = signal.SIGINT) -> int:
        """What Ctrl-C does, or another signal; the exit code."""
        return self._program.end(signal_number, 60)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def mlflow_scoring(models: Sequence[Path], folder: Path) -> Iterator[list[Endpoint]]:
    """MLflow's scoring server, for each of these models."""
    environment = Environment("mlflow3")
    endpoints = [Endpoint(free_port()) for _ in models]
    served = [f"{each.port}={model}" for each, model in zip(endpoints, models, strict=True)]

    def all_answer() -> bool:
        return all(each.answers() for each in endpoints)

    program = Program(
        [SERVE_WITH_MLFLOW, *served], log=folder / "mlflow.log", answers=all_answer, forks=environment.forks()
    )
    program.start(280)
    try:
        yield endpoints
    finally:
        program.end(signal.SIGKILL)
