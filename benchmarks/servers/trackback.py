"""This project's server, on SQLite and on PostgreSQL."""

import subprocess
import sys
from pathlib import Path
from typing import Self

import psycopg

from benchmarks.servers.server import Server, output_of
from tests.servers.postgres import Postgres

_SQLITE_VERSION = "import apsw; print(apsw.sqlitelibversion())"


class TrackbackServer(Server):
    name = "trackback"
    title = "trackback"
    durability = "SQLite, journal_mode=WAL, synchronous=FULL: a commit is on disk before its requests are answered"

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "trackback", "server", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--backend-store-uri", self.database()),
            *("--artifacts-destination", str(self.directory / "artifacts")),
        ]

    def version(self) -> str:
        return f"{_own_version()}, SQLite {output_of(sys.executable, '-c', _SQLITE_VERSION)}"

    def database(self) -> str:
        return f"sqlite:///{self.directory / 'trackback.db'}"


class TrackbackOnPostgresServer(TrackbackServer):
    name = "trackback-postgres"
    title = "trackback on PostgreSQL"
    durability = "PostgreSQL's defaults, fsync=on and synchronous_commit=on: a commit is on disk before it is answered"

    def __init__(self, directory: Path, postgres: Postgres) -> None:
        super().__init__(directory)
        self._postgres = postgres
        self._url = ""

    def start(self) -> float:
        self._url = self._url or self._postgres.create_database()
        return super().start()

    def roots(self) -> list[int]:
        return [self.pid, self._postgres.pid]

    def twin(self, directory: Path) -> Self:
        return type(self)(directory, self._postgres)

    def version(self) -> str:
        return f"{_own_version()}, PostgreSQL {_version_of(self._postgres)}"

    def database(self) -> str:
        return self._url


def _own_version() -> str:
    version = output_of(sys.executable, "-m", "trackback", "--version").rpartition(" ")[2]
    git = ("git", "-C", Path(__file__).parents[2])
    try:
        changed = output_of(*git, "status", "--porcelain", "--", "src")  # the figures themselves change, too
        return f"{version} at {output_of(*git, 'describe', '--always')}{'-dirty' if changed else ''}"
    except (OSError, subprocess.CalledProcessError):  # An unpacked archive, not a repository.
        return version


def _version_of(postgres: Postgres) -> str:
    with psycopg.connect(postgres.url) as connection:
        return connection.info.parameter_status("server_version") or "of unknown version"
