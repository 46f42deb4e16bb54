"""Any Python function, and any object with ``predict``; and what MLflow calls a PythonModel."""

import atexit
import importlib
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter, TrackbackError
from trackback.flavors import mlflow_stand_in, pickles
from trackback.flavors.examples import InputExample
from trackback.flavors.frames import kind_of
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.mlflow_loaders import CODE, copy_loader
from trackback.flavors.mlflow_loaders.trackback_python_model import PythonModelAdapter, accepted
from trackback.flavors.mlflow_stand_in import (
    NeedsMlflow,
    PythonModel,
    PythonModelContext,
    StandIn,
    is_missing,
    no_stand_in,
    stand_in,
)
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.trust import Trust

FILE = "python_model.pkl"
LOADER = "trackback_python_model"
MLFLOW_LOADER = "mlflow.pyfunc.model"


@dataclass(frozen=True)
class WithContext:
    """A PythonModel, and the context that its ``predict`` is called with."""

    model: Any
    context: PythonModelContext


class PythonFlavor(Flavor):
    """Options of ``save``: ``artifacts``, files or folders by name, that a PythonModel finds in its context;
    ``model_config``, settings that it finds there.
    """

    name = "python"
    packages = ("mlflow",)
    distribution = "cloudpickle"
    predicts_when_loaded = True

    def recognises(self, model: object) -> bool:
        return _is_python_model(model)

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        chosen = take_options(self.name, options, artifacts=None, model_config=None)
        modules = pickles.dump(model, directory / FILE)
        if _is_python_model(model):
            return _save_python_model(directory, modules, chosen["artifacts"] or {}, chosen["model_config"])
        if chosen["artifacts"] or chosen["model_config"]:
            raise InvalidParameter("artifacts and model_config are for objects of classes that derive from PythonModel")
        copy_loader(LOADER, directory)
        return Saved(
            settings={"data": FILE, "cloudpickle_version": _cloudpickle_version(), "takes": _form(example)},
            python_function=python_function(LOADER, data=FILE, code=CODE),
            modules=modules,
        )

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        with stand_in() as handed_over:
            if "takes" in settings:
                model = pickles.load(file_inside(directory, settings.get("data"), "data"), trust)
                return PythonModelAdapter(model, str(settings["takes"]))
            if settings.get("code"):
                import_code(file_inside(directory, settings["code"], "code"), trust)
            if settings.get("model_code_path"):
                model = _run_code(directory, settings, trust, handed_over)
            elif settings.get("loader_module") != MLFLOW_LOADER:
                return _load_by_module(directory, settings, trust)
            else:
                model = pickles.load(file_inside(directory, settings.get("python_model"), "python_model"), trust)
            return _in_context(model, directory, settings)

    def native(self, loaded: Any) -> Any:
        if isinstance(loaded, WithContext) and isinstance(loaded.model, mlflow_stand_in.FunctionPythonModel):
            return loaded.model.func
        return loaded.model if isinstance(loaded, (WithContext, PythonModelAdapter)) else loaded

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        if isinstance(model, WithContext):
            return mlflow_stand_in.predict(model.model, model.context, data, dict(params))
        if _is_python_model(model):
            return mlflow_stand_in.predict(model, PythonModelContext({}, settings.get("config")), data, dict(params))
        if isinstance(model, PythonModelAdapter):
            return model.predict(data, dict(params))
        if "takes" in settings:
            return PythonModelAdapter(model, settings["takes"]).predict(data, dict(params))
        return model.predict(data, **accepted(model.predict, dict(params)))


def _is_python_model(model: object) -> bool:
    return isinstance(model, PythonModel) or any(
        kind.__name__ == "PythonModel" and kind.__module__ == MLFLOW_LOADER for kind in type(model).__mro__
    )


def _form(example: InputExample | None) -> str:
    """See PythonModelAdapter."""
    if example is None:
        return "table"
    inputs = example.inputs
    match kind_of(inputs):
        case "list":
            return "records" if inputs and all(isinstance(item, dict) for item in inputs) else "list"
        case "dict":
            return "table" if all(kind_of(value) == "numpy" for value in inputs.values()) else "dict"
        case "other":
            return "value"
    return "table"


def _cloudpickle_version() -> str:
    import cloudpickle

    return str(cloudpickle.__version__)


