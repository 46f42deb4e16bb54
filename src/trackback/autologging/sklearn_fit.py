"""What is logged of a fit of scikit-learn: params, data, model, metrics of training, and candidates of a search."""

import copy
from typing import Any

from trackback.autologging.calls import Call
from trackback.autologging.descriptions import class_tags, texts
from trackback.autologging.evaluations import evaluations
from trackback.autologging.examples import Example
from trackback.autologging.interface import Integration
from trackback.autologging.run_logger import TRAINING
from trackback.autologging.sklearn_metrics import log_training_metrics
from trackback.autologging.sklearn_search import Search, is_search
from trackback.autologging.trainings import Training
from trackback.flavors import recognise
from trackback.tracking.run import ActiveRun

COPYING = ("copy", "copy_X", "copy_x", "copy_Xy")
"""Params that let a fit overwrite its data, if they are False."""

_HTML = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8"/>
  </head>
  <body>
    {}
  </body>
</html>
"""


class SklearnFit(Training):
    def __init__(self, integration: Integration, run: ActiveRun, call: Call) -> None:
        super().__init__(integration, run, call)
        self.estimator = call.args[0]
        self.is_search = is_search(self.estimator)
        first, second = [*call.names[1:3], "", ""][:2]
        self.data, self.targets = call.get(first), call.get(second)
        self.weights = call.get("sample_weight")
        self.example = Example(None, self.failures)

    def begin(self) -> None:
        with self.part("params"):
            self.log.params(self.params())
        with self.part("the class of the model"):
            self.log.tags(class_tags(self.estimator))
        with self.part("training data"):
            self.log.dataset(self.data, TRAINING, targets=self.targets)
        if self.log.settings.log_models:
            self.example = Example(self.data, self.failures, _predict)
        if any(self.params().get(name) is False for name in COPYING):
            self.data = copy.deepcopy(self.data)

    def params(self) -> dict[str, Any]:
        """Those of all estimators in it; of a search, not those of the one that it varies."""
        params: dict[str, Any] = self.estimator.get_params(deep=not self.is_search)
        return params

    def end(self, result: Any) -> None:
        model_id = None
        with self.part("the model"):
            model_id = self.log_model()
        with self.part("metrics of training"):
            log_training_metrics(self.log, self.part, self.estimator, self.data, self.targets, self.weights, model_id)
        with self.part("the diagram of the estimator"):
            self.log.text(_HTML.format(_diagram(self.estimator)), "estimator.html")
        if self.is_search and hasattr(self.estimator, "cv_results_"):
            Search(self).log_results(model_id)
        evaluations.trained(self.estimator, self.integration, self.log.run, model_id)

    def log_model(self) -> str | None:
        if not self.log.settings.log_models:
            return None
        best = {f"best_{key}": value for key, value in getattr(self.estimator, "best_params_", {}).items()}
        options = self.options(self.estimator)
        return self.log.model(self.estimator, self.example, params=texts(self.params() | best), **options).model_id

    def options(self, model: Any) -> dict[str, Any]:
        """Of the flavor that saves a model."""
        wanted = getattr(self.integration.settings, "serialization_format", None)
        return {"serialization_format": wanted} if wanted and recognise(model) == "sklearn" else {}


def _predict(model: Any, rows: Any) -> Any:
    return model.predict(rows) if hasattr(model, "predict") else model.transform(rows)


def _diagram(estimator: Any) -> str:
    from sklearn.utils import estimator_html_repr  # noqa: PLC0415 - whoever fits has it

    return str(estimator_html_repr(estimator))
