"""Columns of values as PostgreSQL's arrays: numbers in its binary form where their type is known, all else as text.

The driver's own dumpers look at each value through Python, for its type and again for its text, which takes longer than
the database does for the row.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import starmap
from typing import Any, NamedTuple

from trackback.storage.interface import COLUMN_TYPES
from trackback.storage.postgres_exchange import Bound

REMEMBERED = 1024
FEW = 4
"""Of so many numbers the text is made as quickly."""


class _Number(NamedTuple):
    """A type of numbers: its number in PostgreSQL, and how ``struct`` has it."""

    oid: int
    letter: str
    size: int


_NUMBERS = {
    "bigint": _Number(20, "q", 8),
    "integer": _Number(23, "i", 4),
    "smallint": _Number(21, "h", 2),
    "double precision": _Number(701, "d", 8),
}


def arrays(sql: str, columns: Sequence[Sequence[Any]]) -> Iterator[Bound | str]:
    """The columns of an INSERT … {columns …}, of the types that stand there."""
    return starmap(_column, zip(columns, _types(sql), strict=True))


def array_text(values: Sequence[Any]) -> str:
    """An array of any type as text, which is cast where it is used."""
    return f"{{{','.join(map(_element, values))}}}"


def _column(values: Sequence[Any], number: _Number | None) -> Bound | str:
    if number is None or len(values) <= FEW:
        return array_text(values)
    try:
        return _binary(values, number)
    except struct.error:  # a NULL among them, or what the type can't hold, of which PostgreSQL says so
        return array_text(values)


def _binary(values: Sequence[Any], number: _Number) -> Bound:
    """Dimensions, whether there are NULLs, the type, the length, the first place; then the size of each and itself."""
    sized = [number.size] * (2 * len(values))
    sized[1::2] = values
    packed = struct.pack(f">5i{f'i{number.letter}' * len(values)}", 1, 0, number.oid, len(values), 1, *sized)
    return Bound.binary(packed)


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return repr(value)


@lru_cache(REMEMBERED)
def _types(sql: str) -> tuple[_Number | None, ...]:
    named = COLUMN_TYPES.search(sql)
    assert named is not None, "the statement has no {columns …}"
    return tuple(_NUMBERS.get(name.strip()) for name in named[1].split(","))
