"""LightGBM: ``train``, and its classes with scikit-learn's interface."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from trackback.autologging.boosters import BoosterFit, BoosterTraining, Rounds
from trackback.autologging.estimators import patch_estimator, patch_metrics
from trackback.autologging.interface import Integration
from trackback.autologging.patches import Patches
from trackback.autologging.settings import Settings
from trackback.autologging.trainings import logged_by

TRAIN = "lightgbm.train"


@dataclass(frozen=True, kw_only=True)
class LightGBMSettings(Settings):
    """log_post_training_metrics: as of scikit-learn, for models with its interface."""

    log_post_training_metrics: bool = True


class RoundsCallback:
    """``order`` has it called before the callback that ends training early."""

    before_iteration = False

    def __init__(self, rounds: Rounds) -> None:
        self.order = -1000
        self._rounds = rounds

    def __call__(self, env: Any) -> None:
        self._rounds.add({f"{each[0]}-{each[1]}": each[2] for each in env.evaluation_result_list or ()}, env.iteration)


class LightGBMTraining(BoosterTraining):
    training_data = "train_set"
    unlogged = frozenset(
        {
            "params",
            "train_set",
            "valid_sets",
            "valid_names",
            "fobj",
            "feval",
            "init_model",
            "learning_rates",
            "callbacks",
            "evals_result",
        }
    )

    def callback(self) -> Any:
        return RoundsCallback(self.rounds)

    def rows(self, data: Any) -> Any:
        return data.data

    def content(self, data: Any) -> tuple[Any, Any]:
        return data.data, data.label

    def evaluation_data(self) -> dict[str, Any]:
        given = self.call.get("valid_sets") or []
        sets = list(given) if isinstance(given, list | tuple) else [given]
        names = self.call.get("valid_names") or []
        named = [names] if isinstance(names, str) else list(names)
        return {(named[i] if i < len(named) else f"valid_{i}"): each for i, each in enumerate(sets)}

    def predict(self, booster: Any, rows: Any) -> Any:
        return booster.predict(rows)

    def best_round(self, booster: Any) -> int | None:
        return booster.best_iteration - 1 if booster.best_iteration > 0 else None

    def stopped_at(self, booster: Any, count: int) -> dict[str, float]:
        return {"stopped_iteration": count, "best_iteration": booster.best_iteration}

    def importances(self, booster: Any) -> dict[str, dict[str, Any]]:
        names = booster.feature_name()
        return {
            kind: dict(zip(names, booster.feature_importance(importance_type=kind).tolist(), strict=True))
            for kind in ("split", "gain")
        }


class LightGBMIntegration(Integration):
    name = "lightgbm"
    modules = ("lightgbm", "sklearn.metrics")
    kind_of_settings = LightGBMSettings

    def patch(self, module: ModuleType, patches: Patches) -> None:
        match module.__name__:
            case "lightgbm.engine":
                patches.function(module, "train", logged_by(self, LightGBMTraining, name=TRAIN))
            case "lightgbm.sklearn":
                logged = logged_by(self, BoosterFit, joined_by=TRAIN)
                for name in ("LGBMModel", "LGBMClassifier", "LGBMRegressor", "LGBMRanker"):
                    if isinstance(kind := vars(module).get(name), type):
                        patch_estimator(kind, patches, logged, inherited=True)
            case "sklearn.metrics":
                patch_metrics(module, patches)
