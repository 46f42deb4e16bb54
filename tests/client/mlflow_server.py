"""MLflow's own server, with its defaults, from the environment of MLflow 3."""

import signal
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.environments import Environment
from tests.servers.program import Program, free_port

SERVE = Path(__file__).parent / "scripts" / "serve_mlflow.py"


class MlflowServer:
    """`mlflow server` on a free port of loopback, with a SQLite database and artifacts in the folder given."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        stores = f"--backend-store-uri sqlite:///{folder}/mlflow.db --artifacts-destination {folder}/artifacts"
        listen = f"--host 127.0.0.1 --port {self.port} --workers 1"
        self._program = Program(
            [SERVE, *listen.split(), *stores.split()],
            log=folder / "mlflow.log",
            answers=self._healthy,
            env={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            forks=Environment("mlflow3").forks(),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._program.start(timeout_s=300)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.end(signal.SIGTERM, timeout_s=120)

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
