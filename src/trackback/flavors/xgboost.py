"""XGBoost: its Booster, and its classes with scikit-learn's interface."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors.examples import InputExample
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.libraries import needs, reading, writing
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.sklearn import estimator_params
from trackback.flavors.trust import Trust

FORMATS = ("ubj", "json")


class XGBoostFlavor(Flavor):
    """Option of ``save``: ``model_format``, "ubj" or "json", which anybody can read."""

    name = "xgboost"
    packages = ("xgboost",)
    distribution = "xgboost"

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        with needs(self.distribution):
            import xgboost
        chosen = take_options(self.name, options, model_format="ubj")
        if chosen["model_format"] not in FORMATS:
            raise InvalidParameter(f"model_format is one of {', '.join(FORMATS)}, not {chosen['model_format']!r}")
        file = f"model.{chosen['model_format']}"
        with writing(model):
            model.save_model(directory / file)
        return Saved(
            settings={
                "data": file,
                "xgb_version": xgboost.__version__,
                "model_class": _class_name(model),
                "model_format": chosen["model_format"],
                "code": None,
            },
            python_function=python_function("mlflow.xgboost", data=file),
            modules=frozenset({"xgboost"} | ({"sklearn"} if _class_name(model) != BOOSTER else set())),
        )

    def params(self, model: Any) -> Mapping[str, object]:
        if hasattr(model, "get_params"):
            return estimator_params(model)
        learner = json.loads(model.save_config())["learner"]
        trees = learner["gradient_booster"].get("tree_train_param", {})
        return {**learner["learner_train_param"], **trees, "num_boosted_rounds": model.num_boosted_rounds()}

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        with needs(self.distribution):
            import xgboost
        file = file_inside(directory, settings.get("data"), "data")
        name = str(settings.get("model_class") or BOOSTER)
        package, _, attribute = name.rpartition(".")
        kind = getattr(xgboost, attribute, None)
        # The file may name any class; only XGBoost's own are made.
        if package.partition(".")[0] != "xgboost" or not isinstance(kind, type) or not hasattr(kind, "load_model"):
            raise InvalidModel(f"the model in {directory} is of the class {name!r}, which XGBoost has no model of")
        with reading(file):
            model = kind()
            model.load_model(file)
        return model

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        import xgboost

        if isinstance(model, xgboost.Booster):
            return model.predict(xgboost.DMatrix(data), **params)
        return model.predict(data, **params)


BOOSTER = "xgboost.core.Booster"


def _class_name(model: object) -> str:
    """XGBoost's class, also for one that derives from it."""
    kind = next(each for each in type(model).__mro__ if each.__module__.partition(".")[0] == "xgboost")
    return f"{kind.__module__}.{kind.__qualname__}"
