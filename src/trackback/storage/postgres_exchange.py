"""What goes over a connection to PostgreSQL: statements, sent without waiting for what nobody asks for.

This is libpq as psycopg wraps it. psycopg's cursors do the same in four times the processor time: for a small write
that is more than the database itself takes.
"""

import select
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGresult

from trackback.limits import INT64_MAX, INT64_MIN
from trackback.storage.interface import Row

PREPARED_AFTER = 5
"""Uses of a statement on a connection: from then on PostgreSQL keeps it, and, if plans come out alike, its plan."""
REMEMBERED = 200
REMEMBERED_LENGTH = 10_000

_UNKNOWN, _BOOL, _BYTEA, _INT8, _FLOAT8, _NUMERIC = 0, 16, 17, 20, 701, 1700
_TEXT, _BINARY = int(pq.Format.TEXT), int(pq.Format.BINARY)


class Exchange:
    """Has a connection to itself, until it closes it."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._libpq.enter_pipeline_mode()
        self._incoming, self._both_ways = select.poll(), select.poll()
        self._incoming.register(self._libpq.socket, select.POLLIN)
        self._both_ways.register(self._libpq.socket, select.POLLIN | select.POLLOUT)
        self._loader = Transformer(connection)
        self._statements = _Statements()
        self._synced = 0  # how many marks of the end of what was sent are to come back

    @property
    def is_usable(self) -> bool:
        """Whether the connection stands, and nothing came that nobody asked for: its end, most likely."""
        return not self._connection.closed and not self._incoming.poll(0)

    def fileno(self) -> int:
        return self._connection.fileno()

    def close(self) -> None:
        self._connection.close()

    def send(self, sql: str, values: Iterable[Any] = ()) -> None:
        """Have a statement executed. If it fails, what waits next raises that, and what is sent until then is not done.

        ``sql`` has $1, $2, … for the values. Raises DataError for a text that PostgreSQL can't hold.
        """
        bound = [_bound(value) for value in values]
        texts, types, formats = zip(*bound, strict=True) if bound else ((), (), ())
        if bound:  # so it is no BEGIN, which nothing may come before, and no ROLLBACK, before which anything would fail
            for name in self._statements.take_forgotten():
                self._libpq.send_query_params(b"DEALLOCATE " + name, None)
        statement = self._statements.find(sql, types)
        if statement.uses <= PREPARED_AFTER:
            self._libpq.send_query_params(statement.text, texts, types, formats, _BINARY)
            return
        if not statement.name:
            self._libpq.send_prepare(self._statements.name(statement), statement.text, types)
        self._libpq.send_query_prepared(statement.name, texts, formats, _BINARY)

    def rows(self, sql: str, values: Iterable[Any] = ()) -> list[Row]:
        """Have a statement executed, and wait for its rows. Raises the first error of what was sent."""
        self.send(sql, values)
        answer = self._wait()
        self._loader.set_pgresult(answer)
        return self._loader.load_rows(0, answer.ntuples, tuple)

    def run(self, sql: str, values: Iterable[Any] = ()) -> int:
        """Likewise; how many rows it changed."""
        self.send(sql, values)
        return self._wait().command_tuples or 0

    def roll_back(self) -> None:
        """End the transaction, whatever has been sent of it and whatever became of that."""
        with suppress(psycopg.Error):
            self._wait()
        self.run("ROLLBACK")

    def _wait(self) -> PGresult:
        """The answer to the statement that was sent last."""
        self._libpq.pipeline_sync()
        self._synced += 1
        unsent = self._libpq.flush()
        answer = error = None
        while self._synced:
            while self._libpq.is_busy():
                (self._both_ways if unsent else self._incoming).poll()
                self._libpq.consume_input()
                unsent = unsent and self._libpq.flush()
            result = self._libpq.get_result()
            if result is None:  # between the answers to two statements, or for ever
                if self._libpq.status != pq.ConnStatus.OK:
                    raise error or psycopg.OperationalError("the connection is lost")
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                self._synced -= 1
            elif result.status == pq.ExecStatus.FATAL_ERROR:
                error = error or error_from_result(result)
            elif result.status != pq.ExecStatus.PIPELINE_ABORTED:
                answer = result
        if error is not None:
            self._statements.distrust()
            raise error
        self._statements.trust()
        if answer is None:
            raise psycopg.InterfaceError("nothing was sent that could be answered")
        return answer


class Bound(NamedTuple):
    """A value as it is sent."""

    text: bytes | None
    type: int
    format: int

    @classmethod
    def binary(cls, packed: bytes) -> "Bound":
        """In PostgreSQL's binary form, of the type that its place in the statement has."""
        return cls(packed, _UNKNOWN, _BINARY)


_NULL = Bound(None, _UNKNOWN, _TEXT)


def _bound(value: Any) -> Bound:
    """Texts are of no type, which leaves that to the place where they stand."""
    if isinstance(value, str):
        if "\0" in value:
            raise psycopg.DataError("a text contains a NUL")
        return Bound(value.encode(), _UNKNOWN, _TEXT)
    if value is None:
        return _NULL
    if isinstance(value, Bound):
        return value
    if isinstance(value, bool):
        return Bound(b"t" if value else b"f", _BOOL, _TEXT)
    if isinstance(value, int):
        return Bound(b"%d" % value, _INT8 if INT64_MIN <= value <= INT64_MAX else _NUMERIC, _TEXT)
    if isinstance(value, float):
        return Bound(float.__repr__(value).encode(), _FLOAT8, _TEXT)
    return Bound(bytes(value), _BYTEA, _BINARY)


class _Statement:
    """``name``: under which it was prepared, or empty."""

    __slots__ = ("name", "text", "uses")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.name = b""
        self.uses = 0


class _Statements:
    """Those that are used again and again, by their text and the types of their values."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, tuple[int, ...]], _Statement] = OrderedDict()
        self._names = 0
        self._fresh: list[_Statement] = []
        self._forgotten: list[bytes] = []

    def find(self, sql: str, types: tuple[int, ...]) -> _Statement:
        """The statement, used once more."""
        key = (sql, types)
        statement = self._known.get(key)
        if statement is None:
            statement = _Statement(sql.encode())
            if len(sql) <= REMEMBERED_LENGTH:
                self._known[key] = statement
                self._forget_oldest()
        else:
            self._known.move_to_end(key)
        statement.uses += 1
        return statement

    def name(self, statement: _Statement) -> bytes:
        """A new name, under which it is to be prepared now."""
        self._names += 1
        statement.name = b"s%d" % self._names
        self._fresh.append(statement)
        return statement.name

    def trust(self) -> None:
        """What was named is prepared."""
        self._fresh.clear()

    def distrust(self) -> None:
        """What was named since may not have been prepared, for an error that came before."""
        for statement in self._fresh:
            statement.name = b""
        self._fresh.clear()

    def take_forgotten(self) -> list[bytes]:
        """The names of what was prepared, and is not to be kept any more."""
        taken, self._forgotten = self._forgotten, []
        return taken

    def _forget_oldest(self) -> None:
        if len(self._known) > REMEMBERED:
            _, oldest = self._known.popitem(last=False)
            if oldest.name:
                self._forgotten.append(oldest.name)
