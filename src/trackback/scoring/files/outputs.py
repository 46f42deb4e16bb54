"""Predictions as columns of a table, whatever form the model gives them in."""

from typing import TYPE_CHECKING, Any

from trackback.errors import BadRequest

if TYPE_CHECKING:
    import pyarrow as pa


def as_table(predictions: Any, rows: int, name: str) -> "pa.Table":
    """A column ``name`` for predictions of one value a row; ``name_0``, ``name_1``, … for an array with several; those
    of a DataFrame as they are called there.

    Raises BadRequest if there is not one prediction a row, or they can't be columns.
    """
    import pandas as pd  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if _is_plain(predictions) and len(predictions) == rows:  # by way of pandas it takes as long as some predictions
        return pa.table({name: pa.array(predictions, from_pandas=True)})
    frame = pd.DataFrame(_columns(predictions, rows, name))
    if len(frame) != rows:
        raise BadRequest(f"The model returned {len(frame)} predictions for {rows} rows.")
    frame.columns = frame.columns.map(str)
    try:
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise BadRequest(f"The model's predictions can't be written as columns: {error}") from error


def _is_plain(predictions: Any) -> bool:
    """Whether it is an array with a number a row."""
    import numpy as np  # noqa: PLC0415 - heavy

    if not isinstance(predictions, np.ndarray) or predictions.ndim != 1:
        return False
    return predictions.dtype.kind in "biuf" and predictions.dtype.isnative


def _columns(predictions: Any, rows: int, name: str) -> Any:
    import numpy as np  # noqa: PLC0415 - heavy
    import pandas as pd  # noqa: PLC0415 - heavy

    if isinstance(predictions, pd.DataFrame):
        return predictions.reset_index(drop=True)
    if isinstance(predictions, pd.Series):
        return {name: predictions.reset_index(drop=True)}
    if hasattr(predictions, "toarray"):  # sparse matrices
        predictions = predictions.toarray()
    if isinstance(predictions, list | tuple) and predictions and isinstance(predictions[0], dict):
        return list(predictions)
    if isinstance(predictions, list | tuple):
        return {name: list(predictions)}
    if isinstance(predictions, dict):
        return {key: np.asarray(value).tolist() for key, value in predictions.items()}
    array = np.asarray(predictions)
    if array.ndim == 0:
        raise BadRequest(f"The model returned one {type(predictions).__name__} for {rows} rows, not one for each.")
    if array.ndim == 2 and array.shape[1] > 1:
        return {f"{name}_{place}": array[:, place] for place in range(array.shape[1])}
    return {name: array.reshape(-1) if array.size == len(array) else array.tolist()}
