"""AWS's APIs, as moto answers them, in a process of its own."""

import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.environments import Environment
from tests.servers.program import Program, accepts_connections, free_port

REGION = "eu-west-1"


def missing() -> str | None:
    """Why moto can't be started here, or None."""
    there = Environment("moto").python.exists()
    return None if there else "no environment moto: run `make .venvs/moto/.installed`"


class Moto:
    """A server of its own, on a free port of loopback, with nothing in it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command: list[str | Path] = [
            Environment("moto").python.with_name("moto_server"),
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        self._program = Program(
            command, log=folder / "moto.log", answers=lambda: accepts_connections(self.port), env=self.env
        )

    @property
    def env(self) -> dict[str, str]:
        """What boto3 finds it, and keys, by."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> Self:
        self._program.start(timeout_s=500)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.end(signal.SIGKILL)
