"""A search of scikit-learn for the best params: its candidates become runs below its own, the best ones first."""

import csv
import io
from typing import TYPE_CHECKING, Any

from trackback.autologging.child_runs import Candidate, log_candidates
from trackback.autologging.descriptions import class_tags, texts
from trackback.autologging.run_logger import is_number

if TYPE_CHECKING:
    from trackback.autologging.sklearn_fit import SklearnFit


def is_search(estimator: Any) -> bool:
    return any(kind.__name__ == "BaseSearchCV" for kind in type(estimator).__mro__)


class Search:
    def __init__(self, fit: "SklearnFit") -> None:
        self._fit = fit
        self._estimator = fit.estimator
        self._results: dict[str, Any] = fit.estimator.cv_results_

    def log_results(self, model_id: str | None) -> None:
        fit = self._fit
        best = {f"best_{key}": value for key, value in getattr(self._estimator, "best_params_", {}).items()}
        with fit.part("the best params"):
            fit.log.params(best)
        if hasattr(self._estimator, "best_score_"):
            with fit.part("the best score"):
                fit.log.metrics({"best_cv_score": self._estimator.best_score_}, model_id=model_id)
        with fit.part("the best estimator"):
            self._log_best_estimator()
        with fit.part("the candidates"):
            self._log_candidates()
        with fit.part("the results of the search"):
            fit.log.text(self._table(), "cv_results.csv")

    def _log_best_estimator(self) -> None:
        best = getattr(self._estimator, "best_estimator_", None)
        if best is not None and self._fit.log.settings.log_models:
            params = texts(best.get_params(deep=True))
            self._fit.log.model(
                best, self._fit.example, "best_estimator", registers=False, params=params, **self._fit.options(best)
            )

    def _log_candidates(self) -> None:
        seed = self._estimator.estimator
        unvaried = seed.get_params(deep=not is_search(seed))
        log_candidates(
            self._fit,
            (
                Candidate(class_tags(seed), {**unvaried, **self._results["params"][place]}, self._metrics(place))
                for place in self._best_places()
            ),
        )

    def _metrics(self, place: int) -> dict[str, Any]:
        return {key: values[place] for key, values in self._results.items() if _is_summary(key, values[place])}

    def _best_places(self) -> list[int]:
        """By the rank of the first score; all of them in their order if their number has no bound."""
        places = list(range(len(self._results["params"])))
        most = getattr(self._fit.integration.settings, "max_tuning_runs", None)
        if most is None:
            return places
        ranks = next((values for key, values in self._results.items() if key.startswith("rank_test_")), None)
        return sorted(places, key=lambda place: 0 if ranks is None else ranks[place])[:most]

    def _table(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self._results)
        writer.writerows(zip(*(_cells(values) for values in self._results.values()), strict=True))
        return text.getvalue()


def _is_summary(key: str, value: Any) -> bool:
    """Whether it is a metric over all splits."""
    return not key.startswith(("param", "split")) and is_number(value)


def _cells(values: Any) -> list[Any]:
    """A column as pandas writes it: what is masked or missing is left empty."""
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    return ["" if value is None or value != value else value for value in plain]
