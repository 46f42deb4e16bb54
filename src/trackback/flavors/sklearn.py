"""scikit-learn: skops files where all types in them are known to be harmless, pickles otherwise."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors import pickles, skops_files
from trackback.flavors.examples import InputExample
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.libraries import missing
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.trust import Trust

SKOPS, CLOUDPICKLE = "skops", "cloudpickle"
FILES = {SKOPS: "model.skops", CLOUDPICKLE: "model.pkl"}
PREDICT_FUNCTIONS = ("predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba", "transform")


class SklearnFlavor(Flavor):
    """Options of ``save``: ``serialization_format``, "skops" or "cloudpickle" (which MLflow 2 needs), by default skops
    where it can; ``predict_fn``, the method that MLflow's ``predict`` and ours call.
    """

    name = "sklearn"
    packages = ("sklearn",)
    distribution = "scikit-learn"

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        import sklearn

        chosen = take_options(self.name, options, serialization_format=None, predict_fn="predict")
        predict_fn = chosen["predict_fn"]
        if predict_fn not in PREDICT_FUNCTIONS:
            raise InvalidParameter(f"predict_fn is one of {', '.join(PREDICT_FUNCTIONS)}, not {predict_fn!r}")
        kind, types, modules = save_object(model, directory, chosen["serialization_format"])
        return Saved(
            settings={
                "pickled_model": FILES[kind],
                "sklearn_version": sklearn.__version__,
                "serialization_format": kind,
                "skops_trusted_types": types or None,
                "code": None,
            },
            python_function=(
                python_function("mlflow.sklearn", model_path=FILES[kind], predict_fn=predict_fn)
                if hasattr(model, predict_fn)
                else None
            ),
            modules=modules | {"sklearn"},
        )

    def params(self, model: Any) -> Mapping[str, object]:
        return estimator_params(model)

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        try:
            import sklearn  # noqa: F401
        except ImportError as error:
            raise missing(self.distribution, error) from error
        file = file_inside(directory, settings.get("pickled_model") or settings.get("model_path"), "pickled_model")
        return load_object(file, str(settings.get("serialization_format") or "pickle"), trust)

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        function = str(settings.get("predict_fn") or "predict")
        if function not in PREDICT_FUNCTIONS or not hasattr(model, function):
            raise InvalidModel(f"a {type(model).__name__} has no method {function} that predictions could come from")
        return getattr(model, function)(data, **params)


def estimator_params(model: Any) -> Mapping[str, object]:
    """Those of an object with scikit-learn's interface, and of what is inside of it."""
    return dict(model.get_params()) if hasattr(model, "get_params") else {}


def save_object(model: Any, directory: Path, kind: str | None) -> tuple[str, list[str], frozenset[str]]:
    """Write an object with scikit-learn's interface; the format it took, the types that skops has to be told to trust,
    and the modules it imports.
    """
    if kind not in (None, SKOPS, CLOUDPICKLE):
        raise InvalidParameter(f"serialization_format is {SKOPS} or {CLOUDPICKLE}, not {kind!r}")
    if kind != CLOUDPICKLE:
        written = skops_files.dump(model, directory / FILES[SKOPS], required=kind == SKOPS)
        if written is not None:
            return SKOPS, written, frozenset(pickles.imported_modules(model) | {"skops"})
    return CLOUDPICKLE, [], pickles.dump(model, directory / FILES[CLOUDPICKLE])


def load_object(file: Path, kind: str, trust: Trust) -> Any:
    match kind:
        case "skops":
            return skops_files.load(file, trust)
        case "pickle" | "cloudpickle":
            return pickles.load(file, trust)
    raise InvalidModel(f"{file} has the format {kind!r}, and here are read: skops, pickle, cloudpickle")
