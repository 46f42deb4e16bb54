"""Arrays held against a model's signature."""

from typing import Any

from trackback.errors import InvalidParameter
from trackback.flavors.frames import kind_of, to_pandas
from trackback.flavors.schema import Schema, TensorSpec, quoted


def enforce_tensors(data: Any, schema: Schema) -> Any:
    names = schema.names
    if names is None:
        return _enforce_tensor(_as_array(data, schema.tensors[0]), schema.tensors[0])
    if kind_of(data) == "numpy" and len(names) == 1:
        data = {names[0]: data}
    if kind_of(data) in ("pandas", "polars", "arrow"):
        frame = to_pandas(data)
        data = {name: frame[name].tolist() for name in frame.columns}
    if not isinstance(data, dict):
        raise InvalidParameter(
            f"the model takes arrays by name ({', '.join(map(str, names))}), not a {type(data).__name__}"
        )
    if gone := [name for name in names if name not in data]:
        raise InvalidParameter(f"the model needs {quoted(gone)}, which the data does not have")
    return {str(spec.name): _enforce_tensor(_as_array(data[spec.name], spec), spec) for spec in schema.tensors}


def _as_array(data: Any, spec: TensorSpec) -> Any:
    import numpy

    match kind_of(data):
        case "numpy" | "sparse":
            return data
        case "pandas" | "polars" | "arrow":
            return to_pandas(data).to_numpy()
        case "series":
            return data.to_numpy()
    try:
        # Plain Python values have no dtype of their own, so they take the model's.
        return numpy.asarray(data, dtype=None if spec.dtype == "object" else spec.dtype)
    except (ValueError, TypeError) as error:
        raise InvalidParameter(f"{_input(spec)} can't be made an array of {spec.dtype}: {error}") from error


def _input(spec: TensorSpec) -> str:
    return "the input" if spec.name is None else f"input {spec.name!r}"


def _enforce_tensor(array: Any, spec: TensorSpec) -> Any:
    import numpy

    found, wanted = array.dtype, numpy.dtype({"str": "U", "bytes": "S"}.get(spec.dtype, spec.dtype))
    if found.kind != wanted.kind or (found.kind not in "USO" and found != wanted):
        raise InvalidParameter(
            f"{_input(spec)} has the type {found.name}, and the model takes {spec.dtype}: convert it"
        )
    fits = len(array.shape) == len(spec.shape) and all(
        want in (-1, have) for have, want in zip(array.shape, spec.shape, strict=True)
    )
    if not fits:
        raise InvalidParameter(
            f"{_input(spec)} has the shape {tuple(array.shape)}, the model takes {spec.shape}, where -1 is any length"
        )
    return array
