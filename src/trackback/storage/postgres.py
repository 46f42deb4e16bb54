"""PostgreSQL, for many servers: short transactions, on threads that each have a connection of their own."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg

from trackback.storage.deadlines import Deadline, TimeLimit, Watchdog, no_answer, too_slow
from trackback.storage.interface import Dialect, Row, Storage, Transaction, stopping
from trackback.storage.lanes import Lane, close_all
from trackback.storage.names import NameCache, NameTable
from trackback.storage.postgres_arrays import array_text, arrays
from trackback.storage.postgres_exchange import Exchange
from trackback.storage.postgres_sessions import Session, milliseconds, translated

T = TypeVar("T")

READERS = 4
LOOK_UP_READERS = 2
WRITERS = 8
ATTEMPTS = 5
# Writes take milliseconds, and wait for each other as long. What else they may wait for, such as a standby that takes
# over, is to have the time for it; but MLflow's clients hang up after 120 s, and should have been answered by then.
WRITE_LIMIT = TimeLimit(60.0, no_answer)
# PostgreSQL ends statements by itself when their time is up; if it has not done so by then, it hangs.
GRACE_S = 5.0
# Statements that begin within this part of an operation's time are given all of it, which costs no round trip.
UNSHORTENED = 0.05

DIALECT = Dialect(
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
    numbered=True,
)

# An operation looks first whether a value that must be unique is taken, so the next attempt finds it and says so. So it
# does whether what it refers to is there, which a collection of garbage may have removed meanwhile, or the reverse.
_LOST_RACES = (pg.DeadlockDetected, pg.SerializationFailure, pg.UniqueViolation, pg.ForeignKeyViolation)
_UNINDEXED = ("seqscan", "hashjoin", "mergejoin", "sort")
"""What PostgreSQL is kept from, as far as it can do without, where an index has the rows and their order."""
_TRUST_INDEXES = "SELECT " + ", ".join(f"set_config('enable_{method}', 'off', true)" for method in _UNINDEXED)
# What is looked up is a few rows by their key, so there is one plan for it, whatever the values and however many rows
# there are: PostgreSQL would make another each time, in ten times the time that the statement takes.
_ONE_PLAN = {
    "plan_cache_mode": "force_generic_plan",
    **{f"enable_{method}": "off" for method in (*_UNINDEXED, "bitmapscan", "incremental_sort")},
}
_STATEMENT_TIMEOUT = "SELECT set_config('statement_timeout', $1, true)"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN"


class PostgresTransaction(Transaction):
    def __init__(
        self,
        exchange: Exchange,
        names: NameCache,
        deadline: Deadline,
    ) -> None:
        self._exchange = exchange
        self._deadline = deadline
        self._shorten_at = deadline.began + UNSHORTENED * deadline.seconds
        self.name_table = NameTable(self, names)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._timed.rows(DIALECT.render(sql), _bound(values))

    def run(self, sql: str, *values: Any) -> int:
        return self._timed.run(DIALECT.render(sql), _bound(values))

    def insert_columns(self, sql: str, *columns: Sequence[Any]) -> int:
        return self._timed.run(DIALECT.render(sql), arrays(sql, columns))

    def send(self, sql: str, *values: Any) -> None:
        self._timed.send(DIALECT.render(sql), _bound(values))

    def send_columns(self, sql: str, *columns: Sequence[Any]) -> None:
        self._timed.send(DIALECT.render(sql), arrays(sql, columns))

    @property
    def _timed(self) -> Exchange:
        """The exchange, where PostgreSQL ends what is sent next when the operation's time is up."""
        if time.monotonic() > self._shorten_at:
            self._deadline.check()
            left_s = self._deadline.due - time.monotonic()
            self._exchange.send(_STATEMENT_TIMEOUT, [str(milliseconds(left_s))])
            self._shorten_at = time.monotonic() + UNSHORTENED * self._deadline.seconds
        return self._exchange

    def name_ids(self, names: Sequence[str]) -> list[int]:
        return self.name_table.ids(names)

    def known_name_ids(self, names: Sequence[str]) -> dict[str, int]:
        return self.name_table.known_ids(names)

    def trust_indexes(self) -> None:
        """Tables grow quicker than their statistics: a plan made for a few rows would read all of a large table, or
        sort it where an index has the order.
        """
        self.send(_TRUST_INDEXES)

    def names(self, ids: Sequence[int]) -> list[str]:
        return self.name_table.names(ids)


