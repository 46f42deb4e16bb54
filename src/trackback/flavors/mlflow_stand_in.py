"""Stand-ins for the few names of MLflow that models in its Python format refer to, for where MLflow is not installed.

They are there only while a model is loaded. Where MLflow is installed, it is used instead.
"""

import importlib.util
import inspect
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

from trackback.errors import NotImplementedHere


class PythonModel:
    """Base of models that prepare themselves by ``load_context`` and predict with files of theirs at hand; MLflow's
    class of that name. A model that derives from this one is saved as one that derives from MLflow's.
    """

    def load_context(self, context: "PythonModelContext") -> None:
        """Called once, after loading."""

    def predict(self, context: "PythonModelContext", model_input: Any, params: dict[str, Any] | None = None) -> Any:
        raise NotImplementedError


class PythonModelContext:
    """``artifacts``: paths of the model's files by name. ``model_config``: its settings."""

    def __init__(self, artifacts: dict[str, str], model_config: dict[str, Any] | None = None) -> None:
        self.artifacts = artifacts
        self.model_config = model_config


class FunctionPythonModel(PythonModel):
    """What MLflow makes of a function."""

    func: Any
    signature: Any

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:  # type: ignore[override]
        return self.func(model_input)


class FuncInfo(NamedTuple):
    input_type_hint: Any
    input_param_name: str


class MlflowException(Exception):
    """MLflow's error, for models that raise it."""

    def __init__(self, message: object = "", *details: Any, **more: Any) -> None:
        super().__init__(message)
        self.message = str(message)

    @classmethod
    def invalid_parameter_value(cls, message: str, **more: Any) -> "MlflowException":
        return cls(message)


class Opaque:
    """What a model carries along and its predictions do not use, such as its own signature."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self.__dict__.update(named)
        self.values = values

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state if isinstance(state, dict) else {"state": state})


def validate_model_input(args: tuple[Any, ...], kwargs: dict[str, Any], index: int, hint: Any, name: str) -> Any:
    """Data for a function with type hints: dicts become the pydantic objects that the hint names."""
    item: Any = next(iter(getattr(hint, "__args__", ())), None)
    if hasattr(item, "model_validate"):
        if name in kwargs:
            kwargs = {**kwargs, name: [item.model_validate(each) for each in kwargs[name]]}
        elif len(args) > index:
            converted = [item.model_validate(each) for each in args[index]]
            args = (*args[:index], converted, *args[index + 1 :])
    return args, kwargs


_DOCUMENTED: dict[str, dict[str, Any]] = {
    "mlflow": {"__version__": "0", "MlflowException": MlflowException},
    "mlflow.exceptions": {"MlflowException": MlflowException},
    "mlflow.models": {},
    "mlflow.models.signature": {},
    "mlflow.pyfunc": {"PythonModel": PythonModel, "PythonModelContext": PythonModelContext},
    "mlflow.pyfunc.model": {
        "PythonModel": PythonModel,
        "PythonModelContext": PythonModelContext,
        "_FunctionPythonModel": FunctionPythonModel,
    },
    "mlflow.pyfunc.utils": {"pyfunc": lambda function: function},
    "mlflow.pyfunc.utils.data_validation": {"FuncInfo": FuncInfo, "_validate_model_input": validate_model_input},
    "mlflow.types": {},
    "mlflow.types.schema": {},
}
# Models carry objects of these modules, but hardly ever call them.
_OPAQUE = ("mlflow.models.signature", "mlflow.types", "mlflow.types.schema")

_lock = threading.RLock()


class StandIn(ModuleType):
    """A module of MLflow's with a few names; any other is refused by name."""

    def __getattr__(self, name: str) -> Any:
        if self.__name__ in _OPAQUE and not name.startswith("__"):
            return type(name, (Opaque,), {"__module__": self.__name__})
        if name.startswith("__"):
            raise AttributeError(name)
        raise NeedsMlflow(
            f"the model uses {self.__name__}.{name}, for which trackback has no stand-in: pip install mlflow"
        )


class NeedsMlflow(NotImplementedHere, AttributeError):
    """A model uses a part of MLflow that only MLflow has."""


def is_missing(error: ImportError) -> bool:
    """Whether an import failed for a module of MLflow's."""
    return (error.name or "").partition(".")[0] == "mlflow"


def no_stand_in(error: ImportError) -> NeedsMlflow:
    return NeedsMlflow(f"the model needs {error.name}, for which trackback has no stand-in: pip install mlflow")


@contextmanager
def stand_in() -> Iterator[list[Any]]:
    """While it lasts, ``mlflow`` can be imported. Gives a list that gets what the model's code hands to ``set_model``,
    which stays empty where MLflow itself is installed.
    """
    with _lock:
        handed_over: list[Any] = []
        if sys.modules.get("mlflow") is not None or importlib.util.find_spec("mlflow") is not None:
            yield handed_over
            return
        modules = {name: StandIn(name) for name in _DOCUMENTED}
        for name, module in modules.items():
            module.__dict__.update(_DOCUMENTED[name], __path__=[])
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(modules[parent], child, module)
        modules["mlflow.models"].__dict__["set_model"] = handed_over.append
        sys.modules.update(modules)
        try:
            yield handed_over
        finally:
            for name in modules:
                sys.modules.pop(name, None)


def predict(model: Any, context: PythonModelContext, data: Any, params: dict[str, Any]) -> Any:
    """Predictions of a PythonModel, with as much of context and params as its ``predict`` takes."""
    known = inspect.signature(model.predict).parameters
    more = {"params": params} if "params" in known else {}
    takes_context = "context" in known or len([name for name in known if name != "params"]) > 1
    return model.predict(context, data, **more) if takes_context else model.predict(data, **more)
