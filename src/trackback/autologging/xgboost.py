"""XGBoost: ``train``, and its classes with scikit-learn's interface."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

from trackback.autologging.boosters import BoosterFit, BoosterTraining
from trackback.autologging.estimators import patch_estimator, patch_metrics
from trackback.autologging.examples import ROWS
from trackback.autologging.failures import Failures
from trackback.autologging.identities import IdentityMap, weakly
from trackback.autologging.interface import Integration
from trackback.autologging.patches import Patches
from trackback.autologging.settings import Settings
from trackback.autologging.trainings import logged_by

TRAIN = "xgboost.train"


@dataclass(frozen=True, kw_only=True)
class XGBoostSettings(Settings):
    """importance_types: how the importance of features is measured, by the words of ``Booster.get_score``.
    log_post_training_metrics: as of scikit-learn, for models with its interface.
    model_format: of the model's file, ``ubj`` or ``json``.
    """

    importance_types: Sequence[str] = ("weight",)
    log_post_training_metrics: bool = True
    model_format: str = "ubj"


class Source(NamedTuple):
    """What a DMatrix was made of, which it does not give back. ``data`` and ``label`` are there as long as the program
    has them; ``rows`` are a copy of the first.
    """

    data: Callable[[], Any]
    label: Callable[[], Any]
    rows: Any


sources: IdentityMap[Source] = IdentityMap()


class XGBoostTraining(BoosterTraining):
    training_data = "dtrain"
    unlogged = frozenset(
        {"params", "dtrain", "evals", "obj", "feval", "evals_result", "xgb_model", "callbacks", "learning_rates"}
    )

    def callback(self) -> Any:
        return _callback_class()(self.rounds)

    def rows(self, data: Any) -> Any:
        source = sources.get(data)
        return source.rows if source else None

    def content(self, data: Any) -> tuple[Any, Any]:
        source = sources.get(data)
        features = source.data() if source else None
        if source is None or features is None or isinstance(features, str):
            return data.get_data(), (data.get_label() if data.get_label().size else None)
        return features, source.label()

    def evaluation_data(self) -> dict[str, Any]:
        return {name: data for data, name in self.call.get("evals") or ()}

    def predict(self, booster: Any, rows: Any) -> Any:
        import xgboost  # noqa: PLC0415 - whoever trains with it has it

        return booster.predict(xgboost.DMatrix(rows))

    def best_round(self, booster: Any) -> int | None:
        return int(booster.best_iteration) if booster.attr("best_iteration") is not None else None

    def stopped_at(self, booster: Any, count: int) -> dict[str, float]:
        return {"stopped_iteration": count - 1, "best_iteration": booster.best_iteration}

    def importances(self, booster: Any) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for kind in getattr(self.integration.settings, "importance_types", ()):
            with self.part(f"the importance of features by {kind}"):
                found[kind] = booster.get_score(importance_type=kind)
        return found

    def options(self) -> dict[str, Any]:
        return _options(self.integration)


class XGBoostFit(BoosterFit):
    def options(self, model: Any) -> dict[str, Any]:
        return _options(self.integration)


class XGBoostIntegration(Integration):
    name = "xgboost"
    modules = ("xgboost", "sklearn.metrics")
    kind_of_settings = XGBoostSettings

    def patch(self, module: ModuleType, patches: Patches) -> None:
        match module.__name__:
            case "xgboost.core":
                for name in ("DMatrix", "QuantileDMatrix"):
                    if hasattr(module, name):
                        patches.method(getattr(module, name), "__init__", partial(_note_source, self))
            case "xgboost.training":
                patches.function(module, "train", logged_by(self, XGBoostTraining, name=TRAIN))
            case "xgboost.sklearn":
                logged = logged_by(self, XGBoostFit, joined_by=TRAIN)
                for each in list(vars(module).values()):
                    if isinstance(each, type) and issubclass(each, module.XGBModel):
                        patch_estimator(each, patches, logged, inherited=True)
            case "sklearn.metrics":
                patch_metrics(module, patches)


def _note_source(
    integration: Integration, original: Callable[..., Any], self: Any, /, *args: Any, **kwargs: Any
) -> Any:
    original(self, *args, **kwargs)
    with Failures(integration.name, integration.settings.silent).kept_from_training("what a DMatrix is made of"):
        data = kwargs.get("data", args[0] if args else None)
        label = kwargs.get("label", args[1] if len(args) > 1 else None)
        if integration.is_on and data is not None and sources.get(self) is None:
            rows = copy.deepcopy(data[:ROWS]) if hasattr(data, "shape") and not isinstance(data, str) else None
            sources.put(self, Source(weakly(data), weakly(label), rows))


def _options(integration: Integration) -> dict[str, Any]:
    return {"model_format": getattr(integration.settings, "model_format", "ubj")}


def _callback_class() -> Any:
    from xgboost.callback import TrainingCallback  # noqa: PLC0415 - whoever trains with it has it

    class RoundsCallback(TrainingCallback):  # type: ignore[misc]
        def __init__(self, rounds: Any) -> None:
            super().__init__()
            self._rounds = rounds

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            last = {f"{data}-{name}": each[-1] for data, named in evals_log.items() for name, each in named.items()}
            self._rounds.add(last, epoch)
            return False

    return RoundsCallback
