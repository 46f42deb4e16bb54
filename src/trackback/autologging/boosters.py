"""What XGBoost and LightGBM have in common: rounds of training, each with metrics, and trees that say what counts.

``train`` is where they train, and where params, metrics and importances are logged. Their classes with scikit-learn's
interface call it too; they are logged as models themselves, once they are fitted.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from trackback.autologging.calls import Call
from trackback.autologging.descriptions import texts
from trackback.autologging.evaluations import evaluations
from trackback.autologging.examples import Example
from trackback.autologging.interface import Integration
from trackback.autologging.plots import log_importances
from trackback.autologging.run_logger import EVALUATION, TRAINING
from trackback.autologging.sklearn_fit import SklearnFit
from trackback.autologging.trainings import Training
from trackback.tracking.run import ActiveRun


class Rounds:
    """The metrics of each round, logged as they come."""

    def __init__(self, training: "BoosterTraining") -> None:
        self._training = training
        self.metrics: list[dict[str, float]] = []

    def add(self, metrics: Mapping[str, float], number: int) -> None:
        with self._training.part("metrics of a round"):
            named = {key.replace("@", "_at_"): float(value) for key, value in metrics.items()}  # as MLflow does
            self._training.log.metrics(named, step=number)
            self.metrics.append(named)


class BoosterTraining(Training):
    """A call of ``train``."""

    training_data: ClassVar[str]
    """The name of the argument that has it."""
    unlogged: ClassVar[frozenset[str]]
    """Arguments that are no params."""

    def __init__(self, integration: Integration, run: ActiveRun, call: Call) -> None:
        super().__init__(integration, run, call)
        self._logs_model = integration.settings.log_models and not call.is_part
        self.rounds = Rounds(self)
        self.example = Example(None, self.failures)

    def begin(self) -> None:
        with self.part("params"):
            self.log.params(self.call.get("params") or {})
            self.log.params(self.arguments())
        data = self.call.get(self.training_data)
        with self.part("training data"):
            self._log_data(data, TRAINING)
        for name, each in self.evaluation_data().items():
            if each is not data:
                with self.part(f"the data set {name}"):
                    self._log_data(each, EVALUATION, name)
        if self._logs_model:
            self.example = Example(self.rows(data), self.failures, self.predict)
        with self.part("metrics of rounds"):
            self.call.put("callbacks", [*(self.call.get("callbacks") or ()), self.callback()])

    def arguments(self) -> dict[str, Any]:
        return {name: value for name, value in self.call.all().items() if name not in self.unlogged}

    def end(self, result: Any) -> None:
        model_id = None
        with self.part("the model"):
            if self._logs_model:
                info = self.log.model(result, self.example, params=texts(self.arguments()), **self.options())
                model_id = info.model_id
        with self.part("the best round"):
            self._log_best_round(result)
        with self.part("whose the metrics are"):
            self.log.link(model_id)
        for kind, importances in self.importances(result).items():
            with self.part(f"the importance of features by {kind}"):
                log_importances(self.log, kind, importances)

    def _log_data(self, data: Any, context: str, name: str | None = None) -> None:
        features, targets = self.content(data)
        if features is not None:
            self.log.dataset(features, context, targets=targets, name=name)

    def _log_best_round(self, booster: Any) -> None:
        """As one round more, by MLflow's rule."""
        best = self.best_round(booster)
        if best is not None and best < len(self.rounds.metrics):
            count = len(self.rounds.metrics)
            self.log.metrics(self.stopped_at(booster, count))
            self.log.metrics(self.rounds.metrics[best], step=count)

    def options(self) -> dict[str, Any]:
        """Of the flavor."""
        return {}

    @abstractmethod
    def callback(self) -> Any:
        """What the library calls after each round; it tells ``rounds``."""

    @abstractmethod
    def content(self, data: Any) -> tuple[Any, Any]:
        """Features and targets of a data set of the library; None where it does not have them any more."""

    @abstractmethod
    def rows(self, data: Any) -> Any:
        """Features of a data set as the booster takes them, of the first rows at least; None if they can't be had."""

    @abstractmethod
    def evaluation_data(self) -> dict[str, Any]:
        """The data sets that each round is evaluated on, by name."""

    @abstractmethod
    def predict(self, booster: Any, rows: Any) -> Any: ...

    @abstractmethod
    def best_round(self, booster: Any) -> int | None:
        """The place of the best round among all, if training stopped for want of better ones."""

    @abstractmethod
    def stopped_at(self, booster: Any, count: int) -> dict[str, float]:
        """When it stopped after ``count`` rounds, and which was the best, as MLflow counts them."""

    @abstractmethod
    def importances(self, booster: Any) -> dict[str, dict[str, Any]]:
        """How much each feature counts, by the ways to measure it."""


class BoosterFit(SklearnFit):
    """A fit of a class with scikit-learn's interface, whose ``train`` logs all but the model."""

    def begin(self) -> None:
        self.example = Example(self.data, self.failures)

    def end(self, result: Any) -> None:
        model_id = None
        with self.part("the model"):
            model_id = self.log_model()
        with self.part("whose the metrics are"):
            self.log.link(model_id)
        evaluations.trained(self.estimator, self.integration, self.log.run, model_id)
