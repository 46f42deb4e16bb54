"""Programs in forks of a Python that has imported a lot: most of what a short program takes is its imports."""

import atexit
import fcntl
import hashlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TextIO

FORKS = Path(__file__).parent / "forks.py"
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]
FOLDER = Path(f"/tmp/trackback-forks-{RUN}")
"""Where all workers of pytest find them; a short path, as sockets need."""


class Forks:
    """A Python that has imported ``modules``, and runs programs in forks of itself; for any thread.

    All workers of pytest that ask for the same have the same one: it is started when one is first asked for, and ends
    when all have been closed. The name of a module that keeps something of when it was imported is to begin with +.
    ``executable``: what the programs take for their Python, when they start another one.
    """

    def __init__(self, python: Path, modules: Sequence[str], executable: Path | None = None) -> None:
        self.socket = socket_of(python, modules)
        self._executable = executable
        with _locked():
            try:
                self._stay = self._connection()
            except (FileNotFoundError, ConnectionRefusedError):
                self.socket.unlink(missing_ok=True)
                self._start(python, modules)
                self._stay = self._connection()

    def _start(self, python: Path, modules: Sequence[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.socket))
            listener.listen()
            subprocess.run(
                [python, FORKS, str(listener.fileno()), self.socket, *modules],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a module prints is no answer
                env=environment,
                pass_fds=(listener.fileno(),),
                start_new_session=True,
                check=True,
            )

    @property
    def pid(self) -> int:
        """What the programs take for their parent: who has asked for them."""
        return os.getpid()

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
            "command": list(command),
            "env": dict(env),
            "folder": str(folder or Path.cwd()),
            "executable": self._executable and str(self._executable),
            "quiet": False,
            "parent": self.pid,
            "descriptors": [0, 1, 2],
        }
        text = ascii(order).encode()
        with ExitStack() as opened:
            given = opened.enter_context((input_file or Path(os.devnull)).open("rb"))
            told = [opened.enter_context(each.open("ab")) for each in (output, errors)]
            connection = self._connection()
            socket.send_fds(connection, [len(text).to_bytes(4, "little")], [each.fileno() for each in (given, *told)])
            connection.sendall(text)
        return Forked(connection)

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

    def _connection(self) -> socket.socket:
        with ExitStack() as opened:
            connection = opened.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(str(self.socket))
            opened.pop_all()
        return connection

    def close(self) -> None:
        self._stay.close()


class Forked:
    """A program under way, to be asked as a subprocess.Popen is. It is ended when there is nobody to ask any more."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection.detach()
        weakref.finalize(self, os.close, self._connection)
        self._lock = threading.Lock()
        self.pid = self._told()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None and self._has_been_told(0):
                self.returncode = self._told()
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left_s = None if until is None else until - time.monotonic()
            if not self._has_been_told(left_s):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def _has_been_told(self, timeout_s: float | None) -> bool:
        waiting = select.poll()
        waiting.register(self._connection, select.POLLIN)
        return bool(waiting.poll(None if timeout_s is None else max(0, timeout_s * 1000)))

    def _told(self) -> int:
        number = os.read(self._connection, 4)
        assert number, "the Python that forks has ended"
        return int.from_bytes(number, "little", signed=True)

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


def socket_of(python: Path, modules: Sequence[str]) -> Path:
    """Where the one of these is asked."""
    return FOLDER / hashlib.sha256(repr((str(python), *modules)).encode()).hexdigest()[:12]


@contextmanager
def _locked() -> Iterator[None]:
    """While nobody else starts one, and none ends."""
    while (lock := _lock()) is None:
        pass
    with lock:
        yield


def _lock() -> TextIO | None:
    """None: the last who had it has removed it."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    path = FOLDER / "lock"
    with ExitStack() as opened, suppress(FileNotFoundError):
        lock = opened.enter_context(path.open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
            opened.pop_all()
            return lock
    return None


@cache
def forks_of(python: Path, *modules: str, executable: Path | None = None) -> Forks:
    """Kept until the tests have ended: what it has imported is what it is for."""
    forks = Forks(python, modules, executable)
    atexit.register(forks.close)
    return forks
