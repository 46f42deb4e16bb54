"""Group commit: one thread has the connection that writes to SQLite, and commits what has queued up together.

A commit costs an fsync, so the writer takes all that waits, runs it in one transaction, commits once, and only then
answers all of it. A lone writer barely notices; many share one fsync.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import apsw

from trackback.errors import Overloaded
from trackback.storage.interface import Transaction
from trackback.storage.names import NameCache
from trackback.storage.sqlite_connection import SqliteTransaction, translated

T = TypeVar("T")

GROUP_SIZE = 256
QUEUE_SIZE = 20_000

log = logging.getLogger(__name__)


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


class GroupCommit:
    """Has ``connection`` to itself from now on, until it is closed."""

    def __init__(self, connection: apsw.Connection, names: NameCache) -> None:
        self._connection = connection
        self._names = names
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_groups, name="sqlite-writer", daemon=True)
        self._writer.start()

    @property
    def waiting(self) -> int:
        """How many operations have not begun."""
        return self._jobs.qsize()

    async def write(self, operation: Callable[[Transaction], T]) -> T:
        """Run ``operation`` with others that wait, all of it or nothing; return when that is on disk."""
        if self._jobs.qsize() >= QUEUE_SIZE:
            raise Overloaded(f"{QUEUE_SIZE} writes are waiting for the database already. Repeat the request later.")
        job = _Job(operation)
        self._jobs.put(job)
        result: T = await job.future
        return result

    def close(self) -> None:
        """Write what waits, then end the thread. The connection stays open."""
        self._jobs.put(None)
        self._writer.join()

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
