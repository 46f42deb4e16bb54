"""A server program run as a child process: start it, wait until it answers, end it, read its log."""

import itertools
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.forked import Forked, Forks


class ProgramFailed(Exception):
    """The program ended, or did not answer in time; the message holds the end of its log."""


SHARES = 32


def ports_of(worker: str) -> range:
    """Those of a worker of pytest-xdist: a share of what lies below the ports that the kernel gives to connections.

    So a server may end, and find its port free when it starts again.
    """
    return range(20_000 + int(worker.removeprefix("gw")) % SHARES, 32_768, SHARES)


_own_ports = ports_of(os.environ.get("PYTEST_XDIST_WORKER", "gw0"))
_ports = itertools.cycle(random.Random().sample(_own_ports, len(_own_ports)))


def free_port() -> int:
    """A loopback port that nothing listens on, and that no other worker is given."""
    return next(port for port in itertools.islice(_ports, len(_own_ports)) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Program:
    """One program, which may be started and ended again and again; its log is appended to one file.

    user: whom to run it as, when not the one who runs the tests. forks: what to run it in a fork of; the command is
    then what would follow the word python.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        answers: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        forks: Forks | None = None,
    ) -> None:
        self.command = command
        self.log = log
        self._answers = answers
        self._env = env
        self._user = user
        self._forks = forks
        self._process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ProgramFailed(f"{self.command[0]} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self, timeout_s: float = 60) -> None:
        """Start the program and return when it answers."""
        self._process = self._begun()
        self.wait_until_it_answers(timeout_s)

    def _begun(self) -> "subprocess.Popen[bytes] | Forked":
        env = os.environ | (self._env or {})
        with self.log.open("ab") as log:
            if self._forks:
                return self._forks.start(list(map(str, self.command)), env, self.log, self.log)
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
            )

    def wait_until_it_answers(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            if not self.running:
                raise ProgramFailed(self._story("ended before it answered"))
            if time.monotonic() > deadline:
                self.end(signal.SIGKILL)
                raise ProgramFailed(self._story(f"did not answer within {timeout_s} s"))
            time.sleep(0.02)

    def end(self, signal_number: signal.Signals, timeout_s: float = 30) -> int:
        """Send a signal and wait for the end; the exit code, negative when the signal itself ended it."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal_number)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise ProgramFailed(self._story(f"did not end within {timeout_s} s of {signal_number.name}")) from None

    def _story(self, what: str) -> str:
        return f"{' '.join(map(str, self.command))}: {what}. The end of its log:\n{self.log_text[-4000:]}"
