"""Metrics of the probabilities that are told for classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from trackback.delivery.evaluation.metrics.metric import NAN, Metric, ratio, remembered

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Classified, Floats

BINS = 10


def metrics(case: Classified) -> Iterator[Metric]:
    """Those that such a case has, the most telling first."""
    if case.positive is not None:
        yield Metric("roc_auc", _roc_auc_value, _roc_auc)
        yield Metric("average_precision", _average_precision_value, _average_precision)
    else:
        yield Metric("roc_auc_ovr", _roc_auc_ovr_value, _roc_auc_ovr)
    yield Metric("log_loss", _log_loss_value, partial(_mean_of, _log_losses), higher_is_better=False)
    yield Metric("brier_score", lambda case: float(_brier(case).mean()), partial(_mean_of, _brier), False)
    yield Metric("expected_calibration_error", partial(_alone, _expected), _expected, False)
    yield Metric("largest_calibration_error", partial(_alone, _largest), _largest, False)


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
    return _area(*_by_own_score(case, weights))


def _roc_auc_ovr(case: Classified, weights: Floats) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy

    assert case.probabilities is not None
    each = [auc(case.probabilities[:, place], case.truth == place, weights) for place in range(len(case.classes))]
    known = ~np.isnan(each)
    return ratio(np.where(known, each, 0.0).sum(axis=0), known.sum(axis=0).astype(float))


def auc(score: Any, positive: Any, weights: Floats) -> Floats:
    """The share of pairs of a positive and a negative row that the score puts in order; ties count half."""
    return _area(*_by_score(score, positive, weights))


def _area(above: Floats, below: Floats) -> Floats:
    beaten = below.cumsum(axis=1) - below / 2
    return ratio((above * beaten).sum(axis=1), above.sum(axis=1) * below.sum(axis=1))


def _average_precision(case: Classified, weights: Floats) -> Floats:
    above, below = _by_own_score(case, weights)
    found = above[:, ::-1].cumsum(axis=1)
    precision = ratio(found, found + below[:, ::-1].cumsum(axis=1), 0.0)
    return ratio((above[:, ::-1] * precision).sum(axis=1), above.sum(axis=1))


@remembered
def _by_own_score(case: Classified, weights: Floats) -> tuple[Floats, Floats]:
    return _by_score(case.score, case.is_positive, weights)


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
    found: Floats = case.probabilities / case.probabilities.sum(axis=1, keepdims=True)
    return found


def _log_losses(case: Classified) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy

    least = np.finfo(float).eps
    told = _normal(case)[np.arange(len(case)), case.truth]
    losses: Floats = -np.log(np.clip(told, least, 1 - least))
    return losses


def _brier(case: Classified) -> Floats:
    """Of two classes the squared error of the positive one; of more, of all of them together."""
    import numpy as np  # noqa: PLC0415 - heavy

    assert case.probabilities is not None
    losses: Floats
    if case.score is not None:
        losses = (case.score - case.is_positive) ** 2
    else:
        losses = ((case.probabilities - np.eye(len(case.classes))[case.truth]) ** 2).sum(axis=1)
    return losses


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


@remembered
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
