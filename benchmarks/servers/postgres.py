"""A PostgreSQL of our own: a fresh cluster with PostgreSQL's default settings, on a free loopback port."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from benchmarks.servers.server import free_port, output_of

_INSTALLED_BY_DEBIAN = Path("/usr/lib/postgresql")
_ACCOUNT = "postgres"
_STARTS_WITHIN_S = 60


class PostgresCluster:
    """Started by `with`, stopped and left behind in its directory at the end."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._bin = _binaries()
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("PostgreSQL is not running")
        return self._process.pid

    def version(self) -> str:
        return output_of(self._bin / "postgres", "--version").replace("postgres (PostgreSQL)", "PostgreSQL")

    def new_database(self) -> str:
        """Creates an empty database and returns its URI."""
        self._databases += 1
        name = f"benchmark_{self._databases}"
        self._client("createdb", name)
        return f"postgresql://{_ACCOUNT}@127.0.0.1:{self._port}/{name}"

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self._directory, _ACCOUNT)
        data = self._directory / "data"
        _as_account([self._bin / "initdb", "-D", data, "-U", _ACCOUNT, "-A", "trust", "-E", "UTF8"]).wait()
        self._process = _as_account(
            [self._bin / "postgres", "-D", data, "-p", str(self._port), "-k", "", "-h", "127.0.0.1"],
            self._directory / "postgres.log",
        )
        self._await_ready()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown.
            self._process.wait()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < deadline:
            ready = subprocess.run(
                [self._bin / "pg_isready", "-h", "127.0.0.1", "-p", str(self._port)], capture_output=True, check=False
            )
            if ready.returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL did not start; see {self._directory / 'postgres.log'}")

    def _client(self, program: str, *arguments: str) -> None:
        command: list[str | Path] = [
            self._bin / program,
            "-h",
            "127.0.0.1",
            "-p",
            str(self._port),
            "-U",
            _ACCOUNT,
            *arguments,
        ]
        subprocess.run(command, check=True, capture_output=True)


def _binaries() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = sorted(_INSTALLED_BY_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise RuntimeError(
            f"no PostgreSQL on PATH or under {_INSTALLED_BY_DEBIAN}: install it, or leave its server out"
        )
    return versions[-1].parent


def _as_account(command: list[str | Path], log: Path | None = None) -> subprocess.Popen[bytes]:
    """PostgreSQL refuses to run as root."""
    account = pwd.getpwnam(_ACCOUNT).pw_uid if os.geteuid() == 0 else None
    with Path(log or os.devnull).open("ab") as output:
        return subprocess.Popen(command, user=account, stdout=output, stderr=output, cwd="/")
