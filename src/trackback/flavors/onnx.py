"""ONNX: a graph of operations, run by ONNX Runtime."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackback.errors import InvalidParameter
from trackback.flavors.examples import InputExample
from trackback.flavors.frames import kind_of
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.libraries import needs, reading, writing
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.trust import Trust

FILE = "model.onnx"
CPU = "CPUExecutionProvider"

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}


@dataclass(frozen=True)
class Ready:
    """A graph, and the session that runs it."""

    graph: Any
    session: Any


class OnnxFlavor(Flavor):
    """Option of ``save``: ``providers``, those of ONNX Runtime to run on where they are, in order of preference.

    Predictions are a dict of the graph's outputs by name; a table where the data is one and each output has one value
    a row.
    """

    name = "onnx"
    packages = ("onnx",)
    distribution = "onnx"
    predicts_when_loaded = True

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        with needs(self.distribution):
            import onnx
        chosen = take_options(self.name, options, providers=(CPU,))
        with writing(model):
            onnx.checker.check_model(model)
            onnx.save_model(model, directory / FILE)
        return Saved(
            settings={
                "data": FILE,
                "onnx_version": onnx.__version__,
                "providers": list(chosen["providers"]),
                "onnx_session_options": None,
                "code": None,
            },
            python_function=python_function("mlflow.onnx", data=FILE),
            modules=frozenset({"onnx", "onnxruntime", "numpy"}),
        )

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        with needs(self.distribution):
            import onnx
        with needs("onnxruntime"):
            import onnxruntime
        file = file_inside(directory, settings.get("data"), "data")
        known = onnxruntime.get_available_providers()
        providers = [name for name in settings.get("providers") or () if name in known] or [CPU]
        with reading(file):
            graph = onnx.load(file)
            return Ready(graph, onnxruntime.InferenceSession(file, providers=providers))

    def native(self, loaded: Any) -> Any:
        return loaded.graph

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        feeds = _feeds(model.session.get_inputs(), data)
        outputs = dict(
            zip([each.name for each in model.session.get_outputs()], model.session.run(None, feeds), strict=True)
        )
        return _table(outputs, data) if kind_of(data) == "pandas" else outputs


def _feeds(inputs: list[Any], data: Any) -> dict[str, Any]:
    import numpy

    if len(inputs) == 1 and not isinstance(data, dict):
        data = {inputs[0].name: data.to_numpy() if kind_of(data) == "pandas" else numpy.asarray(data)}
    elif kind_of(data) == "pandas":
        data = {name: data[[name]].to_numpy() for name in data.columns}
    if not isinstance(data, dict) or {each.name for each in inputs} - set(data):
        raise InvalidParameter(f"the model takes arrays by name: {', '.join(each.name for each in inputs)}")
    return {each.name: numpy.asarray(data[each.name], dtype=_DTYPES.get(each.type)) for each in inputs}


def _table(outputs: Mapping[str, Any], data: Any) -> Any:
    """Outputs as columns, where each has a value a row."""
    import numpy
    import pandas

    columns = {}
    for name, output in outputs.items():
        is_column = isinstance(output, numpy.ndarray) and (output.ndim == 1 or output.size == len(output))
        columns[name] = output.ravel() if is_column else list(output)
    return pandas.DataFrame(columns, index=data.index)
