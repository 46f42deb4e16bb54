"""Metrics of classes, and of the probabilities that are told for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from trackback.delivery.evaluation.metrics.metric import NAN, Metric, ratio

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Classified, Floats

BINS = 10
_MOST_CLASSES = 50  # that have metrics of their own


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
        yield from _of_probabilities(case)
    if case.positive is None and len(case.classes) <= _MOST_CLASSES:
        for place, label in enumerate(case.classes):
            for name, score in (("precision", _precision), ("recall", _recall), ("f1", _f1)):
                value = _one_class(f"{name}_score", place)
                yield Metric(f"{name}[{label}]", value, partial(_of_class, score, place))


def _of_probabilities(case: Classified) -> Iterator[Metric]:
    if case.positive is not None:
        yield Metric("roc_auc", _roc_auc_value, _roc_auc)
        yield Metric("average_precision", _average_precision_value, _average_precision)
    else:
        yield Metric("roc_auc_ovr", _roc_auc_ovr_value, _roc_auc_ovr)
    yield Metric("log_loss", _log_loss_value, partial(_mean_of, _log_losses), higher_is_better=False)
    yield Metric("brier_score", lambda case: float(_brier(case).mean()), partial(_mean_of, _brier), False)
    yield Metric("expected_calibration_error", partial(_alone, _expected), _expected, False)
    yield Metric("largest_calibration_error", partial(_alone, _largest), _largest, False)


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


def counts(case: Classified, weights: Floats) -> Counts:
    import numpy as np  # noqa: PLC0415 - heavy

    every = np.eye(len(case.classes))
    truth, predicted = every[case.truth], every[case.predicted]
    return Counts(
        weights.sum(axis=1, keepdims=True), weights @ truth, weights @ predicted, weights @ (truth * predicted)
    )


def _accuracy(case: Classified, weights: Floats) -> Floats:
    return ratio(weights @ case.right.astype(float), weights.sum(axis=1))


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


def _roc_auc_value(case: Classified) -> float:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - heavy

    return float(roc_auc_score(case.is_positive, case.score))


def _average_precision_value(case: Classified) -> float:
    from sklearn.metrics import average_precision_score  # noqa: PLC0415 - heavy

    return float(average_precision_score(case.is_positive, case.score)) if case.is_positive.any() else NAN


def _roc_auc_ovr_value(case: Classified) -> float:
    """The mean over the classes that are in the rows: scikit-learn's wants all of them there."""
    import numpy as np  # noqa: PLC0415 - heavy
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - heavy

    assert case.probabilities is not None
    there = [place for place in range(len(case.classes)) if 0 < (case.truth == place).sum() < len(case)]
    each = [roc_auc_score(case.truth == place, case.probabilities[:, place]) for place in there]
    return float(np.mean(each)) if each else NAN


def _roc_auc(case: Classified, weights: Floats) -> Floats:
    return auc(case.score, case.is_positive, weights)


def _roc_auc_ovr(case: Classified, weights: Floats) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy

    assert case.probabilities is not None
    each = [auc(case.probabilities[:, place], case.truth == place, weights) for place in range(len(case.classes))]
    known = ~np.isnan(each)
    return ratio(np.where(known, each, 0.0).sum(axis=0), known.sum(axis=0).astype(float))


def auc(score: Any, positive: Any, weights: Floats) -> Floats:
    """The share of pairs of a positive and a negative row that the score puts in order; ties count half."""
    above, below = _by_score(score, positive, weights)
    beaten = below.cumsum(axis=1) - below / 2
    return ratio((above * beaten).sum(axis=1), above.sum(axis=1) * below.sum(axis=1))


def _average_precision(case: Classified, weights: Floats) -> Floats:
    above, below = _by_score(case.score, case.is_positive, weights)
    found = above[:, ::-1].cumsum(axis=1)
    precision = ratio(found, found + below[:, ::-1].cumsum(axis=1), 0.0)
    return ratio((above[:, ::-1] * precision).sum(axis=1), above.sum(axis=1))


def _by_score(score: Any, positive: Any, weights: Floats) -> tuple[Floats, Floats]:
    """How many positive and how many negative rows have each distinct score, the lowest first."""
    import numpy as np  # noqa: PLC0415 - heavy

    order = np.argsort(score, kind="stable")
    ordered, is_positive = score[order], positive[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    drawn = weights[:, order]
    positives = np.add.reduceat(drawn * is_positive, starts, axis=1)
    return positives, np.add.reduceat(drawn, starts, axis=1) - positives


def _log_loss_value(case: Classified) -> float:
    from sklearn.metrics import log_loss  # noqa: PLC0415 - heavy

    return float(log_loss(case.truth, _normal(case), labels=range(len(case.classes))))


def _normal(case: Classified) -> Floats:
    """Probabilities that add up to 1 to the last digit."""
    assert case.probabilities is not None
    return case.probabilities / case.probabilities.sum(axis=1, keepdims=True)


def _log_losses(case: Classified) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy

    least = np.finfo(float).eps
    told = _normal(case)[np.arange(len(case)), case.truth]
    return -np.log(np.clip(told, least, 1 - least))


def _brier(case: Classified) -> Floats:
    """Of two classes the squared error of the positive one; of more, of all of them together."""
    import numpy as np  # noqa: PLC0415 - heavy

    assert case.probabilities is not None
    if case.score is not None:
        return (case.score - case.is_positive) ** 2
    return ((case.probabilities - np.eye(len(case.classes))[case.truth]) ** 2).sum(axis=1)


def _mean_of(losses: Callable[[Classified], Floats], case: Classified, weights: Floats) -> Floats:
    return ratio(weights @ losses(case), weights.sum(axis=1))


def told_and_true(case: Classified) -> tuple[Floats, Floats]:
    """What calibration compares, row by row: of two classes the probability of the positive one, and whether it is; of
    more that of the predicted one, and whether that is right.
    """
    assert case.probabilities is not None
    if case.score is not None:
        return case.score, case.is_positive.astype(float)
    return case.probabilities.max(axis=1), (case.probabilities.argmax(axis=1) == case.truth).astype(float)


def _gaps(case: Classified, weights: Floats) -> tuple[Floats, Floats]:
    """Of each of ``BINS`` equal stretches of probabilities: the difference of means, and how many rows are in it."""
    import numpy as np  # noqa: PLC0415 - heavy

    told, true = told_and_true(case)
    within = np.eye(BINS)[np.clip((told * BINS).astype(int), 0, BINS - 1)]
    rows = weights @ within
    return np.abs(ratio(weights @ (within * (told - true)[:, None]), rows, 0.0)), rows


def _expected(case: Classified, weights: Floats) -> Floats:
    gaps, rows = _gaps(case, weights)
    return ratio((gaps * rows).sum(axis=1), rows.sum(axis=1))


def _largest(case: Classified, weights: Floats) -> Floats:
    gaps, rows = _gaps(case, weights)
    return ratio(gaps.max(axis=1) * rows.sum(axis=1), rows.sum(axis=1))


def _alone(replicates: Callable[[Classified, Floats], Floats], case: Classified) -> float:
    """The value of what scikit-learn does not have: as of a resample that is the rows themselves."""
    import numpy as np  # noqa: PLC0415 - heavy

    return float(replicates(case, np.ones((1, len(case))))[0])
