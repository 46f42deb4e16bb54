"""Group commit: what has queued up is written in one transaction, committed once, and only then answered.

A commit costs an fsync. A lone writer barely notices; many share one fsync.

A thread does it, and the event loop goes on meanwhile. But to hand a write to a thread, and its result back, costs
about as much as a small write itself. So brief ones are done in the loop's own thread, all those together that came in
one turn of the loop, as long as the disk syncs quickly and nobody else is writing.
"""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from time import perf_counter
from typing import Any, TypeVar

import apsw

from trackback.errors import Overloaded
from trackback.storage.checkpoints import Checkpoints
from trackback.storage.interface import Transaction
from trackback.storage.jobs import Job, hand_back
from trackback.storage.names import NameCache
from trackback.storage.sqlite_connection import BUSY_TIMEOUT_MS, SqliteTransaction, translated

T = TypeVar("T")

GROUP_SIZE = 256
QUEUE_SIZE = 20_000
QUICK_COMMIT_S = 0.002
"""How long commits may take, on average, for the event loop to wait for them."""
TURN_SIZE = 32
"""How many brief writes may be in one turn of the event loop, to be done there."""

log = logging.getLogger(__name__)


class _Write(Job):
    __slots__ = ("operation",)

    def __init__(self, operation: Callable[[Transaction], Any]) -> None:
        super().__init__()
        self.operation = operation


class _Signal(Enum):
    """What the thread is told besides jobs: to look whether there is something to do, or to end."""

    LOOK = auto()
    STOP = auto()


class GroupCommit:
    """Has ``connection`` to itself from now on, until it is closed. Brief writes are to come from one event loop."""

    def __init__(self, connection: apsw.Connection, names: NameCache) -> None:
        self._connection = connection
        self._names = names
        self._checkpoints = Checkpoints(connection, BUSY_TIMEOUT_MS)
        self._jobs: queue.SimpleQueue[_Write | _Signal] = queue.SimpleQueue()
        self._this_turn: list[_Write] = []
        self._commit_s = 0.0
        self._connection_lock = threading.Lock()
        self._writer = threading.Thread(target=self._write_groups, name="sqlite-writer", daemon=True)
        self._writer.start()

    @property
    def waiting(self) -> int:
        """How many operations have not begun."""
        return self._jobs.qsize() + len(self._this_turn)

    async def write(self, operation: Callable[[Transaction], T], *, brief: bool = False) -> T:
        """Run ``operation`` with others that wait, all of it or nothing; return when that is on disk."""
        if self._jobs.qsize() >= QUEUE_SIZE:
            raise Overloaded(f"{QUEUE_SIZE} writes are waiting for the database already. Repeat the request later.")
        job = _Write(operation)
        if brief and self._commit_s < QUICK_COMMIT_S and self._jobs.empty():
            if not self._this_turn:
                job.loop.call_soon(self._write_this_turn)
            self._this_turn.append(job)
        else:
            self._jobs.put(job)
        result: T = await job.future
        return result

    def close(self) -> None:
        """Write what waits, then end the thread. The connection stays open."""
        self._jobs.put(_Signal.STOP)
        self._writer.join()

    def _write_this_turn(self) -> None:
        """In the event loop's thread: write what came since its last turn, unless that would have to wait."""
        jobs, self._this_turn = self._this_turn, []
        if len(jobs) > TURN_SIZE or not self._connection_lock.acquire(blocking=False):
            self._hand_over(jobs)
            return
        try:
            if self._begin_at_once():
                self._write_group(jobs)
            else:
                self._hand_over(jobs)
                return
        finally:
            self._connection_lock.release()
        for job in jobs:
            job.settle()
        if self._checkpoints.is_due:
            self._jobs.put(_Signal.LOOK)

    def _begin_at_once(self) -> bool:
        """Begin a transaction if no other process is writing, whatever it does with our file."""
        self._connection.set_busy_timeout(0)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except apsw.Error:
            return False
        finally:
            self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        return True

    def _hand_over(self, jobs: list[_Write]) -> None:
        for job in jobs:
            self._jobs.put(job)

    def _write_groups(self) -> None:
        stopping = False
        while not stopping:
            group = [self._jobs.get()]
            while len(group) < GROUP_SIZE and not self._jobs.empty():
                group.append(self._jobs.get())
            jobs = [job for job in group if isinstance(job, _Write)]
            stopping = _Signal.STOP in group
            with self._connection_lock:
                if jobs:
                    self._write_group(jobs)
                    hand_back(jobs)
                if self._checkpoints.is_due:
                    self._checkpoints.copy()

    def _write_group(self, jobs: list[_Write]) -> None:
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

    def _commit(self, jobs: list[_Write], run: Callable[[_Write], dict[str, int]]) -> None:
        found: dict[str, int] = {}
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            found |= run(job)
        began = perf_counter()
        self._connection.execute("COMMIT")
        self._commit_s += (perf_counter() - began - self._commit_s) / 8
        self._names.publish(found)

    def _run(self, job: _Write) -> dict[str, int]:
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

    def _run_in_savepoint(self, job: _Write) -> dict[str, int]:
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


_WHOLE_TRANSACTION_LOST = (apsw.FullError, apsw.IOError, apsw.NoMemError, apsw.InterruptError, apsw.CorruptError)
