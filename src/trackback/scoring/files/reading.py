"""Rows of CSV, JSON and Parquet files, so many at a time.

A batch is an Arrow table whatever the file's format, but of JSON: its values keep the types they have there until they
are held against the model's signature.
"""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from trackback.errors import BadRequest, InvalidParameter, NotFound
from trackback.flavors.schema import DataType
from trackback.scoring.columns import dtype_of
from trackback.scoring.files.records import read_records
from trackback.scoring.inputs import Inputs, Kind
from trackback.scoring.tables import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BLOCK_BYTES = 4 << 20


class Rows(ABC):
    """Some rows of a file."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[str | int]: ...

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def frame(self, columns: Sequence[str | int]) -> "pd.DataFrame":
        """What the model is given: these columns in this order. Raises BadRequest, which names the column."""

    @abstractmethod
    def kept(self, columns: Sequence[str]) -> "pa.Table":
        """These columns as they are."""


class ArrowRows(Rows):
    def __init__(self, table: "pa.Table") -> None:
        self._table = table

    @property
    def columns(self) -> Sequence[str | int]:
        names: list[str] = self._table.column_names
        return names

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def frame(self, columns: Sequence[str | int]) -> "pd.DataFrame":
        return self._table.select(list(columns)).to_pandas()

    def kept(self, columns: Sequence[str]) -> "pa.Table":
        return self._table.select(list(columns))


class RecordRows(Rows):
    def __init__(self, table: Table, inputs: Inputs) -> None:
        self._table = table
        self._inputs = inputs

    @property
    def columns(self) -> Sequence[str | int]:
        return self._table.columns

    def __len__(self) -> int:
        return len(self._table.rows)

    def frame(self, columns: Sequence[str | int]) -> "pd.DataFrame":
        return self._table.frame(self._inputs)[list(columns)]

    def kept(self, columns: Sequence[str]) -> "pa.Table":
        import pyarrow as pa  # noqa: PLC0415 - heavy

        values = self._table.by_column()
        try:
            return pa.table({name: pa.array(values[name]) for name in columns})
        except pa.ArrowException as error:
            raise BadRequest(f"Columns that are to be kept have values of different types: {error}") from error


class Reader(ABC):
    """One file. ``total``: its size, and ``done``: how much of that was read, both in bytes or rows."""

    total: int
    unit = "bytes"

    def __init__(self, path: Path, inputs: Inputs, rows_at_once: int) -> None:
        self._inputs = inputs
        self._rows_at_once = rows_at_once
        self._stack = ExitStack()
        try:
            self._file: BinaryIO = self._stack.enter_context(path.open("rb"))
        except FileNotFoundError:
            raise NotFound(f"There is no file {path}.") from None
        except OSError as error:
            raise InvalidParameter(f"{path} can't be read: {error.strerror}.") from error
        self.total = path.stat().st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def done(self) -> int:
        return self._file.tell()

    @abstractmethod
    def __iter__(self) -> Iterator[Rows]:
        """Raises BadRequest where the file is not what its name says."""


class CsvReader(Reader):
    """Columns of the signature have its types, others stay text as it is. Without a signature, types are those that the
    first block suggests. An empty field is null.
    """

    def __iter__(self) -> Iterator[Rows]:
        names = self._names() if self._inputs.kinds or self._inputs.dtypes else []
        for table in read_csv(self._file, csv_types(names, self._inputs), self._rows_at_once):
            yield ArrowRows(table)

    def _names(self) -> list[str]:
        text = io.TextIOWrapper(self._file, encoding="utf-8-sig", newline="")
        try:
            return next(csv.reader(text), [])
        except UnicodeDecodeError as error:
            raise BadRequest(f"The file is not UTF-8: {error}") from error
        finally:
            text.detach()
            self._file.seek(0)


class ParquetReader(Reader):
    unit = "rows"
    _read = 0

    def __iter__(self) -> Iterator[Rows]:
        import pyarrow as pa  # noqa: PLC0415 - heavy
        from pyarrow import parquet  # noqa: PLC0415 - heavy

        try:
            file = parquet.ParquetFile(self._file)
            self.total = file.metadata.num_rows
            for batch in file.iter_batches(batch_size=self._rows_at_once):
                self._read += batch.num_rows
                yield ArrowRows(pa.Table.from_batches([batch]))
        except (pa.ArrowException, OSError) as error:
            raise BadRequest(f"The file is not Parquet that can be read: {error}") from error

    @property
    def done(self) -> int:
        return self._read


class JsonReader(Reader):
    """One object a line, or a list of objects, or a body of the scoring protocol, which is read whole."""

    def __iter__(self) -> Iterator[Rows]:
        for table in read_records(self._file, self._inputs, self._rows_at_once):
            yield RecordRows(table, self._inputs)


READERS: dict[str, Callable[[Path, Inputs, int], Reader]] = {
    ".csv": CsvReader,
    ".json": JsonReader,
    ".jsonl": JsonReader,
    ".parquet": ParquetReader,
}


def open_reader(path: Path, inputs: Inputs, rows_at_once: int) -> Reader:
    """Raises InvalidParameter if the file's name does not tell its format, NotFound if there is none."""
    try:
        kind = READERS[path.suffix.lower()]
    except KeyError:
        raise InvalidParameter(f"{path} is to end with one of {', '.join(READERS)}, which tells its format.") from None
    return kind(path, inputs, rows_at_once)


def csv_types(names: Sequence[str], inputs: Inputs) -> dict[str, "pa.DataType"]:
    """What columns of CSV are read as: those of the signature as it says, others as text; nothing without one."""
    kinds = inputs.kinds_of(names)
    return {name: arrow_type(kinds.get(name)) for name in names} if kinds else {}


def arrow_type(kind: Kind | None) -> "pa.DataType":
    """The type that a signature's column has in Arrow; text for what it does not name."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy

    dtype = dtype_of(kind)
    if kind is DataType.DATETIME:
        return pa.timestamp("ns")
    return pa.string() if dtype is None else pa.from_numpy_dtype(np.dtype(dtype))


def read_csv(
    file: Any, types: Mapping[str, "pa.DataType"], rows_at_once: int, names: Sequence[str] | None = None
) -> Iterator["pa.Table"]:
    """``names``: of the columns, where the file does not begin with them. Raises BadRequest."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import csv as arrow_csv  # noqa: PLC0415 - heavy

    try:
        reader = arrow_csv.open_csv(
            file,
            read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False, column_names=names),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        )
        with reader:
            for table in _regrouped(reader, rows_at_once):
                yield _with_nulls(table)
    except pa.ArrowException as error:
        raise BadRequest(f"The file is not CSV that fits the model's signature: {error}") from error


def _regrouped(batches: Any, most: int) -> Iterator["pa.Table"]:
    """Tables of at most so many rows; blocks of a file may hold more."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    for batch in batches:
        for start in range(0, batch.num_rows, most):
            yield pa.Table.from_batches([batch.slice(start, most)])


def _with_nulls(table: "pa.Table") -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import compute  # noqa: PLC0415 - heavy

    for place, field in enumerate(table.schema):
        if field.type == pa.string():
            column = table.column(place)
            empty = compute.equal(column, "")
            table = table.set_column(place, field, compute.if_else(empty, pa.scalar(None, pa.string()), column))
    return table
