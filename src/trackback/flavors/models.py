"""Saving models of any library to a directory, and loading them from one."""

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from trackback.errors import AlreadyExists, InvalidModel
from trackback.flavors.enforcement import enforce_inputs
from trackback.flavors.environment import write_environment
from trackback.flavors.examples import InputExample, write_example
from trackback.flavors.frames import kind_of, to_pandas
from trackback.flavors.inference import infer_params, infer_schema
from trackback.flavors.interface import Flavor, Saved
from trackback.flavors.mlmodel import FILE_NAME, PYTHON_FUNCTION, MLmodel, read_mlmodel, write_mlmodel
from trackback.flavors.predictor import Predictor
from trackback.flavors.requirements import infer_requirements, merge
from trackback.flavors.schema import Schema
from trackback.flavors.signature import ModelSignature
from trackback.flavors.table import flavor_named, flavors, recognise
from trackback.flavors.trust import EVERYTHING, NOTHING, Trust
from trackback.limits import LOGGED_MODEL_KEY_LENGTH, PARAM_VALUE_LENGTH, escaped

log = logging.getLogger(__name__)


def save_model(
    model: Any,
    path: Path,
    *,
    flavor: str | None = None,
    signature: ModelSignature | Literal[False] | None = None,
    input_example: Any = None,
    requirements: Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    **options: Any,
) -> MLmodel:
    """Write a model into a new directory, which is there as a whole or not at all; what its MLmodel file says.

    ``flavor``: the library, recognised from the model if not given. ``signature``: inferred from ``input_example``, and
    the model's predictions for it, if not given; False for none. ``input_example``: data as ``predict`` takes it, or a
    pair of that and a dict of params. ``requirements``: as pip takes them, beside the inferred ones or instead of those
    for the same package. ``metadata``: anything that YAML can hold. ``options``: the flavor's own, in
    docs/reference/models.md.

    Raises AlreadyExists if ``path`` is there and not empty; InvalidParameter if the model is of no known kind or can't
    be written, which names the part that can't; MissingLibrary if the flavor's library is not installed.
    """
    chosen = flavor_named(flavor or recognise(model))
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise AlreadyExists(f"{path} is there already: a model is saved into a new directory")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    unfinished.chmod(0o755)
    try:
        example = None if input_example is None else InputExample.of(input_example)
        saved = chosen.save(model, unfinished, options, example)
        mlmodel = _described(chosen, saved, metadata)
        if example is not None:
            mlmodel.saved_input_example_info = write_example(example, unfinished)
            if signature is None:
                signature = _infer_signature(chosen, model, example, saved, unfinished)
        mlmodel.signature = signature.to_text() if signature else None
        mlmodel.model_size_bytes = sum(file.stat().st_size for file in unfinished.rglob("*") if file.is_file())
        modules = saved.modules | (
            {"pandas"} if signature and signature.inputs and not signature.inputs.is_tensor else set()
        )
        write_environment(merge(infer_requirements(modules), requirements or ()), unfinished)
        write_mlmodel(mlmodel, unfinished)
        unfinished.replace(path)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return mlmodel


def own_params(model: Any, flavor: str | None = None) -> dict[str, str]:
    """What the library itself knows of how a model is made, as a logged model has it; nothing where it can't say."""
    chosen = flavor_named(flavor or recognise(model))
    try:
        found = chosen.params(model)
        return {
            name: escaped(str(value))[:PARAM_VALUE_LENGTH]
            for name, value in found.items()
            if len(name) <= LOGGED_MODEL_KEY_LENGTH
        }
    except Exception as error:  # noqa: BLE001 - a model may raise anything, and is worth having without its params
        log.warning("the params of the %s are not known: %r", type(model).__name__, error)
        return {}


def _described(flavor: Flavor, saved: Saved, metadata: dict[str, Any] | None) -> MLmodel:
    settings = {flavor.name: saved.settings} if saved.settings else {}
    if saved.python_function is not None:
        settings[PYTHON_FUNCTION] = saved.python_function
    return MLmodel(flavors=settings, metadata=metadata)


def _infer_signature(
    flavor: Flavor, model: Any, example: InputExample, saved: Saved, directory: Path
) -> ModelSignature:
    """Inputs and params from the example; outputs from what the model predicts for it, if it can."""
    inputs = infer_schema(example.inputs)
    params = infer_params(example.params) if example.params else None
    settings = {**(saved.python_function or {}), **saved.settings}
    try:
        ready = flavor.load(directory, settings, EVERYTHING) if flavor.predicts_when_loaded else model
        predictions = flavor.predict(ready, enforce_inputs(example.inputs, inputs), example.params or {}, settings)
        outputs = infer_schema(_like(predictions, inputs))
    except Exception as error:  # noqa: BLE001 - a model may raise anything, and a signature of its inputs is worth having
        log.warning("the model can't predict its input example, so its signature has no outputs: %r", error)
        outputs = None
    return ModelSignature(inputs, outputs, params)


def _like(predictions: Any, inputs: Schema) -> Any:
    """For tables, a plain array of predictions is a column, as MLflow has it."""
    is_column = kind_of(predictions) == "numpy" and predictions.ndim == 1 and not inputs.is_tensor
    return (
        predictions.tolist()
        if is_column and predictions.dtype.kind == "O"
        else (to_pandas(predictions).iloc[:, 0].rename(None) if is_column else predictions)
    )


def load_model(path: Path, *, trust: Trust = NOTHING) -> Any:
    """The native model that a directory holds. ``trust`` says which files that can run code may be loaded.

    Raises NotFound if there is no model; InvalidModel if it is damaged, incomplete or of no known flavor;
    UntrustedModel, which names the file and its digest, if it may not be loaded; MissingLibrary.
    """
    return load_predictor(path, trust=trust).model


def load_predictor(path: Path, *, trust: Trust = NOTHING) -> Predictor:
    """The model that a directory holds, behind a uniform ``predict``. Arguments and errors as of ``load_model``."""
    path = Path(path)
    mlmodel = read_mlmodel(path)
    flavor, settings = _flavor_of(mlmodel, path)
    return Predictor(flavor.load(path, settings, trust), flavor, settings, mlmodel, path)


def _flavor_of(mlmodel: MLmodel, path: Path) -> tuple[Flavor, Mapping[str, Any]]:
    """The flavor to load a model with, and its settings: those of MLflow's uniform ``predict`` and its own."""
    for name, settings in mlmodel.flavors.items():
        if name != PYTHON_FUNCTION and name in flavors():
            return flavors()[name], {**mlmodel.python_function, **settings}
    others = sorted(set(mlmodel.flavors) - {PYTHON_FUNCTION})
    if not others and mlmodel.python_function:
        return flavor_named("python"), mlmodel.python_function
    raise InvalidModel(
        f"the model in {path} is of flavor {', '.join(others) or 'none'}, which nothing here can load "
        f"(there are: {', '.join(sorted(flavors()))}; MLflow {mlmodel.mlflow_version} wrote its {FILE_NAME} file): "
        "load it with MLflow, or install a package that registers the flavor"
    )
