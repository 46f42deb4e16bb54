"""PostgreSQL, for many servers: short transactions on a pool of threads, each with a connection of its own."""

import asyncio
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg

from trackback.errors import ConfigurationError, Overloaded, StorageFull, TrackbackError, Unavailable
from trackback.storage.interface import Dialect, Row, Storage, Transaction, stopping
from trackback.storage.names import NameCache, NameTable

T = TypeVar("T")

CONNECTIONS = 10
QUEUE_SIZE = 2000
ATTEMPTS = 5
CONNECT_TIMEOUT_S = 5
CLOSE_TIMEOUT_S = 2
# A server that has vanished from the network is given up after half a minute; the kernel would wait for many.
_VANISHED: dict[str, Any] = {
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

DIALECT = Dialect(
    "%s",
    {
        "ints": lambda _: "= ANY(CAST(? AS bigint[]))",
        "texts": lambda _: "= ANY(CAST(? AS text[]))",
        "columns": lambda types: (
            f"SELECT * FROM unnest({', '.join(f'CAST(? AS {t.strip()}[])' for t in types.split(','))})"
        ),
        "folded": lambda expression: f'lower({expression} COLLATE "und-x-icu") COLLATE "C"',
        "any_escape": lambda _: "ESCAPE ''",
        "for_share": lambda _: "FOR SHARE",
        "for_update": lambda _: "FOR NO KEY UPDATE",
    },
)

# An operation looks first whether a value that must be unique is taken, so the next attempt finds it and says so.
_LOST_RACES = (pg.DeadlockDetected, pg.SerializationFailure, pg.UniqueViolation)
_TRUST_INDEXES = "SELECT " + ", ".join(
    f"set_config('enable_{method}', 'off', true)" for method in ("seqscan", "hashjoin", "mergejoin", "sort")
)
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN"

log = logging.getLogger(__name__)


class PostgresTransaction(Transaction):
    def __init__(self, connection: psycopg.Connection[Row], names: NameCache) -> None:
        self.connection = connection
        self._cursor = connection.cursor(binary=True)
        self.name_table = NameTable(self, names)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._cursor.execute(DIALECT.render(sql), _bound(values)).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        return self._cursor.execute(DIALECT.render(sql), _bound(values)).rowcount

    def insert_columns(self, sql: str, *columns: Sequence[Any]) -> int:
        return self._cursor.execute(DIALECT.render(sql), [_array(column) for column in columns]).rowcount

    def name_ids(self, names: Sequence[str]) -> list[int]:
        return self.name_table.ids(names)

    def known_name_ids(self, names: Sequence[str]) -> dict[str, int]:
        return self.name_table.known_ids(names)

    def trust_indexes(self) -> None:
        """Tables grow quicker than their statistics: a plan made for a few rows would read all of a large table, or
        sort it where an index has the order.
        """
        self._cursor.execute(_TRUST_INDEXES)

    def names(self, ids: Sequence[int]) -> list[str]:
        return self.name_table.names(ids)


def _bound(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if type(value) is list:
            return tuple(_array(value) if type(value) is list else value for value in values)
    return values


def _array(column: Sequence[Any]) -> str:
    """A column as the text of an array, which is cast where it is used: the driver's own dumper is 20 times slower."""
    return f"{{{','.join(map(_element, column))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return repr(value)


class PostgresStorage(Storage):
    """Open an existing database with the current schema: see ``schema`` for how it gets one."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._names = NameCache()
        self._threads = ThreadPoolExecutor(CONNECTIONS, "postgres")
        self._local = threading.local()
        self._open: set[psycopg.Connection[Row]] = set()
        self._waiting = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        return max(0, self._waiting - CONNECTIONS)

    async def read(self, operation: Callable[[Transaction], T]) -> T:
        return await self._submit(_READ, operation)

    async def write(self, operation: Callable[[Transaction], T]) -> T:
        return await self._submit(_WRITE, operation)

    async def _submit(self, begin: str, operation: Callable[[Transaction], T]) -> T:
        if self._closed:
            raise stopping()
        if self._waiting >= QUEUE_SIZE:
            raise Overloaded(f"{QUEUE_SIZE} requests are waiting for the database already. Repeat the request later.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._attempt, begin, operation)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Operations that nobody waits for any more are given up, with their connections if the server hangs."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        ended = asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        _, late = await asyncio.wait([ended], timeout=CLOSE_TIMEOUT_S)
        if late:
            log.warning("the database does not answer; what it was asked last is given up")
            for connection in list(self._open):
                _hang_up(connection)
        await ended
        for connection in self._open:
            connection.close()
        self._open.clear()

    def _attempt(self, begin: str, operation: Callable[[Transaction], T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._transact(begin, operation)
            except _LOST_RACES as error:
                if attempt == ATTEMPTS:
                    raise translated(error) from error
                time.sleep(random.uniform(0, 0.01 * 2**attempt))
            except psycopg.Error as error:
                raise translated(error) from error
        raise AssertionError("unreachable")

    def _transact(self, begin: str, operation: Callable[[Transaction], T]) -> T:
        tx = self._begin(begin)
        try:
            result = operation(tx)
            tx.run("COMMIT")
        except BaseException:
            self._roll_back(tx.connection)
            raise
        self._names.publish(tx.name_table.found)
        return result

    def _begin(self, begin: str) -> PostgresTransaction:
        """A transaction on this thread's connection, which is replaced if it died since it was last used."""
        connection: psycopg.Connection[Row] | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                return self._begin_on(connection, begin)
            except psycopg.OperationalError:
                self._discard(connection)
        connection = connect(self._uri)
        self._local.connection = connection
        self._open.add(connection)
        return self._begin_on(connection, begin)

    def _begin_on(self, connection: psycopg.Connection[Row], begin: str) -> PostgresTransaction:
        tx = PostgresTransaction(connection, self._names)
        tx.run(begin)
        return tx

    def _roll_back(self, connection: psycopg.Connection[Row]) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            self._discard(connection)

    def _discard(self, connection: psycopg.Connection[Row]) -> None:
        self._open.discard(connection)
        self._local.connection = None
        connection.close()


def _hang_up(connection: psycopg.Connection[Row]) -> None:
    """End the wait of the thread that uses the connection, which then finds it dead."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def connect(uri: str) -> psycopg.Connection[Row]:
    """A connection with the settings that all of ours share; transactions are begun and ended by hand."""
    connection = psycopg.connect(
        uri, autocommit=True, application_name="trackback", connect_timeout=CONNECT_TIMEOUT_S, **_VANISHED
    )
    connection.execute("SET jit TO off")  # a filter of 80 terms took 2 s to compile and 20 ms to run
    return connection


def connect_at_start(uri: str) -> psycopg.Connection[Row]:
    """``connect``, before there are any clients."""
    with at_start("connect to"):
        return connect(uri)


@contextmanager
def at_start(action: str) -> Iterator[None]:
    """Before there are any clients, a failure is the operator's to mend, who is told all of it."""
    try:
        yield
    except psycopg.Error as error:
        raise ConfigurationError(f"Can't {action} the database: {str(error).strip()}") from error


def translated(error: psycopg.Error) -> TrackbackError:
    """What a client is told of an error of PostgreSQL's: nothing of the SQL."""
    if isinstance(error, pg.DiskFull):
        return StorageFull("The disk of the database is full. Nothing was written; free some space and repeat.")
    if isinstance(error, psycopg.OperationalError):
        log.warning("the database does not answer: %s", str(error).strip().splitlines()[:1])
        return Unavailable("The database does not answer. Repeat the request in a moment.")
    log.error("unexpected error of the database", exc_info=error)
    return TrackbackError("The database refused an operation; the server's log says why.")
