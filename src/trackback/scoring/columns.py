"""Values of JSON as columns of the types that a model's signature names.

What MLflow's scoring server casts is cast here, too: ``"1.5"`` and ``1`` where a double is wanted, ``1.0`` where a long
is. What it would change without a word is an error here that names the column: 1.5 for a long (it predicts for 1), a
number beyond an integer's range (it wraps), text for a boolean (it takes any for true).
"""

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trackback.errors import BadRequest
from trackback.flavors.schema import DataType
from trackback.limits import shown
from trackback.scoring.inputs import Kind

if TYPE_CHECKING:
    import numpy as np

_DTYPES = {
    DataType.BOOLEAN: "bool",
    DataType.INTEGER: "int32",
    DataType.LONG: "int64",
    DataType.FLOAT: "float32",
    DataType.DOUBLE: "float64",
}


def convert(name: str | int, values: Sequence[Any], kind: Kind) -> Any:
    """A column for a DataFrame: ``values`` as the signature's type ``kind`` says, null as NaN, NaT or None. Text and
    nested values are left as they are.

    Raises BadRequest, which names the column and the value.
    """
    try:
        return _cast(values, kind)
    except _MISFITS as error:
        reason = " It is beyond the type's range." if isinstance(error, OverflowError) else ""
        raise BadRequest(
            f"The data do not fit the model's signature: column {shown(name)} is to be of type {kind}, "
            f"and {_culprit(values, kind)}.{reason}"
        ) from error


_MISFITS = (ValueError, TypeError, OverflowError, binascii.Error)


def _cast(values: Sequence[Any], kind: Kind) -> Any:
    """Raises one of _MISFITS."""
    if dtype := dtype_of(kind):
        is_tensor = not isinstance(kind, DataType)
        return list(values) if is_tensor and values and isinstance(values[0], list) else _numbers(values, dtype)
    if kind is DataType.DATETIME:
        return _datetimes(values)
    if kind is DataType.BINARY:
        return [None if value is None else base64.b64decode(value) for value in values]
    return list(values)


def dtype_of(kind: Kind | None) -> str | None:
    """numpy's name of the type that such a column has in memory; None where that is no fixed one."""
    if isinstance(kind, DataType):
        return _DTYPES.get(kind)
    return kind if isinstance(kind, str) and kind not in ("object", "str", "bytes") else None


def holds_nulls_as_they_are(kind: Kind) -> bool:
    """Whether what null becomes depends on the column's other values."""
    return dtype_of(kind) is None and kind is not DataType.DATETIME


def _numbers(values: Sequence[Any], dtype: str) -> "np.ndarray[Any, Any]":
    import numpy as np  # noqa: PLC0415 - heavy

    match np.dtype(dtype).kind:
        case "b":
            return _booleans(values)
        case "i" | "u":
            return _integers(values, dtype)
    return np.array(values, dtype=dtype)


def _integers(values: Sequence[Any], dtype: str) -> "np.ndarray[Any, Any]":
    import numpy as np  # noqa: PLC0415 - heavy

    array = np.array(values)
    if array.dtype.kind == "U":
        array = np.array([int(value) for value in values])
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and not (array == np.trunc(array)).all()):
        raise ValueError
    bounds = np.iinfo(dtype)
    if array.size and not (bounds.min <= array.min() and array.max() <= bounds.max):
        raise OverflowError
    return array.astype(dtype)


def _booleans(values: Sequence[Any]) -> "np.ndarray[Any, Any]":
    import numpy as np  # noqa: PLC0415 - heavy

    array = np.array(values)
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise ValueError
    return array.astype(bool)


def _datetimes(values: Sequence[Any]) -> Any:
    import pandas as pd  # noqa: PLC0415 - heavy

    if not all(value is None or isinstance(value, str | int | float) for value in values):
        raise TypeError
    return pd.to_datetime(pd.Series(values, dtype=object)).dt.as_unit("ns").array


def _culprit(values: Sequence[Any], kind: Kind) -> str:
    """The first value that can't be one of the column's."""
    for row, value in enumerate(values):
        try:
            _cast((value,), kind)
        except _MISFITS:
            return f"row {row} has {'no value' if value is None else shown(value)}"
    return "its values do not go together"
