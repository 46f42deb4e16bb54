"""Metrics of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from trackback.delivery.evaluation.metrics.metric import NAN, Metric, ratio

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Estimated, Floats


def metrics(case: Estimated) -> Iterator[Metric]:
    """The most telling first."""
    yield Metric("root_mean_squared_error", _rmse_value, _rmse, False)
    yield Metric("mean_absolute_error", _sk("mean_absolute_error"), partial(_mean_of, _absolute), False)
    yield Metric("r2", _r2_value, _r2)
    yield Metric("mean_squared_error", _sk("mean_squared_error"), partial(_mean_of, _squared), False)
    yield Metric("median_absolute_error", _sk("median_absolute_error"), _median, False)
    yield Metric(
        "mean_absolute_percentage_error",
        _sk("mean_absolute_percentage_error"),
        partial(_mean_of, _relative),
        False,
    )
    yield Metric("max_error", _sk("max_error"), _largest, False)
    yield Metric("mean_error_size", lambda case: abs(float(case.error.mean())), _bias, False)


def _sk(name: str) -> Callable[[Estimated], float]:
    def value(case: Estimated) -> float:
        from sklearn import metrics  # noqa: PLC0415 - heavy

        return float(getattr(metrics, name)(case.truth, case.predicted))

    return value


def _rmse_value(case: Estimated) -> float:
    from sklearn.metrics import root_mean_squared_error  # noqa: PLC0415 - heavy

    return float(root_mean_squared_error(case.truth, case.predicted))


def _r2_value(case: Estimated) -> float:
    from sklearn.metrics import r2_score  # noqa: PLC0415 - heavy

    return float(r2_score(case.truth, case.predicted, force_finite=False)) if len(case) > 1 else NAN


def _absolute(case: Estimated) -> Floats:
    return abs(case.error)


def _squared(case: Estimated) -> Floats:
    return case.error**2


def _relative(case: Estimated) -> Floats:
    """In terms of the truth, which scikit-learn takes for at least the smallest step from 1."""
    import numpy as np  # noqa: PLC0415 - heavy

    return np.abs(case.error) / np.maximum(np.abs(case.truth), np.finfo(float).eps)


def _mean_of(losses: Callable[[Estimated], Floats], case: Estimated, weights: Floats) -> Floats:
    return ratio(weights @ losses(case), weights.sum(axis=1))


def _rmse(case: Estimated, weights: Floats) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy

    return np.sqrt(_mean_of(_squared, case, weights))


def _bias(case: Estimated, weights: Floats) -> Floats:
    return abs(_mean_of(lambda case: case.error, case, weights))


def _r2(case: Estimated, weights: Floats) -> Floats:
    """Sums of squares apart from the mean of all rows, so that large numbers lose no precision."""
    apart = case.truth - case.truth.mean()
    rows = weights.sum(axis=1)
    spread = weights @ apart**2 - ratio((weights @ apart) ** 2, rows)
    return 1 - ratio(weights @ _squared(case), spread)


def _median(case: Estimated, weights: Floats) -> Floats:
    """Of the rows as often as they were drawn; of an even number, the mean of the two in the middle."""
    import numpy as np  # noqa: PLC0415 - heavy

    order = np.argsort(_absolute(case))
    ordered, reached = _absolute(case)[order], weights[:, order].cumsum(axis=1)
    rows = reached[:, -1:]
    last = len(ordered) - 1
    lower = np.minimum((reached < np.floor((rows + 1) / 2)).sum(axis=1), last)
    upper = np.minimum((reached < np.floor(rows / 2) + 1).sum(axis=1), last)
    return np.where(rows[:, 0] > 0, (ordered[lower] + ordered[upper]) / 2, NAN)


def _largest(case: Estimated, weights: Floats) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy

    found = np.where(weights > 0, _absolute(case), -np.inf).max(axis=1)
    return np.where(np.isfinite(found), found, NAN)
