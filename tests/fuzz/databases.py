"""Whether anything was written to a server's database, seen from beside the server."""

from abc import ABC, abstractmethod
from typing import Any

import apsw
import psycopg
from psycopg import sql

from trackback.storage.schema import parse_location

# Written in the background after a request, by deliverers and by the index of what versions came from.
WRITTEN_LATER = frozenset(
    {
        "model_signatures",
        "package_files",
        "package_set_members",
        "package_sets",
        "unindexed_versions",
        "version_ingredients",
        "version_origins",
        "version_packages",
        "webhook_deliveries",
        "webhooks",
    }
)


class Observer(ABC):
    """Looks at a database again and again, but not at ``WRITTEN_LATER``. ``close`` it before the server stops."""

    def __init__(self) -> None:
        self._mark: object = None
        self._contents: dict[str, object] = {}
        self.changes()

    def changes(self) -> set[str]:
        """The tables that hold something else than at the last look."""
        mark = self._read_mark()
        if mark == self._mark:
            return set()
        contents = self._read_contents()
        changed = {table for table, held in contents.items() if held != self._contents.get(table)}
        self._mark, self._contents = mark, contents
        return changed

    @abstractmethod
    def _read_mark(self) -> object:
        """What moves with every commit that wrote anything, and is quick to read."""

    @abstractmethod
    def _read_contents(self) -> dict[str, object]:
        """What each table holds, row by row or as hashes."""

    @abstractmethod
    def close(self) -> None: ...


class SqliteObserver(Observer):
    def __init__(self, path: str) -> None:
        self._file = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
        super().__init__()

    def _read_mark(self) -> object:
        return self._file.execute("PRAGMA data_version").fetchall()

    def _read_contents(self) -> dict[str, object]:
        tables = self._rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {table: self._rows(f"SELECT * FROM {table}") for (table,) in tables if table not in WRITTEN_LATER}

    def _rows(self, query: str) -> list[Any]:
        return self._file.execute(query).fetchall()

    def close(self) -> None:
        self._file.close()


class PostgresObserver(Observer):
    def __init__(self, url: str) -> None:
        self._server = psycopg.connect(url, autocommit=True)
        self._hashes = self._query()
        super().__init__()

    def _query(self) -> sql.Composed:
        tables = self._server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        hashed = sql.SQL("SELECT {}, count(*), sum(hashtextextended(CAST(t AS text), 0)) FROM {} t")
        return sql.SQL(" UNION ALL ").join(
            hashed.format(name, sql.Identifier(name)) for (name,) in tables if name not in WRITTEN_LATER
        )

    def _read_mark(self) -> object:
        return self._server.execute("SELECT pg_current_wal_insert_lsn()").fetchall()

    def _read_contents(self) -> dict[str, object]:
        return {table: hashed for table, *hashed in self._server.execute(self._hashes)}

    def close(self) -> None:
        self._server.close()


def observe(uri: str) -> Observer:
    location = parse_location(uri)
    return PostgresObserver(location.uri) if location.path is None else SqliteObserver(str(location.path))
