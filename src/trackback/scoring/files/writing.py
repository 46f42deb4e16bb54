"""Tables as CSV, lines of JSON, or Parquet. The file is there when all of it is, or not at all."""

import base64
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import date, time
from pathlib import Path, PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from trackback.errors import BadRequest, InvalidParameter
from trackback.scoring.files.targets import LocalTarget, Target, full

if TYPE_CHECKING:
    import pyarrow as pa


class Writer(ABC):
    """A file that comes to be under another name, and gets its own when the block ends without an error.

    The first table tells the columns and their types: those after it must fit. A column of nulls alone is one of text.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._schema: pa.Schema | None = None

    def __enter__(self) -> Self:
        self._file = self._target.open()
        return self

    def write(self, table: "pa.Table") -> None:
        """Raises BadRequest if the table does not fit those before it, StorageFull if the disk does not take it."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        first = self._schema is None
        if self._schema is None:
            self._schema = _without_null_types(table.schema)
        try:
            table = table.select(self._schema.names).cast(self._schema)
        except (pa.ArrowException, KeyError) as error:
            raise BadRequest(
                f"Columns have other types or names than in the rows before: {error}. Begin with rows that have values "
                "of all kinds, or more --rows at once."
            ) from error
        try:
            if first:
                self._begin(table.schema)
            self._write(table)
        except OSError as error:
            raise full(self._target, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._end()
                self._target.commit()
            else:
                self._abandon()
        except OSError as failure:
            raise full(self._target, failure) from failure
        finally:
            self._target.discard()

    @abstractmethod
    def _begin(self, schema: "pa.Schema") -> None:
        """Called before the first table."""

    @abstractmethod
    def _write(self, table: "pa.Table") -> None: ...

    @abstractmethod
    def _end(self) -> None:
        """Called after the last table."""

    def _abandon(self) -> None:
        """Called instead, if the file is not to be."""
        self._schema = None


class CsvWriter(Writer):
    def _begin(self, schema: "pa.Schema") -> None:
        from pyarrow import csv  # noqa: PLC0415 - heavy

        if nested := [field.name for field in schema if field.type.num_fields]:
            raise BadRequest(f"Column {nested[0]!r} has lists or objects, which CSV has not. Write .jsonl or .parquet.")
        self._csv = csv.CSVWriter(self._file, schema, write_options=csv.WriteOptions(quoting_style="needed"))

    def _write(self, table: "pa.Table") -> None:
        self._csv.write_table(table)

    def _end(self) -> None:
        if self._schema:
            self._csv.close()


class ParquetWriter(Writer):
    def _begin(self, schema: "pa.Schema") -> None:
        from pyarrow import parquet  # noqa: PLC0415 - heavy

        self._parquet: Any = parquet.ParquetWriter(self._file, schema)

    def _write(self, table: "pa.Table") -> None:
        self._parquet.write_table(table)

    def _end(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - heavy

        if self._schema is None:
            self._begin(pa.schema([]))
        self._parquet.close()

    def _abandon(self) -> None:
        if self._schema is not None:
            self._parquet.is_open = False  # it would end the file when it is collected


class JsonLinesWriter(Writer):
    """What is no number is null: the lines are to be read by anything that reads JSON."""

    _encode = msgspec.json.Encoder(enc_hook=str).encode

    def _begin(self, schema: "pa.Schema") -> None:
        """Lines need no head."""

    def _write(self, table: "pa.Table") -> None:
        for row in table.to_pylist():
            self._file.write(self._encode({name: _plain(value) for name, value in row.items()}) + b"\n")

    def _end(self) -> None:
        """Nor an end."""


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return list(map(_plain, value))
    return value


def _without_null_types(schema: "pa.Schema") -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 - heavy

    return pa.schema([field.with_type(pa.string()) if field.type == pa.null() else field for field in schema])


WRITERS: dict[str, Callable[[Target], Writer]] = {
    ".csv": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".parquet": ParquetWriter,
}


def open_writer(target: Target | Path) -> Writer:
    """Raises InvalidParameter if the file's name does not tell its format."""
    if isinstance(target, Path):
        target = LocalTarget(target)
    try:
        return WRITERS[PurePath(target.name).suffix.lower()](target)
    except KeyError:
        known = ", ".join(WRITERS)
        raise InvalidParameter(f"{target.name} is to end with one of {known}, which tells its format.") from None
