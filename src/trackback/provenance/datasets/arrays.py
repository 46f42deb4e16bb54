"""Columns of numpy's arrays, and of sparse matrices."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.provenance.datasets.columns import Chunk, Column, Columns
from trackback.provenance.datasets.digests import VALID

if TYPE_CHECKING:
    from trackback.provenance.datasets.columns import Array, Mask

_NAT = -(2**63)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def array_columns(name: str, array: Any) -> Columns:
    """An array of any shape as one column, whose rows are its first axis; one of records as a column a field.

    InvalidParameter: its values have no digest, as those of objects.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    if isinstance(array, np.ma.MaskedArray):
        raise InvalidParameter(f"{shown(name)} is a masked array, which has no digest. Give it filled: data.filled(…).")
    array = np.asarray(array)
    if array.ndim == 0:
        array = array.reshape(1)
    if array.dtype.names:
        return Columns(len(array), tuple(column_of(field, array[field]) for field in array.dtype.names))
    return Columns(len(array), (column_of(name, array),))


def column_of(name: str, array: Array) -> Column:
    """The column that an array of at least one axis is."""
    read, type_name = _reader(name, array.dtype)
    shape = array.shape[1:]
    row_bytes = max(array.dtype.itemsize * math.prod(shape), 1)
    scattered = len(array) > 1 and array.strides[0] > row_bytes
    return Column(
        name,
        type_name,
        lambda start, stop: read(array[start:stop]),
        shape,
        row_bytes,
        scattered,
        None if shape else lambda start, stop: _arrow(array[start:stop]),
    )


def _arrow(array: Array) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    return pa.array(array, from_pandas=array.dtype.kind in "OM")


def _reader(name: str, dtype: Any) -> tuple[Callable[[Array], Chunk], str]:
    kind = dtype.kind
    if kind in "biu":
        return fixed_chunk, "bool" if kind == "b" else dtype.name
    if (kind == "f" and dtype.itemsize <= 8) or (kind == "c" and dtype.itemsize <= 16):
        return fixed_chunk, dtype.name
    if kind in "mM":
        return _time_chunk, "timestamp" if kind == "M" else "duration"
    if kind in "UT":
        return lambda array: texts_chunk(array.ravel().tolist()), "string"
    if kind == "S":
        return lambda array: texts_chunk(array.ravel().tolist()), "binary"
    if kind == "O":
        return lambda array: texts_chunk(array.ravel().tolist(), name), "string"
    raise InvalidParameter(f"{shown(name)} has the type {dtype}, which has no digest. Convert it, as to float64.")


def fixed_chunk(values: Array, missing: Mask | None = None) -> Chunk:
    """Numbers and truth values. ``missing`` has the shape of ``values``; of floats, what is missing is NaN instead."""
    import numpy as np  # noqa: PLC0415 - heavy

    values = np.ascontiguousarray(values)
    if values.dtype.kind in "fc":
        return _float_chunk(values, missing)
    present = values
    if missing is not None:
        present = values[~missing]
        values = np.where(missing, values.dtype.type(0), values)
    return Chunk(
        parts=[("values", _little(values))],
        masks=[(VALID, len(values), missing)],
        numbers=present.reshape(-1).view(np.uint8) if values.dtype.kind == "b" else present.reshape(-1),
        missing=0 if missing is None else int(np.count_nonzero(missing)),
        pick=_picker(values, missing),
    )


def _float_chunk(values: Array, missing: Mask | None) -> Chunk:
    """NaN stands for what is missing, in the one form that IEEE 754 has for it where none was computed."""
    import numpy as np  # noqa: PLC0415 - heavy

    absent = missing
    if absent is None and values.size and np.isnan(values.min()):
        absent = np.isnan(values)
    elif absent is not None:
        absent = absent | np.isnan(values)
    present, count = values, 0
    if absent is not None:
        count = int(np.count_nonzero(absent))
        values = _with_one_nan(values, absent, count)
        present = values[~absent]
    is_real = values.dtype.kind == "f"
    return Chunk(
        parts=[("values", _little(values))],
        numbers=present.reshape(-1) if is_real else None,
        missing=count,
        pick=_picker(values, absent) if is_real else None,
    )