def _save_python_model(
    directory: Path, modules: frozenset[str], artifacts: Mapping[str, Any], config: Mapping[str, Any] | None
) -> Saved:
    """As MLflow saves one: its settings are all under python_function."""
    settings: dict[str, Any] = {
        "python_model": FILE,
        "cloudpickle_version": _cloudpickle_version(),
        "code": None,
        "streamable": False,
    }
    if artifacts:
        settings["artifacts"] = {name: _copy_artifact(name, Path(file), directory) for name, file in artifacts.items()}
    if config:
        settings["config"] = dict(config)
    return Saved(settings={}, python_function=python_function(MLFLOW_LOADER, **settings), modules=modules)


def _copy_artifact(name: str, source: Path, directory: Path) -> dict[str, str]:
    target = directory / "artifacts" / source.name
    if not source.exists():
        raise InvalidParameter(f"there is no {source}, which is to be the artifact {name!r}")
    if target.exists():
        raise InvalidParameter(f"two artifacts are named {source.name}; {name!r} needs another file name")
    target.parent.mkdir(exist_ok=True)
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return {"path": f"artifacts/{source.name}", "uri": str(source)}


def _in_context(model: Any, directory: Path, settings: Mapping[str, Any]) -> Any:
    """The model, ready to predict; MLflow gives it its files first."""
    if callable(model) and not hasattr(model, "predict"):
        return PythonModelAdapter(model, "table")
    artifacts = {
        name: str(file_inside(directory, info.get("path"), f"artifacts.{name}"))
        for name, info in (settings.get("artifacts") or {}).items()
    }
    context = PythonModelContext(artifacts, settings.get("config"))
    try:
        model.load_context(context)
    except TrackbackError:
        raise
    except Exception as error:  # the model's own code may raise anything
        raise InvalidModel(f"the model in {directory} fails in its load_context: {error!r}") from error
    return WithContext(model, context)


def _run_code(directory: Path, settings: Mapping[str, Any], trust: Trust, handed_over: list[Any]) -> Any:
    """A model that is code: it makes the model, and hands it over by mlflow.models.set_model."""
    file = file_inside(directory, Path(str(settings["model_code_path"])).name, "model_code_path")
    content = trust.read(file, "code")
    names: dict[str, Any] = {"__name__": f"trackback_model_{abs(hash(file))}", "__file__": str(file)}
    try:
        exec(compile(content, str(file), "exec"), names)
    except TrackbackError:
        raise
    except ImportError as error:
        raise (no_stand_in(error) if is_missing(error) else InvalidModel(f"{file} can't be run: {error}")) from error
    except Exception as error:  # the model's own code may raise anything
        raise InvalidModel(f"{file} fails: {error!r}") from error
    model = handed_over[-1] if handed_over else _set_in_mlflow()
    if model is None:
        raise InvalidModel(f"{file} makes no model: it never calls mlflow.models.set_model")
    return model


def _set_in_mlflow() -> Any:
    """What the code handed to MLflow itself, where that is installed."""
    module = sys.modules.get("mlflow.models.model")
    return getattr(module, "__mlflow_model__", None) or getattr(
        sys.modules.get("mlflow.models"), "__mlflow_model__", None
    )


def _load_by_module(directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
    """A model with a loader of its own, which may do anything with its files: all are to be trusted."""
    name = str(settings.get("loader_module"))
    trust.read_all(directory, f"part of a model that its own code, {name}, loads")
    if name.partition(".")[0] == "mlflow" and isinstance(sys.modules.get("mlflow"), StandIn):
        raise NeedsMlflow(f"the model in {directory} is loaded by {name}, which is MLflow's: pip install mlflow")
    data = settings.get("data") or settings.get("model_path")
    path = file_inside(directory, data, "data") if data else directory
    try:
        return importlib.import_module(name)._load_pyfunc(str(path))
    except TrackbackError:
        raise
    except Exception as error:  # the loader may raise anything
        raise InvalidModel(f"the model in {directory} can't be loaded by its module {name}: {error!r}") from error


def import_code(directory: Path, trust: Trust) -> None:
    """Let the modules that a model brings along be imported, from a copy of the bytes that were looked at."""
    copy = Path(tempfile.mkdtemp(prefix="trackback-code-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for file in sorted(directory.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            target = copy / file.relative_to(directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(trust.read(file, "code that the model brings along"))
    sys.path.insert(0, str(copy))
