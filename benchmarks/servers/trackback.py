"""This project's server, on SQLite and on PostgreSQL."""

import sys
from pathlib import Path
from typing import Self

from benchmarks.servers.postgres import PostgresCluster
from benchmarks.servers.server import Server, output_of

_SQLITE_VERSION = "import apsw; print(apsw.sqlitelibversion())"


class TrackbackServer(Server):
    name = "trackback"
    title = "trackback"
    durability = "SQLite, journal_mode=WAL, synchronous=FULL: a commit is on disk before its requests are answered"

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "trackback", "server", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--backend-store-uri", self._database()),
            *("--artifacts-destination", str(self.directory / "artifacts")),
        ]

    def version(self) -> str:
        return f"{_own_version()}, SQLite {output_of(sys.executable, '-c', _SQLITE_VERSION)}"

    def _database(self) -> str:
        return f"sqlite:///{self.directory / 'trackback.db'}"


class TrackbackOnPostgresServer(TrackbackServer):
    name = "trackback-postgres"
    title = "trackback on PostgreSQL"
    durability = "PostgreSQL with its defaults: fsync=on, synchronous_commit=on"

    def __init__(self, directory: Path, cluster: PostgresCluster) -> None:
        super().__init__(directory)
        self._cluster = cluster
        self._dsn = ""

    def start(self) -> float:
        self._dsn = self._dsn or self._cluster.new_database()
        return super().start()

    def roots(self) -> list[int]:
        return [self.pid, self._cluster.pid]

    def twin(self, directory: Path) -> Self:
        return type(self)(directory, self._cluster)

    def version(self) -> str:
        return f"{_own_version()}, {self._cluster.version()}"

    def _database(self) -> str:
        return self._dsn


def _own_version() -> str:
    commit = output_of("git", "-C", Path(__file__).parent, "describe", "--always", "--dirty")
    return f"{output_of(sys.executable, '-m', 'trackback', '--version').rpartition(' ')[2]} at {commit}"
