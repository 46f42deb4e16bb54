"""Tables of runs as files: CSV and Parquet, each written piece by piece as its runs are read."""

import asyncio
import csv
import io
import math
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from trackback.search import Aggregate, Kind
from trackback.server.ui.frame.formats import iso
from trackback.services.run_columns import Column, Fact
from trackback.services.run_tables import COMMIT_TAG, SOURCE_TAG, RunRow

if TYPE_CHECKING:
    import pyarrow as pa

Pieces = AsyncIterator[list[RunRow]]
Value = str | float | int | None

ROWS_OF_A_GROUP = 10_000
"""Of Parquet: the rows that are compressed together, and held in memory until they are."""


class Format(NamedTuple):
    ending: str
    media_type: str
    write: Callable[[Sequence[Column], Pieces], AsyncIterator[bytes]]


async def write_csv(columns: Sequence[Column], pieces: Pieces) -> AsyncIterator[bytes]:
    """As RFC 4180 has it, in UTF-8. What a run lacks is empty; NaN is NaN; times are ISO 8601, in UTC."""
    columns = _told_apart(columns)
    yield _line([*_HEAD, *map(_name, columns)])
    async for rows in pieces:
        yield await asyncio.to_thread(_lines, columns, rows)


def _lines(columns: Sequence[Column], rows: Sequence[RunRow]) -> bytes:
    return b"".join(
        _line([row.info.run_id, row.info.run_name, *(_text(value_of(row, column), column) for column in columns)])
        for row in rows
    )


def _line(cells: Sequence[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode(errors="replace")


def _text(value: Value, column: Column) -> str:
    if value is None:
        return ""
    if column.fact in (Fact.START, Fact.END):
        return iso(int(value))
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    return str(value)


async def write_parquet(columns: Sequence[Column], pieces: Pieces) -> AsyncIterator[bytes]:
    """Metrics are doubles, times are timestamps of milliseconds in UTC, all else is text; what a run lacks is null."""
    import pyarrow as pa  # noqa: PLC0415 - takes long to load, and only this needs it
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = _told_apart(columns)
    sink = _Sink()
    schema = _schema(columns)
    writer = await asyncio.to_thread(lambda: pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression="zstd"))
    waiting: list[RunRow] = []
    async for rows in pieces:
        waiting.extend(rows)
        if len(waiting) >= ROWS_OF_A_GROUP:
            await asyncio.to_thread(lambda: writer.write_table(_arrow_table(columns, waiting, schema)))
            waiting.clear()
            yield sink.take()
    await asyncio.to_thread(lambda: writer.write_table(_arrow_table(columns, waiting, schema)))
    await asyncio.to_thread(writer.close)
    yield sink.take()


class _Sink(io.RawIOBase):
    """A file that is written once, from its start to its end, and taken away as it grows."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()
        self._taken = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]
        self._written += data
        return len(data)

    def tell(self) -> int:
        return self._taken + len(self._written)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._taken += len(taken)
        self._written.clear()
        return taken


def _schema(columns: Sequence[Column]) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 - as above

    def kind(column: Column) -> "pa.DataType":
        if column.fact in (Fact.START, Fact.END):
            return pa.timestamp("ms", tz="UTC")
        if column.fact is Fact.DURATION:
            return pa.int64()
        return pa.float64() if column.field and column.field.kind is Kind.METRIC else pa.string()

    fields = [(_name(column), kind(column)) for column in columns]
    return pa.schema([*((name, pa.string()) for name in _HEAD), *fields])


def _arrow_table(columns: Sequence[Column], rows: Sequence[RunRow], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 - as above

    values: list[list[Value]] = [[row.info.run_id for row in rows], [row.info.run_name for row in rows]]
    values += [[value_of(row, column) for row in rows] for column in columns]
    arrays = [pa.array(each, field.type) for each, field in zip(values, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def value_of(row: RunRow, column: Column) -> Value:
    """Of several data sets or models all, parted by spaces."""
    if column.fact:
        return _fact(row, column.fact)
    field = column.field
    assert field
    if field.kind is not Kind.METRIC:
        return (row.params if field.kind is Kind.PARAM else row.tags).get(field.key)
    extremes = row.metrics.get(field.key)
    if extremes is None:
        return None
    return {Aggregate.LAST: extremes.last, Aggregate.MIN: extremes.least, Aggregate.MAX: extremes.greatest}[
        field.aggregate
    ]


def _fact(row: RunRow, fact: Fact) -> Value:
    info = row.info
    match fact:
        case Fact.STATUS:
            return str(info.status)
        case Fact.START:
            return info.start_time
        case Fact.END:
            return info.end_time
        case Fact.DURATION:
            return None if info.end_time is None else info.end_time - info.start_time
        case Fact.USER:
            return row.user or None
        case Fact.SOURCE:
            commit = row.tags.get(COMMIT_TAG)
            return " ".join(filter(None, (row.tags.get(SOURCE_TAG), commit))) or None
        case Fact.DATASETS:
            return " ".join(f"{used.name}@{used.digest}" for used in row.datasets) or None
        case Fact.MODELS:
            return " ".join(f"models:/{made.model_id}" for made in row.models) or None
        case Fact.RUN_ID:
            return info.run_id


_HEAD = ["run_id", "run_name"]


def _told_apart(columns: Sequence[Column]) -> list[Column]:
    """Without what the file has anyway; a curve is no value."""
    return [column for column in columns if column.fact is not Fact.RUN_ID and not column.is_curve]


def _name(column: Column) -> str:
    return "duration_ms" if column.fact is Fact.DURATION else column.spelled.replace("`", "")


FORMATS = {
    "csv": Format("csv", "text/csv; charset=utf-8", write_csv),
    "parquet": Format("parquet", "application/vnd.apache.parquet", write_parquet),
}
