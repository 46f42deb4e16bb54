"""PyTorch: modules as pickles, as MLflow of all versions reads them, or as exported programs."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors import pickles
from trackback.flavors.examples import InputExample
from trackback.flavors.frames import kind_of
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.libraries import needs, reading, writing
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.trust import Trust

DATA = "data"
PICKLE, EXPORT = "model.pth", "model.pt2"
PICKLE_MODULE = "pickle_module_info.txt"


class PyTorchFlavor(Flavor):
    """Option of ``save``: ``serialization_format``, "pickle" (the default) or "pt2", a program that torch.export makes
    from the model and its input example. Both take trust to load.

    Tables and arrays of other types than the model's first parameter are converted to that type before a prediction.
    """

    name = "pytorch"
    packages = ("torch",)
    distribution = "torch"

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        with needs(self.distribution):
            import torch
        chosen = take_options(self.name, options, serialization_format="pickle")
        if not isinstance(model, torch.nn.Module):
            raise InvalidParameter(f"a {type(model).__qualname__} is no torch.nn.Module, which this flavor saves")
        (directory / DATA).mkdir()
        match chosen["serialization_format"]:
            case "pickle":
                modules = _save_pickle(model, directory / DATA)
            case "pt2":
                modules = _export(model, directory / DATA / EXPORT, example)
            case other:
                raise InvalidParameter(f"serialization_format is pickle or pt2, not {other!r}")
        return Saved(
            settings={"model_data": DATA, "pytorch_version": str(torch.__version__), "code": None},
            python_function=python_function("mlflow.pytorch", data=DATA),
            modules=modules | {"torch", "numpy"},
        )

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        with needs(self.distribution):
            import torch
        folder = file_inside(directory, settings.get("model_data"), "model_data")
        exported, pickled = folder / EXPORT, folder / PICKLE
        if exported.exists() and not pickled.exists():
            # torch.export.load unpickles the example inputs, and loads compiled code if there is some.
            content = trust.read(exported, "an exported program with pickles in it")
            with reading(exported):
                return torch.export.load(io.BytesIO(content)).module()
        file = folder if folder.is_file() else pickled
        if not file.exists():
            raise InvalidModel(f"{folder} has neither {PICKLE} nor {EXPORT}: the model is incomplete")
        content = trust.read(file, "a pickle")
        with reading(file):
            model = torch.load(io.BytesIO(content), weights_only=False, map_location="cpu")
        return model.eval()

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        import torch

        parameter = next(iter(model.parameters()), None)
        with torch.no_grad():
            output = model(_tensors(data, parameter), **params)
        predicted = output.detach().cpu().numpy() if hasattr(output, "detach") else output
        if kind_of(data) != "pandas":
            return predicted
        import pandas

        return pandas.DataFrame(predicted, index=data.index)


def _save_pickle(model: Any, folder: Path) -> frozenset[str]:
    import torch

    with pickles.by_value(model) as (pickler, modules):
        # torch takes the Pickler of a module; what it writes, the pickle module of Python itself can load.
        pickling = ModuleType("pickling")
        pickling.__dict__.update(Pickler=pickler, dumps=pickle.dumps)
        torch.save(model, folder / PICKLE, pickle_module=pickling)
    (folder / PICKLE_MODULE).write_text("pickle", encoding="utf-8")
    return modules


def _export(model: Any, file: Path, example: InputExample | None) -> frozenset[str]:
    import torch

    if example is None:
        raise InvalidParameter("to export a model (pt2) takes an input_example, from which torch.export traces it")
    tensor = _tensors(example.inputs, next(iter(model.parameters()), None))
    if tensor.shape[0] < 2:
        raise InvalidParameter("to export a model (pt2) takes an input_example of two rows or more")
    with writing(model):
        program = torch.export.export(model.eval(), (tensor,), dynamic_shapes=({0: torch.export.Dim.AUTO},))
        torch.export.save(program, file)
    return frozenset({"torch"})


def _tensors(data: Any, parameter: Any) -> Any:
    """Arrays as tensors of the type, and on the device, of the model's first parameter; integers stay what they are."""
    import numpy
    import torch

    if isinstance(data, dict):
        return {name: _tensors(value, parameter) for name, value in data.items()}
    if isinstance(data, torch.Tensor):
        return data
    tensor = torch.from_numpy(numpy.array(data.to_numpy() if kind_of(data) == "pandas" else data))
    if parameter is None:
        return tensor
    of_table = kind_of(data) == "pandas" or tensor.is_floating_point()
    return tensor.to(parameter.device, parameter.dtype) if of_table else tensor.to(parameter.device)
