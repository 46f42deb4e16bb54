"""Records of a JSON file, read piece by piece."""

import codecs
import json
from collections.abc import Iterator
from itertools import chain, count, islice
from typing import Any, BinaryIO

from trackback.errors import BadRequest
from trackback.limits import shown
from trackback.scoring.inputs import Inputs
from trackback.scoring.payloads import FORMATS, JSON, decode
from trackback.scoring.tables import Table

PIECE_BYTES = 1 << 20
MAX_RECORD_BYTES = 64 << 20

_decoder = json.JSONDecoder()


def read_records(file: BinaryIO, inputs: Inputs, rows_at_once: int) -> Iterator[Table]:
    """Tables of at most so many rows. Raises BadRequest where the file is not JSON, or not of records."""
    values = iter(_Values(file))
    first = next(values, None)
    if isinstance(first, dict) and not first.keys().isdisjoint(FORMATS):
        file.seek(0)
        yield from _of_payload(file.read(), inputs, rows_at_once)
        return
    records = map(_checked, count(), chain([] if first is None else [first], values))
    columns: tuple[str | int, ...] = ()
    while some := list(islice(records, rows_at_once)):
        table = Table.from_records(some)
        columns = columns or table.columns
        yield _in_order(table, columns)


def _in_order(table: Table, columns: tuple[str | int, ...]) -> Table:
    """With all columns of the first table, since a record may leave out what is null."""
    if table.columns == columns:
        return table
    values = table.by_column()
    nulls = [None] * len(table.rows)
    names = (*columns, *(name for name in table.columns if name not in columns))
    return Table(names, list(zip(*(values.get(name, nulls) for name in names), strict=True)))


def _of_payload(body: bytes, inputs: Inputs, rows_at_once: int) -> Iterator[Table]:
    data = decode(JSON, body, inputs).data
    if not isinstance(data, Table):
        raise BadRequest("The model takes arrays, and a file is to have rows: send this to /invocations instead.")
    for start in range(0, len(data.rows), rows_at_once):
        yield Table(data.columns, data.rows[start : start + rows_at_once])


def _checked(number: int, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"Record {number} is {shown(value)}: a file of JSON is to have objects, with a key a column.")
    return value


class _Values:
    """The elements of a list; or values one after the other, as in a file with one a line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._text = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer = ""
        self._place = 0
        self._number = 0
        self._ended = False

    def __iter__(self) -> Iterator[Any]:
        if in_list := self._next() == "[":
            self._place += 1
        while (character := self._next()) and not (in_list and character == "]"):
            yield self._value()
            self._number += 1
            if in_list and self._next() != "]":
                self._pass(",")
        if in_list:
            self._pass("]")
            if self._next():
                raise BadRequest("The file goes on after the end of its list of records.")

    def _value(self) -> Any:
        size = PIECE_BYTES
        while True:
            try:
                value, end = _decoder.raw_decode(self._buffer, self._place)
                if end < len(self._buffer) or isinstance(value, dict) or not self._fill(size):
                    self._place = end
                    return value
            except (json.JSONDecodeError, RecursionError) as error:
                if size > MAX_RECORD_BYTES or not self._fill(size):
                    raise BadRequest(f"Record {self._number} of the file is not JSON: {error}") from error
            size *= 2

    def _next(self) -> str:
        """The next character that is no space, which stays; none at the end of the file."""
        while True:
            while self._place < len(self._buffer):
                if not (character := self._buffer[self._place]).isspace():
                    return character
                self._place += 1
            if not self._fill(PIECE_BYTES):
                return ""

    def _pass(self, wanted: str) -> None:
        if (found := self._next()) != wanted:
            what = shown(found) if found else "the end of the file"
            raise BadRequest(f"After record {self._number - 1} of the file there is {what}, and not {wanted!r}.")
        self._place += 1

    def _fill(self, size: int) -> bool:
        """Read on; False at the end of the file."""
        if self._ended:
            return False
        piece = self._file.read(size)
        self._ended = not piece
        try:
            text = self._text.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            raise BadRequest(f"The file is not UTF-8: {error}") from error
        self._buffer = self._buffer[self._place :] + text
        self._place = 0
        return not self._ended
