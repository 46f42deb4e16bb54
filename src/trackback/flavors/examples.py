"""Input examples: kept as MLflow keeps them, and as a body that its scoring protocol takes."""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors.frames import kind_of, to_pandas
from trackback.flavors.mlmodel import ExampleInfo, MLmodel, file_inside

FILE_NAME = "input_example.json"
SERVING_FILE_NAME = "serving_input_example.json"


@dataclass(frozen=True)
class InputExample:
    """``inputs`` as a model's ``predict`` takes them, and ``params`` where there are some."""

    inputs: Any
    params: dict[str, Any] | None = None

    @classmethod
    def of(cls, example: Any) -> "InputExample":
        """MLflow's rule: a pair whose second is a dict is inputs and params."""
        if isinstance(example, cls):
            return example
        if isinstance(example, tuple) and len(example) == 2 and isinstance(example[1], dict):
            return cls(example[0], example[1])
        return cls(example)


def write_example(example: InputExample, directory: Path) -> ExampleInfo:
    """InvalidParameter if the example can't be written as JSON."""
    kind, content, serving = _written(example.inputs)
    stored = {"inputs": content, "params": example.params} if example.params else content
    body = {**serving, "params": example.params} if example.params else serving
    try:
        (directory / FILE_NAME).write_text(json.dumps(stored, default=_plain), encoding="utf-8")
        (directory / SERVING_FILE_NAME).write_text(json.dumps(body, default=_plain, indent=2), encoding="utf-8")
    except (TypeError, ValueError) as error:
        raise InvalidParameter(f"the input example can't be written as JSON: {error}") from error
    orient = {"dataframe": "values" if "columns" not in content else "split"} if kind == "dataframe" else {}
    return ExampleInfo(
        artifact_path=FILE_NAME,
        type=kind,
        pandas_orient=orient.get("dataframe"),
        serving_input_path=SERVING_FILE_NAME,
        params="true" if example.params else None,
    )


def _written(inputs: Any) -> tuple[str, Any, dict[str, Any]]:
    """The type of an example, its content, and the body for the scoring protocol."""
    match kind_of(inputs):
        case "pandas" | "series" | "polars" | "arrow" | "spark":
            frame = to_pandas(inputs)
            rows = [[_plain_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
            split = {"columns": [_plain_cell(name) for name in frame.columns], "data": rows}
            numbered = list(frame.columns) == list(range(len(frame.columns)))
            return "dataframe", {"data": rows} if numbered else split, {"dataframe_split": split}
        case "numpy":
            return "ndarray", inputs.tolist(), {"inputs": inputs.tolist()}
        case "sparse":
            content = {name: getattr(inputs, name).tolist() for name in ("data", "indices", "indptr")}
            name = f"sparse_matrix_{type(inputs).__name__[:3]}"
            return name, {**content, "shape": list(inputs.shape)}, {"inputs": inputs.toarray().tolist()}
        case "dict" if inputs and all(kind_of(value) == "numpy" for value in inputs.values()):
            arrays = {name: value.tolist() for name, value in inputs.items()}
            return "ndarray", arrays, {"inputs": arrays}
        case _:
            return "json_object", inputs, {"inputs": inputs}


def _plain_cell(value: Any) -> Any:
    """Missing values as null; MLflow's dates have milliseconds."""
    if (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and math.isnan(value))
    ):
        return None
    return value


def _plain(value: Any) -> Any:
    """What json can't write by itself."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} is a {type(value).__qualname__}, which JSON has no form for")


def read_example(mlmodel: MLmodel, directory: Path) -> InputExample | None:
    """None if the model has none. InvalidModel if its file is missing or damaged."""
    info = mlmodel.saved_input_example_info
    if info is None:
        return None
    file = file_inside(directory, info.artifact_path, "saved_input_example_info.artifact_path")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        params = content["params"] if info.params == "true" else None
        return InputExample(_read(content["inputs"] if info.params == "true" else content, info), params)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidModel(
            f"{file} is not the input example that the model's MLmodel file promises: {error!r}"
        ) from error


def _read(content: Any, info: ExampleInfo) -> Any:
    match info.type:
        case "dataframe":
            return _read_frame(content)
        case "ndarray":
            return _arrays(content)
        case "sparse_matrix_csr" | "sparse_matrix_csc":
            import scipy.sparse

            build = getattr(scipy.sparse, info.type.removeprefix("sparse_matrix_") + "_matrix")
            return build((content["data"], content["indices"], content["indptr"]), shape=tuple(content["shape"]))
        case _:
            return content


def _read_frame(content: Any) -> Any:
    import pandas

    rows = content if isinstance(content, list) else content["data"]
    columns = content.get("columns") if isinstance(content, Mapping) else None
    return pandas.DataFrame(rows, columns=columns)


def _arrays(content: Any) -> Any:
    import numpy

    if isinstance(content, dict):
        return {name: numpy.asarray(value) for name, value in content.items()}
    return numpy.asarray(content)
