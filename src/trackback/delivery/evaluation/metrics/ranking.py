"""Metrics of orders: of each group of rows, then the mean over groups. Groups with nothing relevant have none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from trackback.delivery.evaluation.metrics.metric import NAN, Metric, ratio

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Floats, Ranked

CUT = 10

OfGroup = Callable[[Any, Any], float]
"""Of the relevances of a group's rows and of their scores."""


def metrics(case: Ranked) -> Iterator[Metric]:
    """The most telling first. What is relevant has a target of more than 0."""
    kinds: list[tuple[str, OfGroup]] = [
        (f"ndcg@{CUT}", partial(_ndcg, CUT)),
        ("ndcg", partial(_ndcg, None)),
        ("mean_reciprocal_rank", _reciprocal_rank),
        ("mean_average_precision", _average_precision),
        (f"precision@{CUT}", _precision),
        (f"recall@{CUT}", _recall),
    ]
    for name, of_group in kinds:
        yield Metric(name, partial(_value, of_group), partial(_replicates, of_group))


def _value(of_group: OfGroup, case: Ranked) -> float:
    import numpy as np  # noqa: PLC0415 - heavy

    each, _ = _each(of_group, case)
    return float(np.nanmean(each)) if not np.isnan(each).all() else NAN


def _replicates(of_group: OfGroup, case: Ranked, weights: Floats) -> Floats:
    """Rows of a group are drawn together, so that the first says how often the group was."""
    import numpy as np  # noqa: PLC0415 - heavy

    each, first = _each(of_group, case)
    known = ~np.isnan(each)
    drawn = weights[:, first[known]]
    return ratio(drawn @ each[known], drawn.sum(axis=1))


@lru_cache(maxsize=64)
def _kept(of_group: OfGroup, case: _ById) -> tuple[Floats, Any]:
    import numpy as np  # noqa: PLC0415 - heavy

    ranked = case.case
    order = np.argsort(ranked.group, kind="stable")
    _, starts = np.unique(ranked.group[order], return_index=True)
    pieces = np.split(order, starts[1:])
    return np.array([of_group(ranked.relevance[rows], ranked.score[rows]) for rows in pieces]), order[starts]


class _ById:
    """A case as a key: it is the same as itself only."""

    def __init__(self, case: Ranked) -> None:
        self.case = case

    def __hash__(self) -> int:
        return id(self.case)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.case is self.case


def _each(of_group: OfGroup, case: Ranked) -> tuple[Floats, Any]:
    """The value of each group, and the place of its first row."""
    return _kept(of_group, _ById(case))


def _ndcg(cut: int | None, relevance: Any, score: Any) -> float:
    from sklearn.metrics import ndcg_score  # noqa: PLC0415 - heavy

    if not (relevance > 0).any():
        return NAN
    return float(ndcg_score([relevance], [score], k=cut)) if len(relevance) > 1 else 1.0


def _hits(relevance: Any, score: Any) -> Any:
    """Whether what comes first, second and so on is relevant."""
    import numpy as np  # noqa: PLC0415 - heavy

    return (relevance > 0)[np.argsort(-score, kind="stable")]


def _reciprocal_rank(relevance: Any, score: Any) -> float:
    hits = _hits(relevance, score)
    return 1 / (int(hits.argmax()) + 1) if hits.any() else NAN


def _average_precision(relevance: Any, score: Any) -> float:
    import numpy as np  # noqa: PLC0415 - heavy

    hits = _hits(relevance, score)
    if not hits.any():
        return NAN
    return float((hits.cumsum() / np.arange(1, len(hits) + 1))[hits].mean())


def _precision(relevance: Any, score: Any) -> float:
    hits = _hits(relevance, score)
    return float(hits[:CUT].sum() / min(CUT, len(hits))) if hits.any() else NAN


def _recall(relevance: Any, score: Any) -> float:
    hits = _hits(relevance, score)
    return float(hits[:CUT].sum() / hits.sum()) if hits.any() else NAN
