"""Which metrics a task has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trackback.delivery.documents import ALIKE
from trackback.delivery.evaluation.cases import Classified, Estimated, Ranked
from trackback.delivery.evaluation.metrics import classification, ranking, regression
from trackback.errors import InvalidParameter

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Case
    from trackback.delivery.evaluation.metrics.metric import Metric

_OF: dict[type[Any], Callable[[Any], Iterable[Metric]]] = {
    Classified: classification.metrics,
    Estimated: regression.metrics,
    Ranked: ranking.metrics,
}


def metrics_of(case: Case) -> list[Metric]:
    """All that such a case has, the most telling first."""
    return list(_OF[type(case)](case))


def check_names(names: Iterable[str]) -> None:
    """InvalidParameter: one is of no metric that any task has; so that it is told before a model is asked."""
    known = {metric.name for case in _one_of_each() for metric in metrics_of(case)}
    for name in names:
        if name not in known and "[" not in name:
            near = difflib.get_close_matches(name, known, 1, ALIKE)
            instead = f"Is it {near[0]!r}?" if near else f"There are: {', '.join(sorted(known))}."
            raise InvalidParameter(f"There is no metric {name!r}. {instead}")


def _one_of_each() -> Iterable[Case]:
    import numpy as np  # noqa: PLC0415 - heavy

    places, numbers = np.zeros(1, dtype=np.int64), np.zeros(1)
    yield Classified(("a", "b"), places, places, np.ones((1, 2)), 1)
    yield Classified(("a", "b", "c"), places, places, np.ones((1, 3)))
    yield Estimated(numbers, numbers)
    yield Ranked(numbers, numbers, places)


def chosen_metrics(case: Case, names: Sequence[str], also: Iterable[str]) -> list[Metric]:
    """Those of some names, or all but those of single classes; and those that checks are about.

    InvalidParameter: there is none of a name; the message has those that there are.
    """
    known = {metric.name: metric for metric in metrics_of(case)}
    wanted = [*(names or (name for name in known if "[" not in name)), *also]
    for name in wanted:
        if name not in known:
            raise InvalidParameter(
                f"There is no metric {name!r} for this model and test set. There are: {', '.join(known)}."
            )
    return [known[name] for name in dict.fromkeys(wanted)]
