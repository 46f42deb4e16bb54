"""From a file with rows to a file with their predictions, in memory for one batch of rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trackback.errors import BadRequest, InvalidParameter, TrackbackError
from trackback.limits import shown
from trackback.scoring.files.outputs import as_table
from trackback.scoring.files.reading import Reader, Rows, open_reader
from trackback.scoring.files.writing import open_writer
from trackback.scoring.predictors import Model

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROWS_AT_ONCE = 10_000


class Progress(msgspec.Struct, frozen=True):
    """``done`` of ``total``, in bytes or rows of the input, as ``unit`` says."""

    done: int
    total: int
    unit: str
    rows: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """``ids``: columns that are written beside the predictions and, by a model without a signature, not seen. Without
    them, these are the columns that the signature does not name. ``keep_all``: write all columns of the input.
    """

    input: Path
    output: Path
    params: Mapping[str, Any] | None = None
    ids: Sequence[str] = ()
    keep_all: bool = False
    column: str = "prediction"
    rows_at_once: int = ROWS_AT_ONCE


def predict_file(model: Model, job: Job, report: Callable[[Progress], None] = lambda progress: None) -> int:
    """How many rows were predicted. The output is there when all of them were, and else as it was before.

    Raises BadRequest or InvalidParameter, which tell the rows, for input that the model does not take; and the model's
    own errors as BadRequest.
    """
    rows = 0
    with open_reader(job.input, model.inputs, job.rows_at_once) as reader, open_writer(job.output) as writer:
        for batch in reader:
            try:
                writer.write(_predict(model, batch, job))
            except (BadRequest, InvalidParameter) as error:
                raise type(error)(
                    f"In rows {rows} to {rows + len(batch) - 1} of {job.input}: {error.message}"
                ) from error
            rows += len(batch)
            report(_progress(reader, rows))
    return rows


def _progress(reader: Reader, rows: int) -> Progress:
    return Progress(reader.done, reader.total, reader.unit, rows)


def _predict(model: Model, batch: Rows, job: Job) -> "pa.Table":
    kept = _kept(model, batch, job)
    withheld = [] if model.inputs.named else list(job.ids)
    data = _data(model, batch.frame(withheld))
    try:
        predictions = model.predict(data, job.params)
    except TrackbackError:
        raise
    except Exception as error:
        raise BadRequest(f"the model raised {type(error).__name__}: {shown(str(error), 1000)}") from error
    table = as_table(predictions, len(batch), job.column)
    return _beside(batch.kept(kept), table)


def _data(model: Model, frame: "pd.DataFrame") -> Any:
    """One array for a model that takes one without a name, else the table."""
    dtype = model.inputs.dtypes.get(None)
    if dtype is None:
        return frame
    try:
        return frame.to_numpy(dtype=dtype)
    except (ValueError, TypeError) as error:
        raise BadRequest(f"the columns are no array of {dtype}: {error}") from error


def _kept(model: Model, batch: Rows, job: Job) -> list[str]:
    names = [str(name) for name in batch.columns]
    if unknown := [name for name in job.ids if name not in names]:
        raise InvalidParameter(f"There is no column {shown(unknown[0])}. There are: {', '.join(names)}.")
    if job.keep_all:
        return names
    if job.ids:
        return list(job.ids)
    return [name for name in names if name not in model.inputs.named] if model.inputs.named else []


def _beside(kept: "pa.Table", predictions: "pa.Table") -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if both := set(kept.column_names) & set(predictions.column_names):
        raise InvalidParameter(
            f"A kept column and a prediction are both called {shown(both.pop())}. Choose --column, or other ids."
        )
    names = [*kept.column_names, *predictions.column_names]
    return pa.Table.from_arrays([*kept.columns, *predictions.columns], names)
