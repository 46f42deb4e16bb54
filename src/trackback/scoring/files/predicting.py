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
from trackback.scoring.inputs import Inputs
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


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is predicted, and what of a row is kept.

    ``ids``: columns that are written beside the predictions and, by a model without a signature, not seen. Without
    them, these are the columns that the signature does not name. ``keep_all``: write all columns of the input.
    """

    params: Mapping[str, Any] | None = None
    ids: Sequence[str] = ()
    keep_all: bool = False
    column: str = "prediction"


class Job(Wanted, frozen=True, kw_only=True):
    input: Path
    output: Path
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
                writer.write(predict_rows(model, batch, job))
            except (BadRequest, InvalidParameter) as error:
                raise type(error)(
                    f"In rows {rows} to {rows + len(batch) - 1} of {job.input}: {error.message}"
                ) from error
            rows += len(batch)
            report(_progress(reader, rows))
    return rows


def _progress(reader: Reader, rows: int) -> Progress:
    return Progress(reader.done, reader.total, reader.unit, rows)


def predict_rows(model: Model, batch: Rows, wanted: Wanted) -> "pa.Table":
    """The columns that are kept, and the predictions. Raises BadRequest or InvalidParameter."""
    kept = kept_columns(batch.columns, model.inputs, wanted)
    data = _data(model, batch.frame(_seen(batch.columns, model.inputs, wanted)))
    try:
        predictions = model.predict(data, wanted.params)
    except TrackbackError:
        raise
    except Exception as error:
        raise BadRequest(f"the model raised {type(error).__name__}: {shown(str(error), 1000)}") from error
    return beside(batch.kept(kept), as_table(predictions, len(batch), wanted.column))


def _data(model: Model, frame: "pd.DataFrame") -> Any:
    """One array for a model that takes one without a name, else the table."""
    dtype = model.inputs.dtypes.get(None)
    if dtype is None:
        return frame
    try:
        return frame.to_numpy(dtype=dtype)
    except (ValueError, TypeError) as error:
        raise BadRequest(f"the columns are no array of {dtype}: {error}") from error


def _seen(columns: Sequence[str | int], inputs: Inputs, wanted: Wanted) -> list[str | int]:
    """What the model is given: the signature's columns, in its order, so that it takes them as they are. Where one is
    missing, all, for the error to tell which there are.
    """
    if not inputs.named:
        return [name for name in columns if name not in wanted.ids]
    named: list[str | int] = [name for name in (*inputs.kinds, *inputs.dtypes) if isinstance(name, str)]
    return named if inputs.named.issubset(columns) else list(columns)


def kept_columns(columns: Sequence[str | int], inputs: Inputs, wanted: Wanted) -> list[str]:
    """Which of a file's columns are written. InvalidParameter: one that is asked for is not there. BadRequest: two
    have one name.
    """
    names = [str(name) for name in columns]
    if len(set(names)) != len(names):
        raise BadRequest(f"Two columns have the same name. There are: {', '.join(names)}.")
    if unknown := [name for name in wanted.ids if name not in names]:
        raise InvalidParameter(f"There is no column {shown(unknown[0])}. There are: {', '.join(names)}.")
    if wanted.keep_all:
        return names
    if wanted.ids:
        return list(wanted.ids)
    return [name for name in names if name not in inputs.named] if inputs.named else []


def beside(kept: "pa.Table", predictions: "pa.Table") -> "pa.Table":
    """One table of both. InvalidParameter: a name is in both."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if both := set(kept.column_names) & set(predictions.column_names):
        raise InvalidParameter(
            f"A kept column and a prediction are both called {shown(both.pop())}. Choose --column, or other ids."
        )
    names = [*kept.column_names, *predictions.column_names]
    return pa.Table.from_arrays([*kept.columns, *predictions.columns], names)