def _bound(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if type(value) is list:
            return tuple(array_text(value) if type(value) is list else value for value in values)
    return values


class PostgresStorage(Storage):
    """Open an existing database with the current schema: see ``schema`` for how it gets one."""

    def __init__(self, uri: str, read_timeout_s: float) -> None:
        names = NameCache()
        self._watchdog = Watchdog(min(read_timeout_s, WRITE_LIMIT.seconds))
        read, look_up = TimeLimit(read_timeout_s, too_slow), TimeLimit(read_timeout_s, no_answer)
        self._reads = _Pool("read", READERS, _READ, read, uri, names, self._watchdog)
        self._look_ups = _Pool("look-up", LOOK_UP_READERS, _READ, look_up, uri, names, self._watchdog, _ONE_PLAN)
        self._writes = _Pool("write", WRITERS, _WRITE, WRITE_LIMIT, uri, names, self._watchdog)
        self._pools = (self._reads, self._look_ups, self._writes)
        self._closed = False

    @property
    def waiting(self) -> int:
        return sum(pool.lane.waiting for pool in self._pools)

    async def read(self, operation: Callable[[Transaction], T]) -> T:
        return await self._run(self._reads, operation)

    async def look_up(self, operation: Callable[[Transaction], T]) -> T:
        return await self._run(self._look_ups, operation)

    async def write(self, operation: Callable[[Transaction], T], *, brief: bool = False) -> T:
        return await self._run(self._writes, operation)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await close_all([pool.lane for pool in self._pools], self._watchdog)
        for pool in self._pools:
            pool.close_connections()

    async def _run(self, pool: "_Pool", operation: Callable[[Transaction], T]) -> T:
        if self._closed:
            raise stopping()
        return await pool.lane.run(pool.attempt, operation)


class _Pool:
    """A lane of which each thread has a session of its own."""

    def __init__(
        self,
        name: str,
        size: int,
        begin: str,
        limit: TimeLimit,
        uri: str,
        names: NameCache,
        watchdog: Watchdog,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.lane = Lane(f"postgres-{name}", size, limit)
        self._begin = begin
        self._limit = limit
        self._uri = uri
        self._names = names
        self._watchdog = watchdog
        self._settings = settings
        self._local = threading.local()
        self._sessions: list[Session] = []

    def close_connections(self) -> None:
        for session in self._sessions:
            session.close()

    def attempt(self, operation: Callable[[Transaction], T], deadline: Deadline) -> T:
        """Run an operation on this thread's session, again if it lost a race."""
        session = self._session()
        with self._watchdog.watch(deadline.due + GRACE_S, session.hang_up):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return self._transact(session, operation, deadline)
                except _LOST_RACES as error:
                    if attempt == ATTEMPTS:
                        raise translated(error) from error
                    time.sleep(random.uniform(0, 0.01 * 2**attempt))
                except pg.QueryCanceled as error:
                    raise deadline.late() if deadline.passed else translated(error) from error
                except psycopg.Error as error:
                    raise translated(error) from error
        raise AssertionError("unreachable")

    def _session(self) -> Session:
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = Session(self._uri, self._limit.seconds, self._settings)
            self._sessions.append(session)
        return session

    def _transact(self, session: Session, operation: Callable[[Transaction], T], deadline: Deadline) -> T:
        exchange = session.exchange()
        try:
            exchange.send(self._begin)
            tx = PostgresTransaction(exchange, self._names, deadline)
            result = operation(tx)
            exchange.run("COMMIT")
        except BaseException:
            session.roll_back()
            raise
        self._names.publish(tx.name_table.found)
        return result
