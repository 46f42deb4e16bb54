"""The plots that a report of each kind of case has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trackback.delivery.evaluation.cases import Case, Classified, Estimated, Ranked
from trackback.delivery.evaluation.measuring import Compared, Part
from trackback.delivery.evaluation.metrics.probabilities import BINS, told_and_true
from trackback.delivery.evaluation.reports import charts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_POINTS = 400
_MOST_CURVES = 6
_HISTOGRAM = 20
_MOST_ROWS = 40


class Plot(NamedTuple):
    title: str
    svg: str


def plots_of(case: Case, parts: Sequence[Part]) -> Iterator[Plot]:
    """Those that show how good a model is."""
    if isinstance(case, Classified) and case.probabilities is not None:
        yield _roc(case)
        yield _precision_recall(case)
        yield _calibration(case)
        if case.score is not None and case.positive is not None:
            named = (
                (case.is_positive, case.classes[case.positive]),
                (~case.is_positive, case.classes[1 - case.positive]),
            )
            yield _scores(case, [(name, case.score[rows]) for rows, name in named])
    elif isinstance(case, Estimated):
        yield _estimates(case)
        yield _histogram("Errors", "prediction − target", [("", case.error)])
    elif isinstance(case, Ranked):
        yield _histogram("Scores", "score", [("", case.score)])
    if len(parts) > 1:
        yield _by_slice(parts)


def plots_of_both(before: Case, now: Case, parts: Sequence[Compared]) -> Iterator[Plot]:
    """Those that show how two models differ."""
    if isinstance(before, Classified) and isinstance(now, Classified):
        if before.score is not None and now.score is not None:
            yield _scores(now, [("before", before.score), ("now", now.score)])
    elif isinstance(before, Estimated) and isinstance(now, Estimated):
        yield _histogram("Predictions", "prediction", [("before", before.predicted), ("now", now.predicted)])
        yield _histogram("Errors", "prediction − target", [("before", before.error), ("now", now.error)])
    elif isinstance(before, Ranked) and isinstance(now, Ranked):
        yield _histogram("Scores", "score", [("before", before.score), ("now", now.score)])
    name = next(iter(parts[0].differences))
    rows = [(part.name, part.differences[name]) for part in parts[:_MOST_ROWS]]
    told = [
        (of, each.change, each.low, each.high)
        for of, each in rows
        if each.change is not None and each.low is not None and each.high is not None
    ]
    if told:
        title = f"Change of {name}"
        yield Plot(title, charts.intervals(title, told, "now − before", 0.0))


def _by_slice(parts: Sequence[Part]) -> Plot:
    name = next(iter(parts[0].figures))
    rows = [(part.name, part.figures[name]) for part in parts[:_MOST_ROWS]]
    told = [
        (of, each.value, each.low, each.high)
        for of, each in rows
        if each.value is not None and each.low is not None and each.high is not None
    ]
    title = f"{name} by slice"
    return Plot(title, charts.intervals(title, told, name, told[0][1]) if told else "")


def _shown_classes(case: Classified) -> list[tuple[str, int]]:
    """The classes that curves are drawn of: the positive one, or the most frequent."""
    import numpy as np  # noqa: PLC0415 - heavy

    if case.positive is not None:
        return [(case.classes[case.positive], case.positive)]
    often = np.argsort(-np.bincount(case.truth, minlength=len(case.classes)), kind="stable")
    return [(case.classes[place], int(place)) for place in often[:_MOST_CURVES]]


def _roc(case: Classified) -> Plot:
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - heavy

    assert case.probabilities is not None
    series = []
    for name, place in _shown_classes(case):
        if 0 < (case.truth == place).sum() < len(case):
            false, true, _ = roc_curve(case.truth == place, case.probabilities[:, place])
            series.append((name, _thinned(false, true)))
    return Plot("ROC curve", charts.curves("ROC curve", series, "false positives", "true positives", True))


def _precision_recall(case: Classified) -> Plot:
    from sklearn.metrics import precision_recall_curve  # noqa: PLC0415 - heavy

    assert case.probabilities is not None
    series = []
    for name, place in _shown_classes(case):
        if (case.truth == place).any():
            precision, recall, _ = precision_recall_curve(case.truth == place, case.probabilities[:, place])
            series.append((name, _thinned(recall, precision)))
    title = "Precision and recall"
    return Plot(title, charts.curves(title, series, "recall", "precision", False))


def _calibration(case: Classified) -> Plot:
    import numpy as np  # noqa: PLC0415 - heavy

    told, true = told_and_true(case)
    bins = np.clip((told * BINS).astype(int), 0, BINS - 1)
    points = [
        (float(told[bins == each].mean()), float(true[bins == each].mean()), float((bins == each).sum()))
        for each in range(BINS)
        if (bins == each).any()
    ]
    return Plot("Calibration", charts.reliability("Calibration", points))


def _estimates(case: Estimated) -> Plot:
    title = "Predictions and target"
    points = _thinned(case.truth, case.predicted)
    return Plot(title, charts.scatter(title, points, "target", "prediction"))


def _scores(case: Classified, series: Sequence[tuple[str, Any]]) -> Plot:
    assert case.positive is not None
    return _histogram("Probabilities", f"probability of {case.classes[case.positive]}", series, (0.0, 1.0))


def _histogram(
    title: str, label: str, series: Sequence[tuple[str, Any]], limits: tuple[float, float] | None = None
) -> Plot:
    import numpy as np  # noqa: PLC0415 - heavy

    every = np.concatenate([values for _, values in series])
    low, high = limits or (float(every.min()), float(every.max()))
    edges = np.linspace(low, high if high > low else low + 1, _HISTOGRAM + 1)
    shares = [(name, (np.histogram(values, edges)[0] / max(len(values), 1)).tolist()) for name, values in series]
    return Plot(title, charts.histograms(title, edges.tolist(), shares, label))


def _thinned(x: Any, y: Any) -> list[tuple[float, float]]:
    """At most some hundred points, evenly among all."""
    import numpy as np  # noqa: PLC0415 - heavy

    places = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).astype(int))
    return [(float(a), float(b)) for a, b in zip(x[places], y[places], strict=True)]
