"""SQLite, the embedded default: one file, one process, one thread that writes, a few that read."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw

from trackback.errors import Unavailable
from trackback.storage.deadlines import Deadline, TimeLimit, Watchdog, no_answer, too_slow
from trackback.storage.file_lock import FileLock
from trackback.storage.group_commit import GroupCommit
from trackback.storage.interface import Row, Storage, Transaction, stopping
from trackback.storage.lanes import Lane, close_all
from trackback.storage.names import NameCache
from trackback.storage.sqlite_connection import SqliteTransaction, connect, translated

T = TypeVar("T")

READERS = 3
LOOK_UP_READERS = 2


class SqliteStorage(Storage):
    """Open an existing database with the current schema: see ``schema`` for how it gets one."""

    def __init__(self, path: Path, read_timeout_s: float) -> None:
        self._path = path
        self._lock = FileLock(path)
        self._connection = connect(path)
        names = NameCache()
        self._watchdog = Watchdog(read_timeout_s)
        self._reads = _Readers(path, READERS, TimeLimit(read_timeout_s, too_slow), names, self._watchdog)
        self._look_ups = _Readers(path, LOOK_UP_READERS, TimeLimit(read_timeout_s, no_answer), names, self._watchdog)
        self._writer = GroupCommit(self._connection, names)
        self._closed = False

    @property
    def waiting(self) -> int:
        return self._writer.waiting + self._reads.lane.waiting + self._look_ups.lane.waiting

    async def ping(self) -> None:
        if not self._path.exists():
            raise Unavailable(f"The database {self._path} is gone; only this server still has it open.")
        await super().ping()

    async def read(self, operation: Callable[[Transaction], T]) -> T:
        self._check_open()
        return await self._reads.read(operation)

    async def look_up(self, operation: Callable[[Transaction], T]) -> T:
        self._check_open()
        return await self._look_ups.read(operation)

    async def write(self, operation: Callable[[Transaction], T], *, brief: bool = False) -> T:
        self._check_open()
        return await self._writer.write(operation, brief=brief)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.sleep(0)  # brief writes of this turn of the event loop are done at its end
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._writer.close)
        await close_all([self._reads.lane, self._look_ups.lane], self._watchdog)
        await loop.run_in_executor(None, self._close_connections)

    def _close_connections(self) -> None:
        self._reads.close_connections()
        self._look_ups.close_connections()
        self._connection.close()
        self._lock.close()

    def _check_open(self) -> None:
        if self._closed:
            raise stopping()


class _Readers:
    """A lane for reads, each on a connection and a snapshot of its own."""

    def __init__(self, path: Path, count: int, limit: TimeLimit, names: NameCache, watchdog: Watchdog) -> None:
        self.lane = Lane("sqlite-reader", count, limit)
        self._names = names
        self._watchdog = watchdog
        self._idle = [_reader(path) for _ in range(count)]  # the last one used is the next: its cache is warm

    async def read(self, operation: Callable[[Transaction], T]) -> T:
        return await self.lane.run(self._read, operation)

    def close_connections(self) -> None:
        for connection in self._idle:
            connection.close()

    def _read(self, operation: Callable[[Transaction], T], deadline: Deadline) -> T:
        connection = self._idle.pop()
        tx = _ReadTransaction(connection, self._names, deadline)
        try:
            try:
                with self._watchdog.watch(deadline.due, connection.interrupt):
                    connection.execute("BEGIN")
                    result = operation(tx)
            finally:
                if connection.in_transaction:  # else an error has ended it
                    connection.execute("ROLLBACK")
        except apsw.InterruptError as error:
            raise deadline.late() if deadline.passed else stopping() from error
        except apsw.Error as error:
            raise translated(error) from error
        finally:
            self._idle.append(connection)
        self._names.publish(tx.name_table.found)
        return result


class _ReadTransaction(SqliteTransaction):
    """Begins no statement once time is up: the watchdog interrupts those under way, and may come between two."""

    def __init__(self, connection: apsw.Connection, names: NameCache, deadline: Deadline) -> None:
        super().__init__(connection, names)
        self._deadline = deadline

    def rows(self, sql: str, *values: Any) -> list[Row]:
        self._deadline.check()
        return super().rows(sql, *values)


def _reader(path: Path) -> apsw.Connection:
    connection = connect(path)
    connection.pragma("query_only", True)
    return connection
