"""Figures of one model, or of two on the same rows: values, how uncertain they are, and how they differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from trackback.delivery.evaluation.metrics.functions import Given

if TYPE_CHECKING:
    from trackback.delivery.evaluation.bootstrap import Bootstrap
    from trackback.delivery.evaluation.cases import Case, Floats, Rows
    from trackback.delivery.evaluation.metrics.metric import Metric
    from trackback.delivery.evaluation.slices import Slice

WHOLE = "all"


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric's value, and the interval around it; None where there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class Part(msgspec.Struct, frozen=True):
    """All rows, or a slice; ``figures`` by metric."""

    name: str
    family: str
    rows: int
    figures: dict[str, Figure]


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric before and now. ``change`` is now less before; ``p`` of no change, of slices by Holm's method.

    better: whether it is for the better; None where it is not sure which, at the confidence of the interval.
    """

    before: float | None = None
    now: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    better: bool | None = None


class Compared(msgspec.Struct, frozen=True):
    """The same rows of both; ``differences`` by metric."""

    name: str
    family: str
    rows: int
    differences: dict[str, Difference]


@dataclass(frozen=True)
class Sample:
    """One model's case, and what functions are given of it; some rows of both, where ``rows`` says so."""

    case: Case
    given: Given
    rows: Rows | None = None

    def of(self, metric: Metric) -> Any:
        return self._given if metric.most_resamples is not None else self._case

    @cached_property
    def _case(self) -> Case:
        return self.case if self.rows is None else self.case.take(self.rows)

    @cached_property
    def _given(self) -> Given:
        return self.given if self.rows is None else self.given.take(self.rows)


class _Drawn:
    """The weights of a slice's rows, made once for all metrics."""

    def __init__(self, rows: Rows | None) -> None:
        self._rows = rows
        self._of: Any = None
        self._weights: Any = None

    def __call__(self, weights: Floats) -> Floats:
        if self._rows is None:
            return weights
        if self._of is not weights:
            self._of, self._weights = weights, weights[:, self._rows]
        found: Floats = self._weights
        return found


class _Measure:
    """A metric's replicates of a sample; of a function as many as it may be asked for."""

    def __init__(self, metric: Metric, sample: Sample, drawn: _Drawn) -> None:
        self._metric = metric
        self._sample = sample
        self._drawn = drawn
        self._left = math.inf if metric.most_resamples is None else metric.most_resamples

    def __call__(self, weights: Floats) -> Any:
        taken = self._drawn(weights)
        if self._left < len(taken):
            taken = taken[: int(self._left)]
        self._left -= len(taken)
        return self._metric.replicates(self._sample.of(self._metric), taken) if len(taken) else []


def measure(
    case: Case, given: Given, metrics: Sequence[Metric], slices: Sequence[Slice], bootstrap: Bootstrap
) -> tuple[Part, ...]:
    """All rows first, then each slice."""
    places = _places(len(case), slices)
    samples = [Sample(case, given, rows) for _, _, rows in places]
    drawn = [_Drawn(rows) for _, _, rows in places]
    measures = [_Measure(m, s, d) for s, d in zip(samples, drawn, strict=True) for m in metrics]
    replicates = iter(bootstrap.replicates(measures))
    return tuple(
        Part(
            name,
            family,
            len(case) if rows is None else len(rows),
            {m.name: _figure(m.of(sample.of(m)), bootstrap.interval(next(replicates))) for m in metrics},
        )
        for (name, family, rows), sample in zip(places, samples, strict=True)
    )


def compare(
    before: tuple[Case, Given],
    now: tuple[Case, Given],
    metrics: Sequence[Metric],
    slices: Sequence[Slice],
    bootstrap: Bootstrap,
) -> tuple[Compared, ...]:
    """All rows first, then each slice: on the same resamples of the same rows."""
    places = _places(len(now[0]), slices)
    drawn = [_Drawn(rows) for _, _, rows in places]
    pairs = [(Sample(*before, rows), Sample(*now, rows)) for _, _, rows in places]
    measures = [
        _Measure(m, sample, d) for pair, d in zip(pairs, drawn, strict=True) for sample in pair for m in metrics
    ]
    replicates = iter(bootstrap.replicates(measures))
    found = []
    for (name, family, rows), (old, new) in zip(places, pairs, strict=True):
        differences = {}
        told = [next(replicates) for _ in (*metrics, *metrics)]
        for metric, was, came in zip(metrics, told[: len(metrics)], told[len(metrics) :], strict=True):
            values = metric.of(old.of(metric)), metric.of(new.of(metric))
            differences[metric.name] = _difference(metric, *values, came - was, bootstrap)
        found.append(Compared(name, family, len(now[0]) if rows is None else len(rows), differences))
    return (found[0], *_corrected(found[1:], [metric.name for metric in metrics]))


def _places(rows: int, slices: Sequence[Slice]) -> list[tuple[str, str, Rows | None]]:
    return [(WHOLE, WHOLE, None), *((each.name, each.family, each.rows) for each in slices)]


def _figure(value: float, interval: tuple[float, float] | None) -> Figure:
    low, high = interval or (None, None)
    return Figure(known(value), low, high)


def _difference(metric: Metric, before: float, now: float, replicates: Floats, bootstrap: Bootstrap) -> Difference:
    interval = bootstrap.interval(replicates)
    low, high = interval or (None, None)
    sure = low is not None and high is not None and (low > 0 or high < 0)
    return Difference(
        known(before),
        known(now),
        known(now - before),
        low,
        high,
        bootstrap.significance(replicates),
        (now > before) == metric.higher_is_better if sure else None,
    )


def _corrected(parts: Iterable[Compared], names: Sequence[str]) -> list[Compared]:
    """With p-values by Holm's method: of many slices, some differ by chance."""
    parts = list(parts)
    for name in names:
        told = [(each.differences[name].p, place) for place, each in enumerate(parts)]
        ordered = sorted((p, place) for p, place in told if p is not None)
        reached = 0.0
        for rank, (p, place) in enumerate(ordered):
            reached = max(reached, min(1.0, p * (len(ordered) - rank)))
            old = parts[place].differences[name]
            parts[place].differences[name] = msgspec.structs.replace(old, p=reached)
    return parts


def known(value: float) -> float | None:
    """The value; None of what is none, which JSON has no word for."""
    return value if math.isfinite(value) else None
