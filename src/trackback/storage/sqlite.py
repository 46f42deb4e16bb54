"""SQLite, the embedded default: one file, one process, one thread that writes, a few that read."""

import asyncio
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from trackback.errors import Unavailable
from trackback.storage.checkpoints import Checkpoints
from trackback.storage.file_lock import FileLock
from trackback.storage.group_commit import GroupCommit
from trackback.storage.interface import Storage, Transaction, stopping
from trackback.storage.names import NameCache
from trackback.storage.sqlite_connection import BUSY_TIMEOUT_MS, SqliteTransaction, connect, translated

T = TypeVar("T")

READERS = 4


class SqliteStorage(Storage):
    """Open an existing database with the current schema: see ``schema`` for how it gets one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path)
        self._names = NameCache()
        self._connection = connect(path)
        self._checkpoints = Checkpoints(self._connection, BUSY_TIMEOUT_MS)
        self._idle_readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        for _ in range(READERS):
            self._idle_readers.put(_reader(path))
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")
        self._writer = GroupCommit(self._connection, self._names)
        self._closed = False

    @property
    def waiting(self) -> int:
        return self._writer.waiting

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
        return await self._writer.write(operation)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._finish)

    def _finish(self) -> None:
        self._writer.close()
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


def _reader(path: Path) -> apsw.Connection:
    connection = connect(path)
    connection.pragma("query_only", True)
    return connection
