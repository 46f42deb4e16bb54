"""What a metric is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Floats

NAN = float("nan")
C = TypeVar("C")
R = TypeVar("R")


@dataclass(frozen=True)
class Metric:
    """``value``: of a case, by all of its rows; NaN where it has none, as an AUC of one class.

    replicates: of a case and of weights, float64, (resamples, rows): how often each row was drawn. What ``value`` would
        be of the drawn rows, (resamples,).
    most_resamples: of how many it is asked at most, where that is a call each.
    """

    name: str
    value: Callable[[Any], float]
    replicates: Callable[[Any, Floats], Floats]
    higher_is_better: bool = True
    most_resamples: int | None = None

    def of(self, case: Any) -> float:
        """The value; NaN where there is none, in silence."""
        if not len(case):
            return NAN
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return float(self.value(case))
            except ValueError:  # scikit-learn's word for it
                return NAN

    def worse_by(self, before: float, now: float) -> float:
        """How much worse it is than before; less than 0 if it is better."""
        return before - now if self.higher_is_better else now - before


def remembered(function: Callable[[C, Floats], R]) -> Callable[[C, Floats], R]:
    """The function, which answers at once what it was asked last: metrics of one case come one after the other."""
    last: tuple[Any, Any, R] | None = None

    def ask(case: C, weights: Floats) -> R:
        nonlocal last
        if last is None or last[0]() is not case or last[1]() is not weights:
            last = ref(case), ref(weights), function(case, weights)
        return last[2]

    return ask


def ratio(above: Floats, below: Floats, otherwise: float = NAN) -> Floats:
    """``above / below``, and something else where there is nothing to divide by."""
    import numpy as np  # noqa: PLC0415 - heavy

    found: Floats = np.divide(above, below, out=np.full(np.shape(above), otherwise), where=np.asarray(below) != 0)
    return found
