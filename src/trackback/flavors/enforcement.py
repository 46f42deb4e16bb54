"""Holding data against a model's signature: what is missing, of the wrong type or would change is refused by name.

The rules are MLflow's (mlflow/models/utils.py: integers and floats may grow, never shrink, and integers of 32 bits may
become doubles), with one difference: 64-bit integers become floats where every value stays what it was. MLflow allows
that for zeros and ones only.
"""

from decimal import Decimal
from typing import Any

from trackback.errors import InvalidParameter
from trackback.flavors.frames import kind_of, to_pandas
from trackback.flavors.inference import infer_schema
from trackback.flavors.nested import enforce_value
from trackback.flavors.schema import (
    Anything,
    Array,
    ColSpec,
    ColumnType,
    DataType,
    MapOf,
    Object,
    Schema,
    quoted,
    type_name,
)
from trackback.flavors.tensors import enforce_tensors

NUMPY_NAMES = {
    DataType.BOOLEAN: "bool",
    DataType.INTEGER: "int32",
    DataType.LONG: "int64",
    DataType.FLOAT: "float32",
    DataType.DOUBLE: "float64",
}


def enforce_inputs(data: Any, schema: Schema) -> Any:
    """``data`` in the form that a model with this schema takes: a pandas DataFrame with the schema's columns in its
    order for columns, a NumPy array or a dict of them for tensors, a Spark DataFrame for one. Further columns are
    left out.

    Raises InvalidParameter, which names the column, if one is missing or can't be converted without loss.
    """
    if schema.is_tensor:
        return enforce_tensors(data, schema)
    if kind_of(data) == "spark":
        _check_spark(data, schema)
        return data.select(*[name for name in schema.names or data.columns if name in data.columns])
    frame = to_pandas(_as_row(data, schema))
    return _enforce_columns(frame, schema)


def _as_row(data: Any, schema: Schema) -> Any:
    """A dict for a schema with lists or objects is one row."""
    nested = any(isinstance(spec.type, (Array, Object, MapOf, Anything)) for spec in schema.columns)
    return [data] if isinstance(data, dict) and nested else data


def _enforce_columns(frame: Any, schema: Schema) -> Any:
    import pandas

    if _is_as_asked_for(frame, schema):
        return frame
    if schema.names is None:
        if len(frame.columns) < len(schema):
            raise InvalidParameter(f"the model takes {len(schema)} columns, and the data has {len(frame.columns)}")
        pairs = list(zip(frame.columns, schema.columns, strict=False))
    else:
        _check_names([str(name) for name in frame.columns], schema)
        # What came as JSON has the names of numbered columns as strings.
        there = {str(name): name for name in frame.columns}
        pairs = [(there[str(spec.name)], spec) for spec in schema.columns if str(spec.name) in there]
    return pandas.DataFrame({name: _enforce_column(frame[name], spec, name) for name, spec in pairs})


def _is_as_asked_for(frame: Any, schema: Schema) -> bool:
    """Whether there is nothing to do, which takes a third of the time of a small prediction."""
    if schema.names is None or list(frame.columns) != schema.names:
        return False
    found = [dtype.name for dtype in frame.dtypes.tolist()]
    return found == [NUMPY_NAMES.get(spec.type) if isinstance(spec.type, DataType) else None for spec in schema.columns]


def _check_names(names: list[str], schema: Schema) -> None:
    known = [str(name) for name in schema.names or ()]
    missing = [spec.name for spec in schema.columns if spec.required and str(spec.name) not in names]
    if not missing:
        return
    further = [name for name in names if name not in known]
    raise InvalidParameter(
        f"the model needs {quoted(missing)}, which the data does not have"
        + (f"; it has {quoted(further)}, which the model does not know" if further else "")
    )


def _check_spark(frame: Any, schema: Schema) -> None:
    _check_names(frame.columns, schema)
    found = {spec.name: spec.type for spec in infer_schema(frame).columns}
    for spec in schema.columns:
        kind = found.get(spec.name, spec.type)
        if kind != spec.type and not _widens(kind, spec.type):
            raise InvalidParameter(_mismatch(spec.name, type_name(kind), spec.type))


