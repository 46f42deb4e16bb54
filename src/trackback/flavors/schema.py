"""Schemas of what models take and return, and their JSON: MLflow's, as its MLmodel files have it.

A schema has either columns, for tables, or tensors, for arrays, never both.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trackback.errors import InvalidModel


class DataType(StrEnum):
    """``integer`` and ``long`` have 32 and 64 bits, ``float`` and ``double`` too."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"
    BINARY = "binary"
    DATETIME = "datetime"


@dataclass(frozen=True)
class Anything:
    """A type that the data did not tell: all values were None, or lists were empty."""


@dataclass(frozen=True)
class SparkVector:
    """A vector of Spark ML's."""


@dataclass(frozen=True)
class Array:
    items: "ColumnType"


@dataclass(frozen=True)
class MapOf:
    """Any keys, with values of one type."""

    values: "ColumnType"


@dataclass(frozen=True)
class Property:
    name: str
    type: "ColumnType"
    required: bool = True


@dataclass(frozen=True)
class Object:
    """Known keys, each with its type, in the order of their names."""

    properties: tuple[Property, ...]


ColumnType = DataType | Array | Object | MapOf | Anything | SparkVector


@dataclass(frozen=True)
class ColSpec:
    """A column. One without a name is known by its position. One that is not required may be missing, or have gaps."""

    type: ColumnType
    name: str | int | None = None
    required: bool = True


@dataclass(frozen=True)
class TensorSpec:
    """An array: ``dtype`` as NumPy names it, ``shape`` with -1 for any length."""

    dtype: str
    shape: tuple[int, ...]
    name: str | None = None


@dataclass(frozen=True)
class ParamSpec:
    """A parameter of predictions, with the value it has where none is given. ``is_list``: it takes a list of them."""

    name: str
    type: ColumnType
    default: Any
    is_list: bool = False


@dataclass(frozen=True)
class Schema:
    specs: tuple[ColSpec, ...] | tuple[TensorSpec, ...]

    @property
    def is_tensor(self) -> bool:
        return any(isinstance(spec, TensorSpec) for spec in self.specs)

    @property
    def columns(self) -> tuple[ColSpec, ...]:
        return tuple(spec for spec in self.specs if isinstance(spec, ColSpec))

    @property
    def tensors(self) -> tuple[TensorSpec, ...]:
        return tuple(spec for spec in self.specs if isinstance(spec, TensorSpec))

    @property
    def names(self) -> list[str | int] | None:
        """The names in order; None where they have none."""
        names = [spec.name for spec in self.specs if spec.name is not None]
        return names if names and len(names) == len(self.specs) else None

    def __iter__(self) -> Iterator[ColSpec | TensorSpec]:
        return iter(self.specs)

    def __len__(self) -> int:
        return len(self.specs)

    def to_json(self) -> str:
        return json.dumps([_spec_to_builtins(spec) for spec in self.specs])

    @classmethod
    def from_json(cls, text: str) -> "Schema":
        """InvalidModel if it is not a schema as MLflow writes it."""
        try:
            specs = [_spec_from_builtins(item) for item in json.loads(text)]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidModel(f"the model's signature is not a schema: {text[:200]!r} ({error!r})") from error
        columns = tuple(spec for spec in specs if isinstance(spec, ColSpec))
        tensors = tuple(spec for spec in specs if isinstance(spec, TensorSpec))
        if columns and tensors:
            raise InvalidModel(f"the model's signature mixes columns and tensors: {text[:200]!r}")
        return cls(tensors or columns)


def params_to_json(params: tuple[ParamSpec, ...]) -> str:
    return json.dumps([_param_to_builtins(param) for param in params])


def params_from_json(text: str) -> tuple[ParamSpec, ...]:
    try:
        return tuple(_param_from_builtins(item) for item in json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidModel(f"the signature's params can't be read: {text[:200]!r} ({error!r})") from error


def type_to_builtins(kind: ColumnType) -> dict[str, Any]:
    match kind:
        case DataType():
            return {"type": kind.value}
        case Array(items):
            return {"type": "array", "items": type_to_builtins(items)}
        case MapOf(values):
            return {"type": "map", "values": type_to_builtins(values)}
        case Object(properties):
            return {
                "type": "object",
                "properties": {
                    each.name: {**type_to_builtins(each.type), "required": each.required}
                    for each in sorted(properties, key=lambda each: each.name)
                },
            }
        case SparkVector():
            return {"type": "sparkml_vector"}
        case Anything():
            return {"type": "any"}


def _type_from_builtins(item: Mapping[str, Any]) -> ColumnType:
    match item["type"]:
        case "array":
            return Array(_type_from_builtins(item["items"]))
        case "map":
            return MapOf(_type_from_builtins(item["values"]))
        case "object":
            return Object(
                tuple(
                    Property(name, _type_from_builtins(each), each.get("required", True))
                    for name, each in item["properties"].items()
                )
            )
        case "sparkml_vector":
            return SparkVector()
        case "any":
            return Anything()
        case name:
            return DataType(name)


def _spec_to_builtins(spec: ColSpec | TensorSpec) -> dict[str, Any]:
    name = {} if spec.name is None else {"name": spec.name}
    if isinstance(spec, TensorSpec):
        return {**name, "type": "tensor", "tensor-spec": {"dtype": spec.dtype, "shape": list(spec.shape)}}
    return {**type_to_builtins(spec.type), **name, "required": spec.required}


def _spec_from_builtins(item: Mapping[str, Any]) -> ColSpec | TensorSpec:
    name = item.get("name")
    if item["type"] == "tensor":
        tensor = item["tensor-spec"]
        return TensorSpec(
            str(tensor["dtype"]), tuple(int(length) for length in tensor["shape"]), name if name is None else str(name)
        )
    # Before MLflow 2.10, `optional` said what `required` says now.
    return ColSpec(_type_from_builtins(item), name, bool(item.get("required", not item.get("optional", False))))


def _param_to_builtins(param: ParamSpec) -> dict[str, Any]:
    default = (
        param.default.isoformat() if param.type is DataType.DATETIME and param.default is not None else param.default
    )
    return {
        "name": param.name,
        "default": default,
        "shape": [-1] if param.is_list else None,
        **type_to_builtins(param.type),
    }


def _param_from_builtins(item: Mapping[str, Any]) -> ParamSpec:
    return ParamSpec(str(item["name"]), _type_from_builtins(item), item.get("default"), item.get("shape") is not None)


def type_name(kind: ColumnType) -> str:
    return kind.value if isinstance(kind, DataType) else type(kind).__name__.lower()


def quoted(names: list[Any]) -> str:
    """Columns as messages name them, ten at most."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"column{'s' if len(names) > 1 else ''} {', '.join(repr(name) for name in names[:10])}{more}"
