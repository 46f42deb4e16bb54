"""A connection to SQLite, and a transaction on it: what the one that writes and those that read share."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from trackback.errors import ConfigurationError, StorageFull, TrackbackError, Unavailable
from trackback.storage.interface import Dialect, Row, Transaction
from trackback.storage.names import NameCache, NameTable

BUSY_TIMEOUT_MS = 10_000
# A bug with the WAL's reset can lose commits in 3.7.0 to 3.51.2.
OLDEST_SQLITE = 3_051_003

DIALECT = Dialect(
    {
        "ints": lambda _: "IN (SELECT value FROM json_each(?))",
        "texts": lambda _: "IN (SELECT value FROM json_each(?))",
        "columns": lambda types: f"VALUES ({', '.join('?' for _ in types.split(','))})",
        "folded": lambda expression: f"unicode_lower({expression})",
        "any_escape": lambda _: "",
        "for_share": lambda _: "",
        "for_update": lambda _: "",
    },
    numbered=False,
)

log = logging.getLogger(__name__)


class SqliteTransaction(Transaction):
    def __init__(self, connection: apsw.Connection, names: NameCache) -> None:
        self._connection = connection
        self._execute = connection.execute
        self.name_table = NameTable(self, names)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._execute(DIALECT.render(sql), _bound(values)).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        self._execute(DIALECT.render(sql), _bound(values))
        return self._connection.changes()

    def insert_columns(self, sql: str, *columns: Sequence[Any]) -> int:
        before = self._connection.total_changes()
        self._connection.executemany(DIALECT.render(sql), zip(*columns, strict=True))
        return self._connection.total_changes() - before

    def send(self, sql: str, *values: Any) -> None:
        self._execute(DIALECT.render(sql), _bound(values))

    def send_columns(self, sql: str, *columns: Sequence[Any]) -> None:
        self._connection.executemany(DIALECT.render(sql), zip(*columns, strict=True))

    def name_ids(self, names: Sequence[str]) -> list[int]:
        return self.name_table.ids(names)

    def known_name_ids(self, names: Sequence[str]) -> dict[str, int]:
        return self.name_table.known_ids(names)

    def trust_indexes(self) -> None:
        """SQLite follows indexes, and the order of a CROSS JOIN, as it is."""

    def names(self, ids: Sequence[int]) -> list[str]:
        return self.name_table.names(ids)


def _bound(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Lists go to SQLite as JSON, for json_each."""
    for value in values:
        if type(value) is list:
            return tuple(json.dumps(value) if type(value) is list else value for value in values)
    return values


def translated(error: BaseException) -> TrackbackError:
    """What a client is told of an error of SQLite's: nothing of the SQL."""
    if isinstance(error, apsw.FullError):
        return StorageFull("The disk of the database is full. Nothing was written; free some space and repeat.")
    if isinstance(error, apsw.BusyError | apsw.LockedError | apsw.IOError | apsw.CantOpenError | apsw.NoMemError):
        return Unavailable("The database does not answer. Repeat the request in a moment.")
    log.error("unexpected error of the database", exc_info=error)
    return TrackbackError("The database refused an operation; the server's log says why.")


def connect(path: Path) -> apsw.Connection:
    """A connection with the settings that all of ours share."""
    if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
        raise ConfigurationError(
            f"SQLite {apsw.sqlite_lib_version()} can lose commits; trackback needs 3.51.3 or newer: upgrade apsw."
        )
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.pragma("journal_mode", "wal")
    except apsw.Error as error:
        raise ConfigurationError(f"Can't open the database {path}: {error}.") from error
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", True)
    connection.pragma("recursive_triggers", True)
    connection.pragma("case_sensitive_like", True)
    connection.pragma("cache_size", -32_000)
    connection.create_scalar_function("unicode_lower", _unicode_lower, 1, deterministic=True)
    return connection


def _unicode_lower(*arguments: Any) -> str | None:
    text = arguments[0]
    return text.lower() if isinstance(text, str) else None