def _widens(kind: ColumnType, wanted: ColumnType) -> bool:
    return (kind, wanted) in {
        (DataType.INTEGER, DataType.LONG),
        (DataType.INTEGER, DataType.DOUBLE),
        (DataType.FLOAT, DataType.DOUBLE),
    }


def _enforce_column(series: Any, spec: ColSpec, name: Any) -> Any:
    if isinstance(spec.type, DataType):
        return enforce_type(series, spec.type, name)
    import pandas

    return pandas.Series(
        [enforce_value(value, spec.type, f"{name!r}", spec.required) for value in series], name=name, dtype=object
    )


def enforce_type(series: Any, wanted: DataType, name: Any) -> Any:
    """A pandas Series as ``wanted``. InvalidParameter if some value would change."""
    if series.dtype.kind == "O" and wanted not in (DataType.BINARY, DataType.STRING):
        series = series.infer_objects()
    kind = series.dtype.kind
    match wanted:
        case DataType.STRING if kind in "OU" or str(series.dtype).startswith("str"):
            return series
        case DataType.BINARY if kind in "OS":
            return series
        case DataType.DATETIME if kind in "MO" or str(series.dtype).startswith("str"):
            return _as_datetime(series, name)
        case DataType.BOOLEAN if kind == "b" or (kind == "O" and all(isinstance(v, bool) or v is None for v in series)):
            return series
        case DataType.DOUBLE if kind == "O" and all(isinstance(value, Decimal) for value in series):
            return series.astype("float64")
    return _enforce_number(series, wanted, name)


def _as_datetime(series: Any, name: Any) -> Any:
    try:
        return series.astype("datetime64[ns]")
    except (ValueError, TypeError) as error:
        raise InvalidParameter(f"column {name!r} has values that are no dates: {error}") from error


def _enforce_number(series: Any, wanted: DataType, name: Any) -> Any:
    import numpy

    target = NUMPY_NAMES.get(wanted)
    kind, size = series.dtype.kind, getattr(series.dtype, "itemsize", 0)
    if target is None or kind not in "biuf":
        raise InvalidParameter(_mismatch(name, str(series.dtype), wanted))
    dtype = numpy.dtype(target)
    if series.dtype == dtype or str(series.dtype).lower() == target:
        return series
    grows = (
        (kind == dtype.kind and size <= dtype.itemsize)
        or (kind == "u" and dtype.kind == "i" and size < dtype.itemsize)
        or (kind in "iu" and dtype == numpy.float64 and size < 8)
    )
    if not grows and not (kind in "iu" and dtype.kind == "f" and _stays_exact(series, dtype)):
        raise InvalidParameter(_mismatch(name, str(series.dtype), wanted) + _hint(series, dtype))
    try:
        return series.astype(dtype)
    except (ValueError, TypeError) as error:
        raise InvalidParameter(f"column {name!r} can't become {wanted.value}: {error}") from error


def _stays_exact(series: Any, dtype: Any) -> bool:
    """Whether every integer is one that the float has. Above 2^53 (2^24 in 32 bits) only some are."""
    if series.hasnans:
        return False
    most = 2**53 if dtype.itemsize == 8 else 2**24
    return bool(((series <= most) & (series >= -most)).all()) if len(series) else True


def _mismatch(name: Any, found: str, wanted: ColumnType) -> str:
    return f"column {name!r} has the type {found}, and the model takes {type_name(wanted)}: its values might change"


def _hint(series: Any, dtype: Any) -> str:
    if series.dtype.kind == "f" and dtype.kind == "i" and series.hasnans:
        return (
            ". It has missing values, for which integers have none: train with such values in the data that the "
            "signature is inferred from, or declare the column a double"
        )
    if series.dtype.kind == "f" and dtype.kind == "i":
        return f". Convert it yourself if that is meant: astype('{dtype.name}')"
    return ""
