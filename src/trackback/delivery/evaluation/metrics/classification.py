"""Metrics of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from trackback.delivery.evaluation.metrics import probabilities
from trackback.delivery.evaluation.metrics.metric import NAN, Metric, ratio, remembered

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Classified, Codes, Floats

_MOST_CLASSES = 50  # that have metrics of their own
_FEW_CLASSES = 32


class Counts(NamedTuple):
    """Of each resample: rows, (resamples, 1), and of each class how many are it, were said to be, and rightly so."""

    rows: Floats
    truth: Floats
    predicted: Floats
    right: Floats


def metrics(case: Classified) -> Iterator[Metric]:
    """Those that such a case has, the most telling first."""
    yield Metric("accuracy", _sk("accuracy_score"), _accuracy)
    yield Metric("balanced_accuracy", _balanced_value, _balanced)
    if case.positive is not None:
        positive = case.positive
        for name, score in (("precision", _precision), ("recall", _recall), ("f1", _f1)):
            yield Metric(name, _sk(f"{name}_score", pos_label=positive), partial(_of_class, score, positive))
    for name, score in (("precision", _precision), ("recall", _recall), ("f1", _f1)):
        yield Metric(f"{name}_macro", _by_class(f"{name}_score", "macro"), partial(_averaged, score, weighted=False))
    yield Metric("f1_weighted", _by_class("f1_score", "weighted"), partial(_averaged, _f1, weighted=True))
    yield Metric("matthews_corrcoef", _sk("matthews_corrcoef"), _matthews)
    yield Metric("cohen_kappa", _sk("cohen_kappa_score"), _kappa)
    if case.probabilities is not None:
        yield from probabilities.metrics(case)
    if case.positive is None and len(case.classes) <= _MOST_CLASSES:
        for place, label in enumerate(case.classes):
            for name, score in (("precision", _precision), ("recall", _recall), ("f1", _f1)):
                value = _one_class(f"{name}_score", place)
                yield Metric(f"{name}[{label}]", value, partial(_of_class, score, place))


def _sk(name: str, **options: Any) -> Callable[[Classified], float]:
    """scikit-learn's function of that name, of classes by their places."""

    def value(case: Classified) -> float:
        from sklearn import metrics  # noqa: PLC0415 - heavy

        return float(getattr(metrics, name)(case.truth, case.predicted, **options))

    return value


def _by_class(name: str, average: str) -> Callable[[Classified], float]:
    return _sk(name, average=average, zero_division=0.0)


def _one_class(name: str, place: int) -> Callable[[Classified], float]:
    def value(case: Classified) -> float:
        from sklearn import metrics  # noqa: PLC0415 - heavy

        found = getattr(metrics, name)(case.truth, case.predicted, labels=[place], average=None, zero_division=NAN)
        return float(found[0])

    return value


def _balanced_value(case: Classified) -> float:
    from sklearn.metrics import balanced_accuracy_score  # noqa: PLC0415 - heavy

    return float(balanced_accuracy_score(case.truth, case.predicted))


@remembered
def counts(case: Classified, weights: Floats) -> Counts:
    import numpy as np  # noqa: PLC0415 - heavy

    rows = weights.sum(axis=1, keepdims=True)
    number = len(case.classes)
    if number > _FEW_CLASSES:
        told = ((case.truth, None), (case.predicted, None), (case.truth, case.right))
        return Counts(rows, *(weights @ _sparse(codes, number, which) for codes, which in told))
    every = np.eye(number)
    truth, predicted = every[case.truth], every[case.predicted]
    return Counts(rows, *np.split(weights @ np.hstack([truth, predicted, truth * predicted]), 3, axis=1))


def _sparse(codes: Codes, number: int, which: Any) -> Any:
    """A row for each code, with a 1 in the place that it says, (rows, number): of many classes nearly all is 0."""
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy.sparse import csr_array  # noqa: PLC0415 - heavy

    ones = np.ones(len(codes)) if which is None else which.astype(float)
    return csr_array((ones, codes, np.arange(len(codes) + 1)), shape=(len(codes), number))


def _accuracy(case: Classified, weights: Floats) -> Floats:
    found = counts(case, weights)
    return ratio(found.right.sum(axis=1), found.rows[:, 0])


def _balanced(case: Classified, weights: Floats) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy

    found = counts(case, weights)
    recalls = ratio(found.right, found.truth)
    there = found.truth > 0
    return ratio(np.where(there, recalls, 0.0).sum(axis=1), there.sum(axis=1).astype(float))


def _precision(found: Counts) -> Floats:
    return ratio(found.right, found.predicted)


def _recall(found: Counts) -> Floats:
    return ratio(found.right, found.truth)


def _f1(found: Counts) -> Floats:
    return ratio(2 * found.right, found.truth + found.predicted)


def _of_class(score: Callable[[Counts], Floats], place: int, case: Classified, weights: Floats) -> Floats:
    return score(counts(case, weights))[:, place]


def _averaged(score: Callable[[Counts], Floats], case: Classified, weights: Floats, *, weighted: bool) -> Floats:
    """Over the classes that are in the rows, or were predicted for one; what has nothing to divide by counts as 0."""
    import numpy as np  # noqa: PLC0415 - heavy

    found = counts(case, weights)
    there = (found.truth + found.predicted) > 0
    each = np.nan_to_num(score(found))
    share = found.truth if weighted else there.astype(float)
    return ratio((each * share).sum(axis=1), share.sum(axis=1))


def _matthews(case: Classified, weights: Floats) -> Floats:
    """Gorodkin's form for any number of classes; 0 where only one class is there or was predicted, as scikit-learn."""
    import numpy as np  # noqa: PLC0415 - heavy

    found = counts(case, weights)
    rows = found.rows[:, 0]
    together = found.right.sum(axis=1) * rows - (found.truth * found.predicted).sum(axis=1)
    apart = (rows**2 - (found.truth**2).sum(axis=1)) * (rows**2 - (found.predicted**2).sum(axis=1))
    return np.where(rows > 0, ratio(together, np.sqrt(np.maximum(apart, 0.0)), 0.0), NAN)


def _kappa(case: Classified, weights: Floats) -> Floats:
    found = counts(case, weights)
    rows = found.rows[:, 0]
    agreed = ratio(found.right.sum(axis=1), rows)
    by_chance = ratio((found.truth * found.predicted).sum(axis=1), rows**2)
    return ratio(agreed - by_chance, 1 - by_chance)
