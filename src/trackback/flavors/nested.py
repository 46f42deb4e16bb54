"""Values of columns that hold lists or objects, and params: checked one by one against their types."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from trackback.errors import InvalidParameter
from trackback.flavors.frames import kind_of
from trackback.flavors.schema import (
    Anything,
    Array,
    ColumnType,
    DataType,
    MapOf,
    Object,
    ParamSpec,
    Schema,
    SparkVector,
    type_name,
)


def enforce_value(value: Any, kind: ColumnType, path: str, required: bool = True) -> Any:
    """One value of a column of lists or objects; ``path`` leads to it."""
    if value is None:
        if required and not isinstance(kind, Anything):
            raise InvalidParameter(f"column {path} has no value, and the model needs one")
        return None
    match kind:
        case DataType():
            return _enforce_scalar(value, kind, path)
        case Array(items) if kind_of(value) in ("list", "numpy"):
            checked = [enforce_value(item, items, f"{path}[{i}]", required) for i, item in enumerate(value)]
            return type(value)(checked) if isinstance(value, (list, tuple)) else _numpy_array(checked)
        case MapOf(values) if isinstance(value, dict):
            return {key: enforce_value(item, values, f"{path}[{key!r}]", required) for key, item in value.items()}
        case Object() if isinstance(value, dict):
            return _enforce_object(value, kind, path)
        case Anything() | SparkVector():
            return value
    raise InvalidParameter(f"column {path} has a {type(value).__name__}, and the model takes {type_name(kind)}")


def _numpy_array(values: list[Any]) -> Any:
    import numpy

    return numpy.array(values)


def _enforce_object(value: dict[str, Any], kind: Object, path: str) -> dict[str, Any]:
    known = {each.name: each for each in kind.properties}
    if unknown := sorted(set(value) - set(known)):
        raise InvalidParameter(f"column {path} has {unknown[0]!r}, which the model does not know")
    if gone := sorted(name for name, each in known.items() if each.required and name not in value):
        raise InvalidParameter(f"column {path} lacks {gone[0]!r}, which the model needs")
    return {
        name: enforce_value(item, known[name].type, f"{path}[{name!r}]", known[name].required)
        for name, item in value.items()
    }


_VALUES: dict[DataType, Any] = {
    DataType.BOOLEAN: (bool,),
    DataType.INTEGER: (int,),
    DataType.LONG: (int,),
    DataType.FLOAT: (float, int),
    DataType.DOUBLE: (float, int),
    DataType.STRING: (str,),
    DataType.BINARY: (bytes, bytearray),
    DataType.DATETIME: (datetime, date, str),
}


def _enforce_scalar(value: Any, kind: DataType, path: str) -> Any:
    plain: Any = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if not isinstance(plain, _VALUES[kind]) or isinstance(plain, bool) != (kind is DataType.BOOLEAN):
        raise InvalidParameter(
            f"column {path} has {value!r}, a {type(value).__name__}, and the model takes {kind.value}"
        )
    if kind is DataType.INTEGER and not -(2**31) <= plain < 2**31:
        raise InvalidParameter(f"column {path} has {plain}, which is no 32-bit integer")
    return float(plain) if kind in (DataType.FLOAT, DataType.DOUBLE) else plain


def enforce_list(data: Any, schema: Schema) -> list[Any]:
    """Data for a function with type hints, which takes a list of what its one column without a name has."""
    if kind_of(data) not in ("list", "series"):
        raise InvalidParameter(f"the model takes a list, as its type hints say, not a {type(data).__name__}")
    kinds = [spec.type for spec in schema.columns]
    return [enforce_value(item, kinds[0], f"[{i}]") if kinds else item for i, item in enumerate(list(data))]


def enforce_params(params: Mapping[str, Any] | None, specs: tuple[ParamSpec, ...] | None) -> dict[str, Any]:
    """``params`` over the signature's defaults. InvalidParameter for one that it does not have, or of a wrong type."""
    given = dict(params or {})
    known = {spec.name: spec for spec in specs or ()}
    if unknown := sorted(set(given) - set(known)):
        raise InvalidParameter(
            f"the model has no param {unknown[0]!r}; its signature has: {', '.join(sorted(known)) or 'none'}"
        )
    return {name: _enforce_param(given[name], spec) if name in given else spec.default for name, spec in known.items()}


def _enforce_param(value: Any, spec: ParamSpec) -> Any:
    where = f"(param) {spec.name!r}"
    if not isinstance(spec.type, DataType):
        return enforce_value(value, spec.type, where)
    if spec.is_list:
        if kind_of(value) not in ("list", "numpy"):
            raise InvalidParameter(f"param {spec.name!r} takes a list of {spec.type.value}, not {value!r}")
        return [enforce_value(item, spec.type, where) for item in value]
    return enforce_value(value, spec.type, where)
