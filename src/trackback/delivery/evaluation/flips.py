"""Which rows are predicted otherwise than before, and whether for the better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trackback.delivery.evaluation.cases import Case, Classified, Estimated

if TYPE_CHECKING:
    import pandas as pd

MOST_EXAMPLES = 20
_MOST_INPUTS = 8
_LONGEST = 120


class Example(msgspec.Struct, frozen=True):
    """A row of the test set: its place, and what it is called; the target, and what was and is predicted."""

    row: int
    name: str
    target: str
    before: str
    now: str
    inputs: dict[str, str]


class Flips(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of classes ``worse`` is how many were right and are wrong, ``better`` the other way round; ``changed`` how many
    are predicted otherwise at all. Of numbers, whose errors grew and shrank by more than ``tolerance``.

    p: of as many both ways: McNemar's exact test of classes, Wilcoxon's of the sizes of errors.
    """

    rows: int
    changed: int
    worse: int
    better: int
    p: float | None = None
    tolerance: float | None = None
    worse_examples: tuple[Example, ...] = ()
    better_examples: tuple[Example, ...] = ()


def flips_of(
    before: Case, now: Case, frame: pd.DataFrame, id_column: str | None, inputs: tuple[str, ...]
) -> Flips | None:
    """Of two cases of the same rows, with examples; None of rankings, where a row alone is neither right nor wrong."""
    if isinstance(before, Classified) and isinstance(now, Classified):
        return _of_classes(before, now, frame, id_column, inputs)
    if isinstance(before, Estimated) and isinstance(now, Estimated):
        return _of_numbers(before, now, frame, id_column, inputs)
    return None


def _of_classes(
    before: Classified, now: Classified, frame: pd.DataFrame, id_column: str | None, inputs: tuple[str, ...]
) -> Flips:
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy.stats import binomtest  # noqa: PLC0415 - heavy

    old, new = (np.array(case.classes, dtype=object)[case.predicted] for case in (before, now))
    target = np.array(now.classes, dtype=object)[now.truth]
    worse, better = (old == target) & (new != target), (old != target) & (new == target)
    either = int(worse.sum() + better.sum())
    sure = _sureness(before), _sureness(now)
    worst = np.argsort(-np.where(worse, sure[1], -1.0), kind="stable")[: int(worse.sum())]
    best = np.argsort(-np.where(better, sure[1], -1.0), kind="stable")[: int(better.sum())]

    def told(rows: Any) -> tuple[Example, ...]:
        return _examples(rows, frame, id_column, inputs, target, old, new)

    return Flips(
        len(now),
        int((old != new).sum()),
        int(worse.sum()),
        int(better.sum()),
        float(binomtest(int(worse.sum()), either).pvalue) if either else None,
        None,
        told(worst),
        told(best),
    )


def _sureness(case: Classified) -> Any:
    """The probability of what is predicted; the same of all where none is told."""
    import numpy as np  # noqa: PLC0415 - heavy

    if case.probabilities is None:
        return np.ones(len(case))
    return case.probabilities[np.arange(len(case)), case.predicted]


def _of_numbers(
    before: Estimated, now: Estimated, frame: pd.DataFrame, id_column: str | None, inputs: tuple[str, ...]
) -> Flips:
    """An error that grew or shrank by a tenth of the target's deviation, or more, has flipped."""
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy.stats import wilcoxon  # noqa: PLC0415 - heavy

    grown = np.abs(now.error) - np.abs(before.error)
    tolerance = float(now.truth.std()) / 10
    worse, better = grown > tolerance, grown < -tolerance
    order = np.argsort(-grown, kind="stable")

    def told(rows: Any) -> tuple[Example, ...]:
        return _examples(rows, frame, id_column, inputs, now.truth, before.predicted, now.predicted)

    return Flips(
        len(now),
        int((np.abs(now.predicted - before.predicted) > tolerance).sum()),
        int(worse.sum()),
        int(better.sum()),
        float(wilcoxon(grown).pvalue) if (grown != 0).any() else None,
        tolerance,
        told(order[: int(worse.sum())]),
        told(order[::-1][: int(better.sum())]),
    )


def _examples(
    rows: Any, frame: pd.DataFrame, id_column: str | None, inputs: tuple[str, ...], target: Any, before: Any, now: Any
) -> tuple[Example, ...]:
    return tuple(
        Example(
            row,
            _shown(frame[id_column].iloc[row]) if id_column else str(row),
            _shown(target[row]),
            _shown(before[row]),
            _shown(now[row]),
            {name: _shown(frame[name].iloc[row]) for name in inputs[:_MOST_INPUTS]},
        )
        for row in map(int, rows[:MOST_EXAMPLES])
    )


def _shown(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
