"""scikit-learn: every estimator of its own, in the module that defines it, once that is imported."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from trackback.autologging.estimators import patch_estimator, patch_metrics
from trackback.autologging.interface import Integration
from trackback.autologging.patches import Patches, Replacement
from trackback.autologging.scopes import call_quietly, run_tasks
from trackback.autologging.settings import Settings
from trackback.autologging.sklearn_fit import SklearnFit
from trackback.autologging.trainings import logged_by
from trackback.errors import InvalidParameter

# What prepares data is not logged by itself, only as a part of a pipeline. As in MLflow.
PREPARING = (
    "sklearn.preprocessing",
    "sklearn.impute",
    "sklearn.feature_extraction",
    "sklearn.feature_selection",
    "sklearn.compose._column_transformer",
)
CROSS_VALIDATING = (
    "cross_validate",
    "cross_val_predict",
    "cross_val_score",
    "learning_curve",
    "permutation_test_score",
    "validation_curve",
)


@dataclass(frozen=True, kw_only=True)
class SklearnSettings(Settings):
    """max_tuning_runs: how many of a search's candidates become runs, the best first; None for all.
    log_post_training_metrics: log what ``score`` and the functions of ``sklearn.metrics`` say of a model after it was
        trained.
    serialization_format: ``skops`` or ``cloudpickle``; by default skops where it can.
    pos_label: the label that counts as positive in the metrics of a classifier of two; else they are weighted means.
    """

    max_tuning_runs: int | None = 5
    log_post_training_metrics: bool = True
    serialization_format: str | None = None
    pos_label: Any = None

    def __post_init__(self) -> None:
        if self.max_tuning_runs is not None and self.max_tuning_runs < 0:
            raise InvalidParameter(f"max_tuning_runs is a number from 0, or None for all, not {self.max_tuning_runs}")


class SklearnIntegration(Integration):
    name = "sklearn"
    modules = ("sklearn",)
    kind_of_settings = SklearnSettings
    settings: SklearnSettings

    def patch(self, module: ModuleType, patches: Patches) -> None:
        match module.__name__.split("."):
            case ["sklearn", "utils", "parallel"]:
                patches.method(module.joblib.Parallel, "__call__", run_tasks)
            case ["sklearn", "model_selection", _]:
                for name in CROSS_VALIDATING:
                    if _defines(module, vars(module).get(name)):
                        patches.function(module, name, call_quietly)
            case ["sklearn", "metrics"]:
                patch_metrics(module, patches)
        logged = partial(_fit, logged_by(self, SklearnFit))
        for each in list(vars(module).values()):
            if isinstance(each, type) and _defines(module, each) and _is_estimator(each):
                # What the bases of all have, as fit_transform, calls what the classes have.
                patch_estimator(each, patches, None if module.__name__ == "sklearn.base" else logged)


def _fit(logged: Replacement, original: Callable[..., Any], self: Any, /, *args: Any, **kwargs: Any) -> Any:
    if _prepares(type(self)):
        return original(self, *args, **kwargs)
    return logged(original, self, *args, **kwargs)


def _defines(module: ModuleType, each: Any) -> bool:
    return getattr(each, "__module__", None) == module.__name__


def _is_estimator(kind: type) -> bool:
    """Whether it is one, or a base of some: one of two may have ``fit``, and the other ``predict``."""
    return any(each.__module__ == "sklearn.base" for each in kind.__mro__)


def _prepares(kind: type) -> bool:
    """Whether a class only prepares data; one that derives from scikit-learn's does what that does."""
    module = next((each.__module__ for each in kind.__mro__ if each.__module__.startswith("sklearn.")), "")
    return module.startswith(PREPARING)
