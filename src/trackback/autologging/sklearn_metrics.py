"""Metrics of a model on the data that it was trained on, by MLflow's names, and pictures of them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from inspect import signature
from math import sqrt
from typing import Any

from trackback.autologging.plots import can_plot, log_classifier_plots
from trackback.autologging.run_logger import RunLogger

PREFIX = "training_"

Part = Callable[[str], AbstractContextManager[None]]


def log_training_metrics(
    log: RunLogger, part: Part, estimator: Any, data: Any, targets: Any, weights: Any, model_id: str | None
) -> None:
    """Those for classifiers or regressors, and what ``score`` says. Nothing without targets."""
    if targets is None:
        return
    judge = _Judge(estimator, data, targets, weights, getattr(log.settings, "pos_label", None))
    for name, compute in judge.metrics().items():
        with part(f"the metric {PREFIX}{name}"):
            log.metrics({f"{PREFIX}{name}": compute()}, model_id=model_id)
    if judge.is_classifier and can_plot():
        with part("plots of the training data"):
            log_classifier_plots(log, part, estimator, data, targets, weights, PREFIX)


class _Judge:
    """Predicts once, when the first metric asks for it."""

    def __init__(self, estimator: Any, data: Any, targets: Any, weights: Any, pos_label: Any) -> None:
        from sklearn.base import is_classifier, is_regressor  # noqa: PLC0415 - whoever fits has it

        self._estimator = estimator
        self._data = data
        self._targets = targets
        self._weights = weights
        self._pos_label = pos_label
        self._predicted: dict[str, Any] = {}
        self.is_classifier = is_classifier(estimator)
        self._is_regressor = is_regressor(estimator)

    def metrics(self) -> Mapping[str, Callable[[], float]]:
        found: dict[str, Callable[[], float]] = {}
        if self.is_classifier:
            found |= self._of_classifier()
        elif self._is_regressor:
            found |= self._of_regressor()
        if hasattr(self._estimator, "score"):
            found["score"] = self._score
        return found

    def _of_classifier(self) -> Mapping[str, Callable[[], float]]:
        from sklearn import metrics  # noqa: PLC0415

        average = {"average": "weighted"} if self._pos_label is None else {"pos_label": self._pos_label}
        averaged = {**average, "zero_division": 0}  # what they take anyway, and warn of
        found: dict[str, Callable[[], float]] = {
            "precision_score": lambda: self._of(metrics.precision_score, **averaged),
            "recall_score": lambda: self._of(metrics.recall_score, **averaged),
            "f1_score": lambda: self._of(metrics.f1_score, **averaged),
            "accuracy_score": lambda: self._of(metrics.accuracy_score),
        }
        if hasattr(self._estimator, "predict_proba"):
            found["log_loss"] = lambda: self._of(metrics.log_loss, "predict_proba")
            found["roc_auc"] = lambda: self._roc_auc(metrics.roc_auc_score)
        return found

    def _of_regressor(self) -> Mapping[str, Callable[[], float]]:
        from sklearn import metrics  # noqa: PLC0415

        return {
            "mean_squared_error": lambda: self._of(metrics.mean_squared_error),
            "mean_absolute_error": lambda: self._of(metrics.mean_absolute_error),
            "r2_score": lambda: self._of(metrics.r2_score),
            "root_mean_squared_error": lambda: sqrt(self._of(metrics.mean_squared_error)),
        }

    def _of(self, function: Callable[..., Any], method: str = "predict", **options: Any) -> float:
        return float(function(self._targets, self._prediction(method), sample_weight=self._weights, **options))

    def _roc_auc(self, function: Callable[..., Any]) -> float:
        scores = self._prediction("predict_proba")
        scores = scores[:, 1] if len(scores[0]) == 2 else scores
        options = {"average": "weighted", "multi_class": "ovo"}
        return float(function(self._targets, scores, sample_weight=self._weights, **options))

    def _score(self) -> float:
        weighted = "sample_weight" in signature(self._estimator.score).parameters
        options = {"sample_weight": self._weights} if weighted else {}
        return float(self._estimator.score(self._data, self._targets, **options))

    def _prediction(self, method: str) -> Any:
        if method not in self._predicted:
            self._predicted[method] = getattr(self._estimator, method)(self._data)
        return self._predicted[method]
