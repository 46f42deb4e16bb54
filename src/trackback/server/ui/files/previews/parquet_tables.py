"""Parquet by the page, through pyarrow, which reads only the columns and row groups that a page needs."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

from trackback.server.ui.files.previews import pieces
from trackback.server.ui.files.previews.csv_tables import CELL_LENGTH, COLUMNS, ROWS, NoTable, TablePage
from trackback.services.artifacts import OpenFile

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyarrow.parquet import ParquetFile

MAGIC = b"PAR1"
FOOTER_BYTES = 16 << 20
GROUP_BYTES = 256 << 20
"""What a row group may have, uncompressed, in the columns that are shown: that much is in memory for a moment."""

_BATCH = 4096
_TAIL = 8

_READERS = 2
"""Tables that are read at once; others wait."""


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_READERS, "parquet-preview")


async def read(file: OpenFile, first_row: int) -> TablePage:
    """The rows from ``first_row`` (from 1) on. Raises NoTable for what is no Parquet, or too much of it."""
    tail = await pieces.read(file, max(file.size - _TAIL, 0), file.size)
    if len(tail) < _TAIL or tail[4:] != MAGIC:
        raise NoTable("It is no Parquet: its last bytes are not PAR1.")
    if int.from_bytes(tail[:4], "little") > FOOTER_BYTES:
        raise NoTable("Its footer is too long to be read for a preview.")
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_readers(), _read, pieces.Readable(file, loop), first_row)


def _read(readable: pieces.Readable, first_row: int) -> TablePage:
    try:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only previews need it
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise NoTable("The server has no pyarrow, which reads Parquet.") from error
    try:
        with parquet.ParquetFile(pa.PythonFile(readable, mode="r"), pre_buffer=False, memory_map=False) as opened:
            return _page(opened, first_row)
    except (pa.ArrowException, OSError, OverflowError) as error:
        raise NoTable(f"It can't be read as Parquet: {str(error).splitlines()[0][:200]}") from error


def _page(opened: "ParquetFile", first_row: int) -> TablePage:
    names = list(opened.schema_arrow.names)
    shown = list(dict.fromkeys(names))[:COLUMNS]
    in_all = opened.metadata.num_rows
    rows: list[list[str]] = []
    skipped = 0
    for group in range(opened.metadata.num_row_groups):
        count = opened.metadata.row_group(group).num_rows
        if skipped + count >= first_row and len(rows) < ROWS:
            _check_size(opened, group, len(shown) / max(len(names), 1))
            rows.extend(_rows(opened, group, shown, max(first_row - 1 - skipped, 0), ROWS - len(rows)))
        skipped += count
    stop = first_row + len(rows)
    return TablePage(shown, rows, first_row, stop if rows and stop <= in_all else None, in_all, len(names))


def _check_size(opened: "ParquetFile", group: int, part: float) -> None:
    size = opened.metadata.row_group(group).total_byte_size
    if not 0 <= size * part <= GROUP_BYTES:
        raise NoTable(f"A row group of it has {size} bytes, which is too much for a preview.")


def _rows(opened: "ParquetFile", group: int, columns: list[str], skip: int, most: int) -> list[list[str]]:
    found: list[list[str]] = []
    for batch in opened.iter_batches(_BATCH, row_groups=[group], columns=columns, use_threads=False):
        if skip >= batch.num_rows:
            skip -= batch.num_rows
            continue
        found.extend(_texts(batch.slice(skip, most - len(found))))
        skip = 0
        if len(found) >= most:
            break
    return found


def _texts(batch: "RecordBatch") -> list[list[str]]:
    columns = [[_text(batch.column(i)[row]) for row in range(batch.num_rows)] for i in range(batch.num_columns)]
    return [list(row) for row in zip(*columns, strict=True)]


def _text(scalar: Any) -> str:
    """A value as text. Some types, as times of nanoseconds, have no value in Python, but a text."""
    if not scalar.is_valid:
        return ""
    try:
        value = scalar.as_py()
    except (ValueError, OverflowError):
        value = str(scalar)
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= CELL_LENGTH else f"{text[:CELL_LENGTH]}…"
