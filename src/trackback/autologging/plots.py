"""Pictures of what a model has learnt. They take matplotlib; without it, or its windows, nothing is drawn."""

import io
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any

from trackback.autologging.run_logger import RunLogger

MOST_BARS = 100
"""More could not be read."""


def can_plot() -> bool:
    return find_spec("matplotlib") is not None


def log_classifier_plots(
    log: RunLogger,
    part: Callable[[str], AbstractContextManager[None]],
    estimator: Any,
    data: Any,
    targets: Any,
    weights: Any,
    prefix: str,
) -> None:
    """MLflow's: a confusion matrix, and of two classes the curves of ROC and of precision and recall."""
    from sklearn import metrics  # noqa: PLC0415 - whoever fits has it

    given = {"estimator": estimator, "X": data, "y": targets, "sample_weight": weights}
    with part("the confusion matrix"):
        matrix = metrics.ConfusionMatrixDisplay.from_estimator
        _log(log, f"{prefix}confusion_matrix", lambda axes: matrix(**given, normalize="true", cmap="Blues", ax=axes))
    if len(set(targets)) == 2:
        roc, precision = metrics.RocCurveDisplay.from_estimator, metrics.PrecisionRecallDisplay.from_estimator
        with part("the ROC curve"):
            _log(log, f"{prefix}roc_curve", lambda axes: roc(**given, ax=axes))
        with part("the curve of precision and recall"):
            _log(log, f"{prefix}precision_recall_curve", lambda axes: precision(**given, ax=axes))


def log_importances(log: RunLogger, kind: str, importances: Mapping[str, Any]) -> None:
    """Log how much each feature counts for a model, as JSON, and as bars."""
    log.document(dict(importances), f"feature_importance_{kind}.json")
    if can_plot() and importances:
        _log(log, f"feature_importance_{kind}", lambda axes: _draw_bars(axes, kind, importances), len(importances))


def _draw_bars(axes: Any, kind: str, importances: Mapping[str, Any]) -> None:
    largest = sorted(importances.items(), key=lambda item: _size(item[1]))[-MOST_BARS:]
    for place, (_, value) in enumerate(largest):
        values = value if isinstance(value, list) else [value]
        height = 0.8 / len(values)
        for each, number in enumerate(values):
            axes.barh(place + (each - (len(values) - 1) / 2) * height, number, height=height, color=f"C{each}")
    axes.set_yticks(range(len(largest)), [name for name, _ in largest])
    axes.set_xlabel("Importance")
    axes.set_title(f"Feature Importance ({kind})")


def _size(value: Any) -> float:
    return float(sum(map(abs, value)) if isinstance(value, list) else abs(value))


def _log(log: RunLogger, name: str, draw: Callable[[Any], Any], rows: int = 0) -> None:
    """By a figure that pyplot does not know, so that none of the program's is touched, and no window opened."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6.4, 4.8 + 0.1 * min(max(rows - 10, 0), MOST_BARS)), layout="tight")
    FigureCanvasAgg(figure)
    draw(figure.subplots())
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120)
    log.run.upload(f"{name}.png", content.getvalue())
