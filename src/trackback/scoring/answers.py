"""Predictions as the JSON that MLflow's scoring server answers with.

A DataFrame or Series is a list with an object for each row, an array nested lists; dates are ISO 8601, bytes base64 in
MIME's lines. What is no number is written NaN, Infinity and -Infinity, as Python's JSON has it and MLflow's clients
read it.
"""

import base64
import json
import math
from collections.abc import Sequence
from datetime import date, time
from typing import Any

import msgspec

from trackback.errors import UnanswerablePrediction

_encode = msgspec.json.Encoder().encode


def jsonable(predictions: Any) -> Any:
    """What the JSON is written from: for a table or an array, a list with an element for each row."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pandas as pd  # noqa: PLC0415 - heavy

    if isinstance(predictions, np.ndarray):
        return predictions.tolist() if predictions.dtype.kind != "M" else np.datetime_as_string(predictions).tolist()
    if isinstance(predictions, pd.Series):
        predictions = pd.DataFrame(predictions)
    if isinstance(predictions, pd.DataFrame):
        return predictions.to_dict(orient="records")
    return predictions


def rows_of(value: Any, number: int) -> Sequence[Any] | None:
    """The predictions for ``number`` rows one by one; None if it is not one for each."""
    return value if isinstance(value, list) and len(value) == number else None


def encode(value: Any, *, bare: bool = False) -> bytes:
    """The body of the answer. Raises UnanswerablePrediction."""
    answer = value if bare else {"predictions": value}
    if _is_plain(value):
        return _encode(answer)
    try:
        return json.dumps(answer, default=_default, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UnanswerablePrediction(
            f"The model returned something that can't be written as JSON: {error}. Have it return a DataFrame, an "
            "array, or lists of numbers and text."
        ) from error


def _is_plain(value: Any) -> bool:
    """Whether both encoders write it alike: finite numbers and text, in lists and in dictionaries by text."""
    kind = type(value)
    if kind is float:
        return math.isfinite(value)
    if kind is list:
        return all(map(_is_plain, value))
    if kind is dict:
        return all(type(name) in (str, int) for name in value) and all(map(_is_plain, value.values()))
    return kind in (str, int, bool) or value is None


def _default(value: Any) -> Any:
    """What json asks about values that it does not know."""
    import numpy as np  # noqa: PLC0415 - heavy

    if isinstance(value, np.ndarray):
        return jsonable(value)
    if isinstance(value, np.datetime64):
        return np.datetime_as_string(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bytes | bytearray):
        return base64.encodebytes(value).decode("ascii")
    if isinstance(value, date | time):  # a datetime and a pandas Timestamp are dates, too
        return value.isoformat()
    if hasattr(value, "model_dump"):  # pydantic's models
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} is not serializable")
