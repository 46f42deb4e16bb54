"""CSV by the page. A page is named by the byte that it begins at, so that none before it has to be read."""

import csv
from collections.abc import Iterator
from typing import NamedTuple

ROWS = 100
COLUMNS = 200
CELL_LENGTH = 300
HEADER_BYTES = 64 << 10
PIECE_BYTES = 1 << 20
_DELIMITERS = ",\t;|"


class TablePage(NamedTuple):
    """Rows of a table. ``first_row`` is the number of the first, from 1; ``next_place`` where the next page begins.

    ``rows_in_all`` and ``columns_in_all`` are None where they are not known.
    """

    columns: list[str]
    rows: list[list[str]]
    first_row: int
    next_place: int | None
    rows_in_all: int | None
    columns_in_all: int

    @property
    def numbers(self) -> list[bool]:
        """Of which columns all cells of the page that have something are numbers."""
        cells = [[row[place] for row in self.rows if len(row) > place] for place in range(len(self.columns))]
        return [any(column) and all(_is_number(cell) for cell in column if cell) for column in cells]


class NoTable(Exception):
    """It can't be shown as one."""


class _Read(NamedTuple):
    rows: list[list[str]]
    length: int


def header_of(beginning: bytes) -> tuple[list[str], int, str]:
    """The names of the columns, where the first row begins, and the delimiter."""
    text = beginning.removeprefix(b"\xef\xbb\xbf")
    line = text.split(b"\n", 1)[0].decode(errors="replace")
    delimiter = max(_DELIMITERS, key=lambda each: (line.count(each), -_DELIMITERS.index(each)))
    read = _read(text, delimiter, 1, whole=len(beginning) < HEADER_BYTES)
    if not read.rows:
        raise NoTable("Its first line is too long, or ends nowhere.")
    return read.rows[0], len(beginning) - len(text) + read.length, delimiter


def page(columns: list[str], delimiter: str, piece: bytes, place: int, size: int, first_row: int) -> TablePage:
    """The page that begins at ``place`` of a file of ``size`` bytes, of which ``piece`` was read."""
    whole = place + len(piece) >= size
    read = _read(piece, delimiter, ROWS, whole=whole)
    if piece and not read.rows and not whole:
        raise NoTable("A row of it is too long, or a quotation mark is not closed.")
    rows = [[_cut(cell) for cell in row[:COLUMNS]] for row in read.rows]
    stop = place + read.length
    in_all = first_row + len(rows) - 1 if stop >= size else None
    return TablePage(
        [_cut(name) for name in columns[:COLUMNS]],
        rows,
        first_row,
        stop if stop < size else None,
        in_all,
        len(columns),
    )


def _read(piece: bytes, delimiter: str, most: int, *, whole: bool) -> _Read:
    """The first rows of a piece, and how many bytes they are. Without ``whole`` the last line may be cut: no row is."""
    lines = piece.split(b"\n")
    ends = [*(line + b"\n" for line in lines[:-1]), *([lines[-1]] if lines[-1] else [])]
    reader = csv.reader(_decoded(ends), delimiter=delimiter)
    rows: list[list[str]] = []
    taken = 0
    try:
        for row in reader:
            if not whole and reader.line_num >= len(ends):
                break
            taken = reader.line_num
            if row:
                rows.append(row)
            if len(rows) >= most:
                break
    except csv.Error as error:
        raise NoTable(f"It is no CSV: {error}.") from error
    return _Read(rows, sum(map(len, ends[:taken])))


def _decoded(lines: list[bytes]) -> Iterator[str]:
    for line in lines:
        yield line.decode(errors="replace").replace("\0", "�")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cut(cell: str) -> str:
    return cell if len(cell) <= CELL_LENGTH else f"{cell[:CELL_LENGTH]}…"
