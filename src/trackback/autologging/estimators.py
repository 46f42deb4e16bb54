"""Classes with scikit-learn's interface, of any library: where they are trained, and what they are used for after."""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from trackback.autologging.evaluations import evaluations
from trackback.autologging.metric_calls import command_of
from trackback.autologging.patches import Patches, Replacement
from trackback.autologging.scopes import quiet, scope

FITTING = ("fit", "fit_transform", "fit_predict")
PREDICTING = ("predict", "predict_proba", "predict_log_proba", "transform")


def patch_estimator(kind: type, patches: Patches, logged: Replacement | None, *, inherited: bool = False) -> None:
    """Watch what a class defines; ``logged`` is what its fits are replaced with, if they are logged.

    inherited: how it predicts and scores, also where its bases define that.
    """
    if logged is not None:
        for name in FITTING:
            patches.method(kind, name, logged)
    for name in PREDICTING:
        patches.method(kind, name, _predict, inherited=inherited)
    patches.method(kind, "score", _score, inherited=inherited)


def patch_metrics(module: ModuleType, patches: Patches) -> None:
    """Watch the functions of ``sklearn.metrics``, which ``module`` is."""
    for name in module.__all__:
        each = vars(module)[name]
        if inspect.isfunction(each):
            patches.function(sys.modules[each.__module__], each.__name__, _measure)


def _predict(original: Callable[..., Any], self: Any, /, *args: Any, **kwargs: Any) -> Any:
    if scope() is not None or not evaluations.watches(self):
        return original(self, *args, **kwargs)
    with quiet():
        prediction = original(self, *args, **kwargs)
    evaluations.predicted(self, _first(args, kwargs), prediction)
    return prediction


def _score(original: Callable[..., Any], self: Any, /, *args: Any, **kwargs: Any) -> Any:
    if scope() is not None or not evaluations.watches(self):
        return original(self, *args, **kwargs)
    with quiet():
        score = original(self, *args, **kwargs)
    name = type(self).__name__
    command = partial(command_of, f"{name}.{original.__name__}", original, (self, *args), kwargs, skipped=1)
    evaluations.scored(self, f"{name}_score", score, _first(args, kwargs), command)
    return score


def _measure(original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    if scope() is not None or not evaluations.has_predictions:
        return original(*args, **kwargs)
    with quiet():
        value = original(*args, **kwargs)
    name = original.__name__
    evaluations.measured(name, value, [*args, *kwargs.values()], partial(command_of, name, original, args, kwargs))
    return value


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else next(iter(kwargs.values()), None)
