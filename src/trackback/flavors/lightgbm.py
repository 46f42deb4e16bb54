"""LightGBM: its Booster as text, its classes with scikit-learn's interface as skops files or pickles."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trackback.flavors.examples import InputExample
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.libraries import needs, reading, writing
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.sklearn import FILES, estimator_params, load_object, save_object
from trackback.flavors.trust import Trust

BOOSTER = "lightgbm.basic.Booster"
BOOSTER_FILE = "model.lgb"


class LightGBMFlavor(Flavor):
    """Option of ``save``: ``serialization_format`` as of scikit-learn, for its classes with that interface."""

    name = "lightgbm"
    packages = ("lightgbm",)
    distribution = "lightgbm"

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        with needs(self.distribution):
            import lightgbm
        chosen = take_options(self.name, options, serialization_format=None)
        settings = {"lgb_version": lightgbm.__version__, "code": None}
        if isinstance(model, lightgbm.Booster):
            with writing(model):
                model.save_model(directory / BOOSTER_FILE)
            settings |= {"data": BOOSTER_FILE, "model_class": BOOSTER}
            modules = frozenset({"lightgbm"})
        else:
            kind, types, modules = save_object(model, directory, chosen["serialization_format"])
            settings |= {
                "data": FILES[kind],
                "model_class": f"{type(model).__module__}.{type(model).__qualname__}",
                "serialization_format": kind,
                "skops_trusted_types": types or None,
            }
        return Saved(
            settings=settings,
            python_function=python_function("mlflow.lightgbm", data=settings["data"]),
            modules=modules | {"lightgbm"},
        )

    def params(self, model: Any) -> Mapping[str, object]:
        if hasattr(model, "get_params"):
            return estimator_params(model)
        return {**model.params, "num_trees": model.num_trees()}

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        with needs(self.distribution):
            import lightgbm
        file = file_inside(directory, settings.get("data"), "data")
        if (settings.get("model_class") or BOOSTER) != BOOSTER:
            return load_object(file, str(settings.get("serialization_format") or "cloudpickle"), trust)
        with reading(file):
            return lightgbm.Booster(model_file=file)

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        return model.predict(data, **params)
