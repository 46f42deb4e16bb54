"""How far the distribution of predictions has moved."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from trackback.delivery.evaluation.cases import Case, Classified, Ranked

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Floats

BINS = 10
_LEAST = 1e-4
"""The share that an empty bin counts with: the index of one that nothing was in has no value otherwise."""


class Shift(msgspec.Struct, frozen=True, omit_defaults=True):
    """``psi``: the population stability index; below 0.1 little has moved, by the usual rule, above 0.25 much. ``ks``:
    the largest difference of the cumulative shares, by Kolmogorov and Smirnov, and its p-value.

    of: what was looked at. bins: names of the bins of the index, and the shares of rows in them.
    """

    of: str
    psi: float
    bins: tuple[str, ...]
    before: tuple[float, ...]
    now: tuple[float, ...]
    ks: float | None = None
    ks_p: float | None = None


def shift_of(before: Case, now: Case) -> Shift:
    """Of two cases of the same rows: of classes by their shares, with probabilities of the positive class by these."""
    if isinstance(before, Classified) and isinstance(now, Classified):
        if before.score is not None and now.score is not None:
            return _of_numbers("probability", before.score, now.score)
        return _of_classes(before, now)
    return _of_numbers(*_numbers(before, now))


def _numbers(before: Case, now: Case) -> tuple[str, Any, Any]:
    if isinstance(before, Ranked) and isinstance(now, Ranked):
        return "score", before.score, now.score
    assert not isinstance(before, Classified | Ranked)
    assert not isinstance(now, Classified | Ranked)
    return "prediction", before.predicted, now.predicted


def _of_numbers(of: str, before: Floats, now: Floats) -> Shift:
    """In bins that a tenth each of the predictions before is in."""
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy.stats import ks_2samp  # noqa: PLC0415 - heavy

    inner = np.unique(np.quantile(before, np.linspace(0, 1, BINS + 1)[1:-1]))
    edges = np.array([-np.inf, *inner, np.inf])
    shares = [np.histogram(values, edges)[0] / len(values) for values in (before, now)]
    names = [f"< {inner[0]:.4g}", *(f"{a:.4g} to {b:.4g}" for a, b in pairwise(inner))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is not exact where rows are many
        found = ks_2samp(before, now)
    return Shift(
        of,
        index(*shares),
        (*names, f"≥ {inner[-1]:.4g}"),
        tuple(shares[0].tolist()),
        tuple(shares[1].tolist()),
        float(found.statistic),
        float(found.pvalue),
    )


def _of_classes(before: Classified, now: Classified) -> Shift:
    """By the shares of the predicted classes; of two models that know other classes, by all of them."""
    import numpy as np  # noqa: PLC0415 - heavy

    classes = tuple(dict.fromkeys((*before.classes, *now.classes)))
    shares = []
    for case in (before, now):
        counted = np.bincount(case.predicted, minlength=len(case.classes)) / max(len(case), 1)
        told = dict(zip(case.classes, counted.tolist(), strict=True))
        shares.append(np.array([told.get(name, 0.0) for name in classes]))
    return Shift("class", index(*shares), classes, tuple(shares[0].tolist()), tuple(shares[1].tolist()))


def index(before: Any, now: Any) -> float:
    """The population stability index of shares, (bins,), that add up to 1."""
    import numpy as np  # noqa: PLC0415 - heavy

    a, b = np.maximum(before, _LEAST), np.maximum(now, _LEAST)
    return float(((b - a) * np.log(b / a)).sum())
