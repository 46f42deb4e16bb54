"""Scoring servers, as a user starts them: trackback's, and MLflow's for comparison."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.environments import Environment
from tests.needs import need
from tests.servers.program import Program, free_port


class ScoringServer:
    """A program that answers /ping on a free port of loopback; its log is kept in the folder given."""

    def __init__(self, command: Sequence[str | Path], port: int, folder: Path, env: Mapping[str, str]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._program = Program(command, log=folder / f"scoring-{port}.log", answers=self._answers, env=env)

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

    def post(self, body: Any, content_type: str = "application/json") -> httpx.Response:
        """What /invocations answers; ``body`` is sent as JSON unless it is text or bytes."""
        content = {"content": body} if isinstance(body, str | bytes) else {"json": body}
        headers = {"Content-Type": content_type}
        return httpx.post(f"{self.url}/invocations", headers=headers, timeout=60, trust_env=False, **content)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10, trust_env=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            return self.get("/ping").status_code == 200
        except httpx.TransportError:
            return False


class TrackbackScoring(ScoringServer):
    def __init__(
        self, model: str | Path, folder: Path, flags: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        port = free_port()
        command = [sys.executable, "-m", "trackback", "models", "serve", "-m", str(model), "--port", str(port), *flags]
        super().__init__(command, port, folder, env or {})


class MlflowScoring(ScoringServer):
    def __init__(self, model: Path, folder: Path) -> None:
        python = Environment("mlflow3").python
        need(python.exists(), "no environment mlflow3: run `make .venvs/mlflow3/.installed`")
        port = free_port()
        flags = ["-m", str(model), "--port", str(port), "--env-manager", "local"]
        env = {"PATH": f"{python.parent}:{os.environ['PATH']}"}
        super().__init__([python.parent / "mlflow", "models", "serve", *flags], port, folder, env)
