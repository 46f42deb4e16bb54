"""trackback's own server, as a user starts it."""

import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests import commands
from tests.servers.program import Program, free_port


class TrackbackServer:
    """`trackback server` on a free port of loopback; its log is kept in the folder given.

    flags: further command-line arguments; env: variables on top of those that the tests run with. It is a process like
    any, but a fork of one that has imported what a server does; ``afresh`` for one that imports it all by itself.
    """

    def __init__(
        self,
        backend_uri: str,
        artifacts: str | Path,
        folder: Path,
        flags: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        *,
        afresh: bool = False,
    ) -> None:
        self.backend_uri = backend_uri
        self.port = free_port()
        listen = f"--host 127.0.0.1 --port {self.port}"
        stores = ["--backend-store-uri", backend_uri, "--artifacts-destination", artifacts]
        python = [sys.executable] if afresh else []
        self._program = Program(
            [*python, "-m", "trackback", "server", *listen.split(), *stores, *flags],
            log=folder / f"trackback-{self.port}.log",
            answers=self._healthy,
            env=env,
            forks=None if afresh else commands.forks(),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def running(self) -> bool:
        return self._program.running

    @property
    def log_text(self) -> str:
        return self._program.log_text

    def start(self, timeout_s: float = 60) -> None:
        """Start the server and return when /health answers."""
        self._program.start(timeout_s)

    def stop(self, timeout_s: float = 30, signal_number: signal.Signals = signal.SIGINT) -> int:
        """What Ctrl-C does, or another signal; the exit code."""
        return self._program.end(signal_number, timeout_s)

    def kill(self) -> None:
        """End it with no chance to clean up."""
        self._program.end(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