def _with_one_nan(values: Array, absent: Mask, count: int) -> Array:
    """With the same bits in all ``count`` that are absent: as they are, if that is so already, as it mostly is."""
    import numpy as np  # noqa: PLC0415 - heavy

    nan = values.dtype.type(np.nan)
    if values.dtype.kind == "f" and values.dtype.isnative:
        bits = np.dtype(f"u{values.dtype.itemsize}")
        if np.count_nonzero(values.view(bits) == np.asarray(nan).view(bits)) == count:
            return values
    return np.where(absent, nan, values)


def _picker(values: Array, missing: Mask | None) -> Callable[[Array], Array]:
    def pick(rows: Array) -> Array:
        picked = values[rows]
        return (picked if missing is None else picked[~missing[rows]]).reshape(-1)

    return pick


def _little(values: Array) -> Array:
    """The bytes in row order, the least significant first."""
    import numpy as np  # noqa: PLC0415 - heavy

    little = values if _is_little(values.dtype) else values.astype(values.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8)


def _is_little(dtype: Any) -> bool:
    return dtype.byteorder in "|<" or (dtype.byteorder == "=" and sys.byteorder == "little")


def _time_chunk(values: Array) -> Chunk:
    import numpy as np  # noqa: PLC0415 - heavy

    kind = "datetime64" if values.dtype.kind == "M" else "timedelta64"
    unit = np.datetime_data(values.dtype)[0]
    if unit not in _PER_SECOND or np.datetime_data(values.dtype)[1] != 1:
        unit = "ns" if unit in ("ps", "fs", "as") else "s"
        values = values.astype(f"{kind}[{unit}]")
    numbers = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))).view(np.int64)
    return time_chunk(numbers, f"{kind}[{unit}]", numbers == _NAT)


def time_chunk(numbers: Array, dtype: str, missing: Mask | None) -> Chunk:
    """Moments or durations as whole seconds and nanoseconds from 0 to 999,999,999: the same in every unit.

    ``dtype`` is numpy's for the numbers: ``datetime64[us]``.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    if missing is not None and not missing.any():
        missing = None
    if missing is not None:
        numbers = np.where(missing, 0, numbers)
    per_second = _PER_SECOND[np.datetime_data(dtype)[0]]
    seconds, rest = np.divmod(numbers, per_second)
    nanoseconds = (rest * (10**9 // per_second)).astype(np.int32)
    there = numbers if missing is None else numbers[~missing]
    ends = np.array([there.min(), there.max()]).astype(dtype).astype(str).tolist() if there.size else None
    return Chunk(
        parts=[("seconds", _little(seconds)), ("nanoseconds", _little(nanoseconds))],
        masks=[(VALID, len(numbers), missing)],
        missing=0 if missing is None else int(np.count_nonzero(missing)),
        extremes=(ends[0], ends[1]) if ends and dtype.startswith("datetime") else None,
    )


def texts_chunk(values: Sequence[Any], name: str = "") -> Chunk:
    """Texts, or bytes, as Python has them; None and NaN are missing."""
    import numpy as np  # noqa: PLC0415 - heavy

    missing = np.fromiter((value is None or value != value for value in values), np.bool_, len(values))
    there = [value for value in values if not (value is None or value != value)]
    if bad := next((value for value in there if not isinstance(value, str | bytes)), None):
        raise InvalidParameter(
            f"{shown(name)} holds {shown(bad)}, a {type(bad).__name__}: objects have no digest. "
            "Give the column one type, such as float64 or str."
        )
    encoded = [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in there]
    lengths = np.zeros(len(values), np.int64)
    lengths[~missing] = np.fromiter(map(len, encoded), np.int64, len(encoded))
    return Chunk(
        parts=[("lengths", _little(lengths)), ("bytes", b"".join(encoded))],
        masks=[(VALID, len(values), missing if missing.any() else None)],
        missing=int(np.count_nonzero(missing)),
        pick=lambda rows: [values[row] for row in rows.tolist() if not missing[row]],
    )
