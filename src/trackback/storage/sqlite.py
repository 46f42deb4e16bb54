"""SQLite, the embedded default: one file, one process, one writer thread with group commit, a few readers.

A commit costs an fsync, so the writer takes all that has queued up, runs each operation in a savepoint of its own,
commits once, and only then answers all of it. A lone writer barely notices; many share one fsync.
"""

import asyncio
import json
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import apsw

from trackback.errors import ConfigurationError, Overloaded, StorageFull, TrackbackError, Unavailable
from trackback.storage.checkpoints import Checkpoints
from trackback.storage.file_lock import FileLock
from trackback.storage.interface import Dialect, Row, Storage, Transaction, stopping
from trackback.storage.names import NameCache, NameTable

T = TypeVar("T")

GROUP_SIZE = 256
QUEUE_SIZE = 20_000
READERS = 4
BUSY_TIMEOUT_MS = 10_000
# A bug with the WAL's reset can lose commits in 3.7.0 to 3.51.2.
OLDEST_SQLITE = 3_051_003

DIALECT = Dialect(
    "?",
    {
        "ints": lambda _: "IN (SELECT value FROM json_each(?))",
        "texts": lambda _: "IN (SELECT value FROM json_each(?))",
        "columns": lambda types: f"VALUES ({', '.join('?' for _ in types.split(','))})",
        "folded": lambda expression: f"unicode_lower({expression})",
        "any_escape": lambda _: "",
        "for_share": lambda _: "",
        "for_update": lambda _: "",
    },
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


class _Job:
    __slots__ = ("error", "future", "loop", "operation", "result")

    def __init__(self, operation: Callable[[Transaction], Any]) -> None:
        self.operation = operation
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class SqliteStorage(Storage):
    """Open an existing database with the current schema: see ``schema`` for how it gets one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path)
        self._names = NameCache()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._connection = connect(path)
        self._checkpoints = Checkpoints(self._connection, BUSY_TIMEOUT_MS)
        self._idle_readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        for _ in range(READERS):
            self._idle_readers.put(_reader(path))
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")
        self._closed = False
        self._writer = threading.Thread(target=self._write_groups, name="sqlite-writer", daemon=True)
        self._writer.start()

    @property
    def waiting(self) -> int:
        return self._jobs.qsize()

    async def ping(self) -> None:
        if not self._path.exists():
            raise Unavailable(f"The database {self._path} is gone; only this server still has it open.")
        await super().ping()

    async def read(self, operation: Callable[[Transaction], T]) -> T:
        if self._closed:
            raise stopping()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, operation)

    async def write(self, operation: Callable[[Transaction], T]) -> T:
        if self._closed:
            raise stopping()
        if self._jobs.qsize() >= QUEUE_SIZE:
            raise Overloaded(f"{QUEUE_SIZE} writes are waiting for the database already. Repeat the request later.")
        job = _Job(operation)
        self._jobs.put(job)
        result: T = await job.future
        return result

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._finish)

    def _finish(self) -> None:
        self._writer.join()
        self._readers.shutdown(wait=True)
        while not self._idle_readers.empty():
            self._idle_readers.get().close()
        self._connection.close()
        self._lock.close()

    def _read(self, operation: Callable[[Transaction], T]) -> T:
        connection = self._idle_readers.get()
        try:
            tx = SqliteTransaction(connection, self._names)
            connection.execute("BEGIN")
            try:
                result = operation(tx)
            finally:
                if connection.in_transaction:  # else an error has ended it
                    connection.execute("ROLLBACK")
            self._names.publish(tx.name_table.found)
            return result
        except apsw.Error as error:
            raise translated(error) from error
        finally:
            self._idle_readers.put(connection)

    def _write_groups(self) -> None:
        stopping = False
        while not stopping:
            group = [self._jobs.get()]
            while len(group) < GROUP_SIZE and not self._jobs.empty():
                group.append(self._jobs.get())
            jobs = [job for job in group if job is not None]
            stopping = len(jobs) < len(group)
            if jobs:
                self._write_group(jobs)
                _settle(jobs)

    def _write_group(self, jobs: list[_Job]) -> None:
        """Run ``jobs`` in one transaction; leave in each its result, or the error that kept it from being written.

        For a savepoint SQLite copies every page before it changes it, which is a third of a write. So the first try
        goes without: an operation that fails takes the group back, which then runs again with a savepoint for each.
        """
        try:
            try:
                self._commit(jobs, self._run)
            except _OperationFailed:
                self._connection.execute("ROLLBACK")
                if len(jobs) > 1:
                    self._commit(jobs, self._run_in_savepoint)
        except BaseException as error:  # noqa: BLE001 - the thread's edge: if it ended, every write would wait for ever
            if self._connection.in_transaction:
                with suppress(apsw.Error):
                    self._connection.execute("ROLLBACK")
            log.error("a group of %d writes failed: %s", len(jobs), error)
            for job in jobs:
                job.error = translated(error)

    def _commit(self, jobs: list[_Job], run: Callable[[_Job], dict[str, int]]) -> None:
        found: dict[str, int] = {}
        self._connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            found |= run(job)
        self._connection.execute("COMMIT")
        self._names.publish(found)

    def _run(self, job: _Job) -> dict[str, int]:
        """Run a job; the names that it looked up or entered. Raises _OperationFailed once the job has its error."""
        tx = SqliteTransaction(self._connection, self._names)
        job.error = None
        try:
            job.result = job.operation(tx)
        except _WHOLE_TRANSACTION_LOST:
            raise
        except Exception as error:
            job.error = translated(error) if isinstance(error, apsw.Error) else error
            raise _OperationFailed from error
        return tx.name_table.found

    def _run_in_savepoint(self, job: _Job) -> dict[str, int]:
        self._connection.execute("SAVEPOINT job")
        try:
            found = self._run(job)
        except _OperationFailed:
            found = {}
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")
        return found


class _OperationFailed(Exception):
    """An operation raised; its job has the error."""


def _settle(jobs: list[_Job]) -> None:
    loops = {job.loop for job in jobs}
    for loop in loops:
        settled = [job.settle for job in jobs if job.loop is loop]
        try:
            loop.call_soon_threadsafe(_call_all, settled)
        except RuntimeError:
            log.warning("%d writes were committed after their event loop had ended", len(settled))


def _call_all(functions: list[Callable[[], None]]) -> None:
    for function in functions:
        function()


_WHOLE_TRANSACTION_LOST = (apsw.FullError, apsw.IOError, apsw.NoMemError, apsw.InterruptError, apsw.CorruptError)


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


def _reader(path: Path) -> apsw.Connection:
    connection = connect(path)
    connection.pragma("query_only", True)
    return connection


def _unicode_lower(*arguments: Any) -> str | None:
    text = arguments[0]
    return text.lower() if isinstance(text, str) else None
