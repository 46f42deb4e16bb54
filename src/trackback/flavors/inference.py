"""Schemas inferred from data, by MLflow's rules, so that the same data gives the same schema on both sides."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from trackback.errors import InvalidParameter
from trackback.flavors.frames import kind_of, spark_columns, to_pandas
from trackback.flavors.schema import (
    Anything,
    Array,
    ColSpec,
    ColumnType,
    DataType,
    Object,
    ParamSpec,
    Property,
    Schema,
    TensorSpec,
)


def infer_schema(data: Any) -> Schema:
    """See infer_signature."""
    match kind_of(data):
        case "pandas" | "polars" | "arrow":
            frame = to_pandas(data)
            return Schema(tuple(_pandas_column(frame[name], name) for name in frame.columns))
        case "series":
            return Schema((_pandas_column(to_pandas(data).iloc[:, 0], data.name),))
        case "numpy":
            return Schema((_tensor(data),))
        case "sparse":
            return Schema((TensorSpec(data.dtype.name, (-1, *data.shape[1:])),))
        case "spark":
            return Schema(tuple(spark_columns(data)))
        case "dict":
            return _schema_of_dict(data)
        case "list":
            return _schema_of_list(data)
        case _:
            return Schema((ColSpec(_value_type(data)),))


def infer_params(params: Mapping[str, Any]) -> tuple[ParamSpec, ...]:
    specs = []
    for name, value in params.items():
        is_list = isinstance(value, (list, tuple)) or kind_of(value) == "numpy"
        kind = _merged(value, f"param {name!r}") if is_list else _value_type(value)
        default = [_builtin(item) for item in value] if is_list else _builtin(value)
        specs.append(ParamSpec(str(name), kind, default, is_list))
    return tuple(specs)


def _builtin(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _schema_of_dict(data: Mapping[Any, Any]) -> Schema:
    if strange := [key for key in data if not isinstance(key, str)]:
        raise InvalidParameter(f"the keys of a dict name columns, so they are to be strings: {strange[0]!r} is not")
    if data and all(kind_of(value) == "numpy" for value in data.values()):
        return Schema(tuple(_tensor(array, name) for name, array in data.items()))
    return Schema(
        tuple(ColSpec(_value_type(value), name, _is_complete([value])) for name, value in data.items()),
    )


def _schema_of_list(data: Sequence[Any]) -> Schema:
    if not data:
        return Schema((ColSpec(DataType.STRING),))
    if not all(isinstance(item, dict) for item in data):
        return Schema((ColSpec(_merged(data, "the list")),))
    names = {name: None for item in data for name in item}
    return Schema(
        tuple(
            ColSpec(
                _merged([item[name] for item in data if name in item], f"column {name!r}"),
                str(name),
                all(item.get(name) is not None for item in data),
            )
            for name in names
        )
    )


def _tensor(array: Any, name: str | None = None) -> TensorSpec:
    # "str" and "bytes" stand for strings of any length: the dtype of the data has that of the longest one.
    dtype = {"U": "str", "S": "bytes", "O": "object"}.get(array.dtype.kind, array.dtype.name)
    return TensorSpec(dtype, (-1, *array.shape[1:]) if array.ndim else (), name)


def _pandas_column(series: Any, name: Any) -> ColSpec:
    series = series.infer_objects() if series.dtype.kind == "O" else series
    text = f"column {name!r}"
    kind = _merged(series.tolist(), text) if series.dtype.kind == "O" else dtype_type(series.dtype, text)
    required = not (series.isna().any() if series.dtype.kind != "O" else not _is_complete(series))
    # As in MLflow, the names of numbered columns are numbers.
    return ColSpec(kind, name if name is None or isinstance(name, int) else str(name), bool(required))


def dtype_type(dtype: Any, what: str) -> DataType:
    """The type of a column of a NumPy or pandas dtype. Unsigned integers take the next larger signed type."""
    size = getattr(dtype, "itemsize", 0)
    match getattr(dtype, "kind", ""):
        case "b":
            return DataType.BOOLEAN
        case "i" if size <= 4:
            return DataType.INTEGER
        case "u" if size < 4:
            return DataType.INTEGER
        case "i" | "u" if size < 8 or dtype.kind == "i":
            return DataType.LONG
        case "f" if size <= 4:
            return DataType.FLOAT
        case "f" if size <= 8:
            return DataType.DOUBLE
        case "U":
            return DataType.STRING
        case "S":
            return DataType.BINARY
        case "M":
            return DataType.DATETIME
    raise InvalidParameter(f"{what} has the type {dtype}, for which signatures have no type: convert it first")


def _is_nothing(value: Any) -> bool:
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _is_complete(values: Iterable[Any]) -> bool:
    return not any(_is_nothing(value) for value in values)


def _value_type(value: Any) -> ColumnType:
    if _is_nothing(value) or (isinstance(value, (list, tuple, dict)) and not value):
        return Anything()
    if isinstance(value, dict):
        kinds = {str(key): _value_type(item) for key, item in value.items()}
        return Object(tuple(Property(key, kind, not isinstance(kind, Anything)) for key, kind in kinds.items()))
    if isinstance(value, (list, tuple)) or (kind_of(value) == "numpy" and value.ndim):
        return Array(_merged(value, "a list"))
    return _scalar_type(value)


def _scalar_type(value: Any) -> DataType:
    if hasattr(value, "dtype"):
        return dtype_type(value.dtype, f"the value {value!r}")
    kinds: tuple[tuple[type | tuple[type, ...], DataType], ...] = (
        (bool, DataType.BOOLEAN),
        (int, DataType.LONG),
        ((float, Decimal), DataType.DOUBLE),
        (str, DataType.STRING),
        ((bytes, bytearray), DataType.BINARY),
        ((datetime, date), DataType.DATETIME),
    )
    for types, kind in kinds:
        if isinstance(value, types):
            return kind
    raise InvalidParameter(f"signatures have no type for values of {type(value).__qualname__}: {value!r}")


def _merged(values: Iterable[Any], what: str) -> ColumnType:
    """The one type that all values have."""
    merged: ColumnType = Anything()
    for value in values:
        merged = _merge(merged, _value_type(value), what)
    return merged


def _merge(left: ColumnType, right: ColumnType, what: str) -> ColumnType:
    match left, right:
        case (Anything(), other) | (other, Anything()):
            return other
        case Array(one), Array(two):
            return Array(_merge(one, two, what))
        case Object(), Object():
            return _merge_objects(left, right, what)
    if left != right:
        raise InvalidParameter(f"{what} has values of more than one type, {_name(left)} and {_name(right)}")
    return left


def _merge_objects(left: Object, right: Object, what: str) -> Object:
    ones, twos = ({each.name: each for each in side.properties} for side in (left, right))
    properties = []
    for name in {**ones, **twos}:
        pair = [side[name] for side in (ones, twos) if name in side]
        kind = pair[0].type if len(pair) == 1 else _merge(pair[0].type, pair[1].type, f"{name!r} in {what}")
        properties.append(Property(name, kind, len(pair) == 2 and all(each.required for each in pair)))
    return Object(tuple(properties))


def _name(kind: ColumnType) -> str:
    return kind.value if isinstance(kind, DataType) else type(kind).__name__.lower()
