"""What storage guarantees, whatever database is behind it.

A ``Storage`` runs *operations*: plain functions that take a ``Transaction`` first. The modules beside this one
(``experiments``, ``runs``, ``metrics``, …) are made of such functions, and all SQL of the project stands in them.
A service composes as many as it needs into one function and hands that to ``read``, ``look_up`` or ``write``.

- ``write`` is atomic: either all that the operation did is there, or, when it raised, nothing is.
- What ``write`` returned from survives kill -9 and power loss.
- ``read`` sees one snapshot: all of a committed transaction, or nothing of it. So does ``look_up``.
- Only a few ``read``s run at once, each no longer than the storage's time limit, all its statements together; beyond
  that it ends with ``ReadTooSlow``, while the others and the database go on. Neither ``look_up`` nor ``write`` ever
  waits for one: they have threads and connections of their own.
- Operations run on a thread of the storage's own; only brief writes may run on the caller's event loop. They may run
  more than once
  (a deadlock, or a race that was lost for a unique value or against a collection of garbage, is retried on
  PostgreSQL), so they must not have effects outside the transaction.
- Errors of the driver arrive as ``Unavailable``, ``StorageFull`` or ``Overloaded``; those an operation raised
  itself arrive as they are.

The SQL is portable text with ``?`` for values, and a few macros where the two databases differ:

    {ints} {texts}              a predicate "is one of": `r.id {ints}`, bound to one list
    {columns bigint,text}       the source of a columnar INSERT: see ``Transaction.insert_columns``
    {folded p.value}            the expression, lower-cased by Unicode's rules, for ILIKE
    {any_escape}                follows LIKE: no character escapes another
    {for_share}                 ends a SELECT in a write: its rows stay as they are until the transaction ends
    {for_update}                likewise, and others that select them so wait until then
"""

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from trackback.errors import Unavailable

T = TypeVar("T")
Row = tuple[Any, ...]

# The text of a search is as long as its filter, so that remembering all of them would take any amount of memory.
REMEMBERED = 1024
REMEMBERED_LENGTH = 10_000


class Transaction(ABC):
    """One transaction on one connection; valid only while its operation runs."""

    @abstractmethod
    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query (or of a statement with RETURNING)."""

    @abstractmethod
    def run(self, sql: str, *values: Any) -> int:
        """Execute a statement; the number of rows it changed."""

    @abstractmethod
    def insert_columns(self, sql: str, *columns: Sequence[Any]) -> int:
        """Execute an INSERT … {columns …} for equally long columns: as one statement, or prepared once for all.

        Returns how many rows were inserted or updated: those left as they were, by DO NOTHING, don't count.
        """

    @abstractmethod
    def send(self, sql: str, *values: Any) -> None:
        """``run`` for who needs no answer: an error may come with a later statement, or the commit."""

    @abstractmethod
    def send_columns(self, sql: str, *columns: Sequence[Any]) -> None:
        """``insert_columns``, likewise."""

    @abstractmethod
    def name_ids(self, names: Sequence[str]) -> list[int]:
        """The dictionary's number of each name; new names get one, in a write (several groups: ``names.enter``)."""

    @abstractmethod
    def known_name_ids(self, names: Sequence[str]) -> dict[str, int]:
        """The numbers of those names that have one."""

    @abstractmethod
    def names(self, ids: Sequence[int]) -> list[str]:
        """The name of each number."""

    @abstractmethod
    def trust_indexes(self) -> None:
        """The rest of the transaction is planned by us: the database should follow indexes where it can."""

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None


class Storage(ABC):
    """A database with trackback's schema in it."""

    @abstractmethod
    async def read(self, operation: Callable[[Transaction], T]) -> T:
        """Run ``operation`` on a snapshot: a search, a history, a list, or whatever may take long."""

    @abstractmethod
    async def look_up(self, operation: Callable[[Transaction], T]) -> T:
        """Run ``operation`` on a snapshot: it is to find, by their key, a few rows."""

    @abstractmethod
    async def write(self, operation: Callable[[Transaction], T], *, brief: bool = False) -> T:
        """Run ``operation`` and commit; return when that is on disk.

        ``brief``: it takes a millisecond or so. SQLite may then do it in the event loop's own thread.
        """

    @property
    @abstractmethod
    def waiting(self) -> int:
        """How many operations wait for their turn."""

    async def ping(self) -> None:
        """Return if the database answers; else Unavailable."""
        await self.look_up(lambda tx: tx.row("SELECT version FROM schema_version"))

    @abstractmethod
    async def close(self) -> None:
        """Finish what is under way, then close the database."""


def stopping() -> Unavailable:
    """What a storage says that is being closed."""
    return Unavailable("The server is stopping. Repeat the request in a moment.")


class Dialect:
    """Renders the macros of the portable SQL for one database. ``numbered``: its values are $1, $2, …"""

    def __init__(self, macros: dict[str, Callable[[str], str]], *, numbered: bool) -> None:
        self._macros = macros
        self._numbered = numbered
        self._remembered = lru_cache(REMEMBERED)(self._rendered)

    def render(self, sql: str) -> str:
        """The text that the database takes."""
        return self._remembered(sql) if len(sql) <= REMEMBERED_LENGTH else self._rendered(sql)

    def _rendered(self, sql: str) -> str:
        text = _MACRO.sub(lambda match: self._macros[match[1]]((match[2] or "").strip()), sql)
        if not self._numbered:
            return text
        numbers = itertools.count(1)
        return _VALUE.sub(lambda _: f"${next(numbers)}", text)


_VALUE = re.compile(r"\?")
COLUMN_TYPES = re.compile(r"\{columns ([^{}]*)\}")
"""The macro that says of which types the columns of an INSERT are."""
_MACRO = re.compile(r"\{(\w+)( [^{}]*)?\}")
