"""What is logged of a fit of Spark ML: params, data, model, and the candidates of a search."""

import csv
import io
from typing import Any

from trackback.autologging.calls import Call
from trackback.autologging.child_runs import Candidate, log_candidates
from trackback.autologging.descriptions import class_tags
from trackback.autologging.evaluations import evaluations
from trackback.autologging.examples import Example
from trackback.autologging.interface import Integration
from trackback.autologging.run_logger import TRAINING
from trackback.autologging.spark_example import SparkExample
from trackback.autologging.spark_params import Stages, is_search
from trackback.autologging.trainings import Training
from trackback.tracking.run import ActiveRun

# They hold a vector for each of the things that they were trained on.
LARGE_MODELS = ("ALSModel", "Word2VecModel", "DistributedLDAModel")


class SparkFit(Training):
    def __init__(self, integration: Integration, run: ActiveRun, call: Call) -> None:
        super().__init__(integration, run, call)
        params = call.get("params")
        self.estimator = call.args[0].copy(params) if params else call.args[0]
        self.data = call.get("dataset")
        self.stages = Stages(self.estimator)

    def begin(self) -> None:
        with self.part("params"):
            self.log.params(self.stages.params())
        with self.part("the class of the model"):
            self.log.tags(class_tags(self.estimator))
        with self.part("the estimators in it"):
            if len(self.stages.all) > 1:
                self.log.document(self._info(), "estimator_info.json")
        with self.part("training data"):
            self.log.dataset(self.data, TRAINING)

    def end(self, result: Any) -> None:
        model_id = None
        if is_search(self.estimator):
            Search(self, result).log_results()
        with self.part("the model"):
            model_id = self._log_model(result)
        evaluations.trained(result, self.integration, self.log.run, model_id)

    def _info(self) -> dict[str, Any]:
        info: dict[str, Any] = {"hierarchy": self.stages.hierarchy()}
        for stage in self.stages.all:
            if is_search(stage):
                tuned = stage.getEstimator()
                info[self.stages.names[stage.uid]] = {
                    "tuning_parameter_map_list": self.stages.candidates(stage),
                    "tuned_estimator_parameter_map": self.stages.params(tuned, f"{self.stages.names[tuned.uid]}."),
                }
        return info

    def _log_model(self, model: Any) -> str | None:
        if not self.log.settings.log_models:
            return None
        if large := [kind for kind in LARGE_MODELS if kind in {type(each).__name__ for each in _models_in(model)}]:
            self.failures.tell(f"a {large[0]}", "it may be very large; log_model logs it")
            return None
        best = getattr(model, "bestModel", None)
        info = self.log.model(model, self._example(model))
        if best is not None:
            self.log.model(best, self._example(best), "best_model", registers=False)
        return info.model_id

    def _example(self, model: Any) -> Example:
        return SparkExample(model, self.data, self.failures, with_rows=self.log.settings.log_input_examples)


class Search:
    """Of Spark: its candidates become runs below its own."""

    def __init__(self, fit: SparkFit, model: Any) -> None:
        self._fit = fit
        self._search = fit.estimator
        self._candidates = fit.stages.candidates(self._search)
        self._metrics = _metrics(self._search, model)

    def log_results(self) -> None:
        fit, search = self._fit, self._search
        with fit.part("the candidates"):
            log_candidates(fit, map(self._candidate, range(len(self._candidates))))
        with fit.part("the results of the search"):
            fit.log.text(self._table(), "search_results.csv")
        with fit.part("the best params"):
            first = next(iter(self._metrics.values()))
            choose = max if search.getEvaluator().isLargerBetter() else min
            best = self._candidates[first.index(choose(first))]
            fit.log.document(best, "best_parameters.json")
            fit.log.params({f"best_{name}": value for name, value in best.items()})

    def _candidate(self, place: int) -> Candidate:
        estimator = self._search.getEstimator().copy(self._search.getEstimatorParamMaps()[place])
        metrics = {name: values[place] for name, values in self._metrics.items()}
        return Candidate(class_tags(estimator), self._fit.stages.params(estimator), metrics)

    def _table(self) -> str:
        names = sorted({name for each in self._candidates for name in each})
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["params", *self._metrics, *(f"param.{name}" for name in names)])
        for place, each in enumerate(self._candidates):
            metrics = [values[place] for values in self._metrics.values()]
            writer.writerow([each, *metrics, *(each.get(name, "") for name in names)])
        return text.getvalue()


def _metrics(search: Any, model: Any) -> dict[str, list[float]]:
    """Of each candidate, by MLflow's names: over all folds, or on the one part that was held out."""
    name = search.getEvaluator().getMetricName()
    if hasattr(model, "avgMetrics"):
        spread = {f"std_{name}": list(model.stdMetrics)} if getattr(model, "stdMetrics", None) else {}
        return {f"avg_{name}": list(model.avgMetrics), **spread}
    return {name: list(model.validationMetrics)}


def _models_in(model: Any) -> list[Any]:
    inner = [*getattr(model, "stages", ()), *filter(None, [getattr(model, "bestModel", None)])]
    return [model, *(each for one in inner for each in _models_in(one))]
