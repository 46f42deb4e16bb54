"""One partition: read, predicted and written, a batch of rows in memory at a time."""

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from trackback.delivery.batch.places import LocalPlace, Place, place_at
from trackback.delivery.batch.plans import Plan, Slice, Source
from trackback.delivery.batch.work import Work
from trackback.delivery.batch.writers import PART, part_writer, stamped
from trackback.errors import BadRequest, InvalidParameter, NotFound, Unavailable
from trackback.scoring.files.predicting import kept_columns, predict_rows
from trackback.scoring.files.reading import ArrowRows, arrow_type, read_csv
from trackback.scoring.inputs import Inputs
from trackback.scoring.predictors import Model

if TYPE_CHECKING:
    import pyarrow as pa

BUFFER_BYTES = 1 << 20

#: Is told how many rows more are predicted, and how much more of the partition's size is done.
Report = Callable[[int, int], None]


def score_partition(model: Model, plan: Plan, number: int, work: Work, report: Report) -> int:
    """How many rows there were. The part is there when all of them are, or not at all.

    BadRequest, InvalidParameter: the model does not take these rows, which are named. NotFound: a file of the input is
    gone. Unavailable, StorageFull.
    """
    rows = 0
    with part_writer(plan, work.part(plan, number)) as writer:
        for piece in plan.partitions[number].slices:
            source = plan.sources[piece.source]
            first, done = piece.skip, 0
            for batch, at in _batches(plan, source, piece, model.inputs):
                try:
                    table = predict_rows(model, ArrowRows(batch), plan.wanted)
                except (BadRequest, InvalidParameter) as error:
                    where = f"rows {first} to {first + batch.num_rows - 1} of {_named(plan, source, piece)}"
                    raise type(error)(f"In {where}: {error.message}") from error
                writer.write(table if plan.ending == PART else stamped(table, plan.stamp))
                report(batch.num_rows, at - done)
                first, done = first + batch.num_rows, at
                rows += batch.num_rows
    return rows


def _named(plan: Plan, source: Source, piece: Slice) -> str:
    if plan.format == "csv":
        return f"the part of {source.place} that begins at byte {piece.first}"
    return f"row group {piece.first} of {source.place}"


def _batches(plan: Plan, source: Source, piece: Slice, inputs: Inputs) -> Iterator[tuple["pa.Table", int]]:
    """Tables, and how much of the slice is done with each, in the unit of the plan."""
    read = _parquet if plan.format == "parquet" else _csv
    try:
        with _opened(plan, place_at(source.place)) as file:
            for table, at in read(plan, source, piece, inputs, file):
                yield _with_constants(table, source.constants, inputs), at
    except FileNotFoundError:
        raise NotFound(f"{source.place} is gone since the job began.") from None
    except OSError as error:
        raise Unavailable(f"{source.place} can't be read: {error}") from error


def _opened(plan: Plan, place: Place) -> BinaryIO:
    """A file of this machine as Arrow reads it best: without Python in between."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if plan.format == "parquet" and isinstance(place, LocalPlace):
        file: BinaryIO = pa.OSFile(place.text, "rb")
        return file
    return place.open()


def _parquet(
    plan: Plan, source: Source, piece: Slice, inputs: Inputs, file: BinaryIO
) -> Iterator[tuple["pa.Table", int]]:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import parquet  # noqa: PLC0415 - heavy

    columns = _needed(source, inputs, plan)
    skip, left = piece.skip, piece.rows
    done = 0
    try:
        # From an object store, columns of a row group come at once; from a disk, a piece of each as it is needed.
        here = isinstance(file, pa.OSFile)
        opened = parquet.ParquetFile(file, pre_buffer=not here, buffer_size=BUFFER_BYTES if here else 0)
        batches = opened.iter_batches(
            plan.rows_at_once, row_groups=list(range(piece.first, piece.last)), columns=columns, use_threads=False
        )
        for batch in batches:
            passed = min(skip, batch.num_rows)
            skip -= passed
            taken = batch.slice(passed, left)
            if taken.num_rows:
                done += taken.num_rows
                yield pa.Table.from_batches([taken]), done
            if left is not None and (left := left - taken.num_rows) <= 0:
                return
    except (pa.ArrowException, OSError) as error:
        raise BadRequest(f"{source.place} is no Parquet that can be read: {error}") from error


def _needed(source: Source, inputs: Inputs, plan: Plan) -> list[str]:
    """What of a file is read: the model's columns, and those that are kept."""
    there = [*source.columns, *source.constants]
    kept = kept_columns(there, inputs, plan.wanted)
    wanted = {*kept, *inputs.named} if inputs.named else set(there)
    return [name for name in source.columns if name in wanted]


def _csv(plan: Plan, source: Source, piece: Slice, inputs: Inputs, file: BinaryIO) -> Iterator[tuple["pa.Table", int]]:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    schema = pa.ipc.read_schema(pa.py_buffer(plan.types))
    types = dict(zip(schema.names, schema.types, strict=True))
    if types:
        types = {name: types.get(name, pa.string()) for name in source.columns}
    window = Window(file, piece.first, piece.last)
    try:
        for table in read_csv(window, types, plan.rows_at_once, source.columns):
            yield table, window.tell()
    except BadRequest as error:
        raise BadRequest(f"In {_named(plan, source, piece)}: {error.message}") from error


def _with_constants(table: "pa.Table", constants: dict[str, str | None], inputs: Inputs) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 - heavy

    kinds = inputs.kinds_of([*table.column_names, *constants]) if constants else {}
    for name, value in constants.items():
        kind = arrow_type(kinds.get(name))
        try:
            scalar = pa.scalar(value, pa.string()).cast(kind)
        except pa.ArrowException as error:
            raise BadRequest(f"The folder {name}={value} is no {kind}, which the model takes: {error}") from error
        table = table.append_column(name, pa.repeat(scalar, table.num_rows))
    return table


class Window(io.RawIOBase):
    """The bytes of a file from ``first`` to before ``last``; positions count from ``first``."""

    def __init__(self, file: Any, first: int, last: int) -> None:
        self._file = file
        self._left = last - first
        self._read = 0
        file.seek(first)

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: self._left]
        count = int(self._file.readinto(view)) if len(view) else 0
        self._left -= count
        self._read += count
        return count
