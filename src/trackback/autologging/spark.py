"""Spark ML: ``fit`` of its estimators, and what evaluators say of their models."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from trackback.autologging.evaluations import evaluations
from trackback.autologging.failures import Failures
from trackback.autologging.interface import Integration
from trackback.autologging.patches import Patches, Replacement
from trackback.autologging.scopes import Quietly, quiet, scope
from trackback.autologging.settings import Settings
from trackback.autologging.spark_fit import SparkFit
from trackback.autologging.spark_params import own_params
from trackback.autologging.trainings import logged_by

# What prepares data is not logged by itself, only as a part of a pipeline. As in MLflow.
PREPARING = "pyspark.ml.feature"


@dataclass(frozen=True, kw_only=True)
class SparkSettings(Settings):
    """log_post_training_metrics: log what evaluators say of a model's predictions after it was trained."""

    log_post_training_metrics: bool = True


class SparkIntegration(Integration):
    name = "spark"
    tag = "pyspark.ml"  # MLflow's
    modules = ("pyspark.ml",)
    kind_of_settings = SparkSettings

    def patch(self, module: ModuleType, patches: Patches) -> None:
        match module.__name__:
            case "pyspark.ml.base":
                patches.method(module.Estimator, "fit", partial(_fit, self, logged_by(self, SparkFit)))
                patches.method(module.Transformer, "transform", _transform)
            case "pyspark.ml.evaluation":
                patches.method(module.Evaluator, "evaluate", _evaluate)
            case "pyspark.ml.tuning" | "pyspark.ml.classification":
                patches.imported_function(module, "inheritable_thread_target", _hand_to_threads)


def _fit(
    integration: Integration, logged: Replacement, original: Callable[..., Any], self: Any, /, *args: Any, **kwargs: Any
) -> Any:
    params = kwargs.get("params", args[1] if len(args) > 1 else None)
    if type(self).__module__.startswith(PREPARING):
        return original(self, *args, **kwargs)
    if isinstance(params, list | tuple):
        if integration.is_on and scope() is None:
            Failures(integration.name, integration.settings.silent).tell(
                "a fit with a list of params", "it makes many models; call fit with each of them"
            )
        return original(self, *args, **kwargs)
    return logged(original, self, *args, **kwargs)


def _transform(original: Callable[..., Any], self: Any, /, *args: Any, **kwargs: Any) -> Any:
    if scope() is not None or not evaluations.watches(self):
        return original(self, *args, **kwargs)
    with quiet():
        transformed = original(self, *args, **kwargs)
    evaluations.predicted(self, kwargs.get("dataset", args[0] if args else None), transformed)
    return transformed


def _evaluate(original: Callable[..., Any], self: Any, /, *args: Any, **kwargs: Any) -> Any:
    if scope() is not None or not evaluations.has_predictions:
        return original(self, *args, **kwargs)
    with quiet():
        value = original(self, *args, **kwargs)
    params = kwargs.get("params", args[1] if len(args) > 1 else None)
    evaluator = self.copy(params) if params else self
    if hasattr(evaluator, "getMetricName"):
        kind = type(evaluator)
        evaluations.measured(
            evaluator.getMetricName(),
            value,
            [*args, *kwargs.values()],
            lambda: {
                "evaluator_class": f"{kind.__module__}.{kind.__name__}",
                "params": {name: str(value) for name, value in own_params(evaluator).items()},
            },
        )
    return value


def _hand_to_threads(original: Callable[..., Any], f: Any = None, /) -> Any:
    """Fits that a search or OneVsRest hands to threads are part of it there."""
    made = original(f)
    if scope() is None or not callable(made):
        return made
    return (lambda function: Quietly(made(function))) if not callable(f) else Quietly(made)
