"""Metrics: their replicates, which come all at once, are what each metric is of the rows that were drawn."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from trackback.delivery.evaluation.bootstrap import Bootstrap
from trackback.delivery.evaluation.cases import Classified, Estimated, Ranked
from trackback.delivery.evaluation.metrics import metrics_of
from trackback.delivery.evaluation.metrics.regression import metrics as metrics_of_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackback.delivery.evaluation.cases import Case, Codes, Floats, Rows

ROWS = 60
GROUPS = 12


def two_classes(random: np.random.Generator) -> Classified:
    told = random.dirichlet([1, 1], ROWS).round(1)  # with ties
    told[:, 1] = 1 - told[:, 0]
    return Classified(("a", "b"), random.integers(0, 2, ROWS), told.argmax(axis=1), told, 1)


def three_classes(random: np.random.Generator) -> Classified:
    told = random.dirichlet([1, 1, 1], ROWS)
    return Classified(("a", "b", "c"), random.integers(0, 3, ROWS), told.argmax(axis=1), told)


def a_class_that_is_never_there(random: np.random.Generator) -> Classified:
    truth = random.integers(0, 2, ROWS)
    return Classified(("a", "b", "c"), truth, np.where(random.random(ROWS) < 0.7, truth, 0))


def many_classes(random: np.random.Generator) -> Classified:
    truth = random.integers(0, 40, ROWS)
    return Classified(tuple(map(str, range(40))), truth, np.where(random.random(ROWS) < 0.7, truth, 0))


def numbers(random: np.random.Generator) -> Estimated:
    truth = random.normal(1000, 3, ROWS)
    return Estimated(truth, truth + random.normal(0.5, 2, ROWS))


@pytest.mark.parametrize("make", [two_classes, three_classes, many_classes, a_class_that_is_never_there, numbers])
def test_replicates_are_the_values_of_the_rows_that_were_drawn(
    make: Callable[[np.random.Generator], Case],
) -> None:
    random = np.random.default_rng(7)
    case = make(random)
    weights = np.stack([np.bincount(random.integers(0, ROWS, ROWS), minlength=ROWS) for _ in range(5)]).astype(float)
    for metric in metrics_of(case):
        drawn = [metric.of(case.take(np.repeat(np.arange(ROWS), each.astype(int)))) for each in weights]
        assert metric.replicates(case, weights) == pytest.approx(drawn, nan_ok=True), metric.name


def test_groups_of_a_ranking_are_drawn_as_a_whole() -> None:
    random = np.random.default_rng(7)
    group = np.repeat(np.arange(GROUPS), ROWS // GROUPS)
    case = Ranked(random.integers(0, 3, ROWS).astype(float), random.normal(size=ROWS), group)
    often = np.bincount(random.integers(0, GROUPS, GROUPS), minlength=GROUPS)
    copies = [np.flatnonzero(group == each) for each in range(GROUPS) for _ in range(often[each])]
    drawn = case.take(np.concatenate(copies))
    as_drawn = Ranked(drawn.relevance, drawn.score, np.repeat(np.arange(len(copies)), ROWS // GROUPS))
    for metric in metrics_of(case):
        found = metric.replicates(case, often[group][None, :].astype(float))
        assert found == pytest.approx([metric.of(as_drawn)]), metric.name


def test_what_has_no_value_is_none_in_silence() -> None:
    """Not one warning, and no error, of rows that are all of one class or of none at all."""
    one = Classified(("a", "b"), np.zeros(4, dtype=int), np.zeros(4, dtype=int), np.tile([0.7, 0.3], (4, 1)), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = {metric.name: metric.of(one) for metric in metrics_of(one)}
        nothing = [metric.of(Estimated(np.array([]), np.array([]))) for metric in metrics_of_numbers(numbers_of(1))]
    assert np.isnan(values["roc_auc"])
    assert values["accuracy"] == 1
    assert np.isnan(nothing).all()


def numbers_of(rows: int) -> Estimated:
    return Estimated(np.arange(rows, dtype=float), np.arange(rows, dtype=float))


def share_of(values: Floats, weights: Floats) -> Floats:
    found: Floats = weights @ values / weights.sum(axis=1)
    return found


class TestBootstrap:
    def test_the_same_seed_gives_the_same_interval_in_however_many_pieces(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def mean(weights: Floats) -> Floats:
            found: Floats = weights @ np.arange(50) / weights.sum(axis=1)
            return found

        (whole,) = Bootstrap(50, 300, 0.95, 3).replicates([mean])
        monkeypatch.setattr("trackback.delivery.evaluation.bootstrap._AT_ONCE", 50 * 300)
        (again,) = Bootstrap(50, 300, 0.95, 3).replicates([mean])
        (other,) = Bootstrap(50, 300, 0.95, 4).replicates([mean])
        assert whole.tolist() == again.tolist()
        assert whole.tolist() != other.tolist()

    def test_intervals_hold_the_truth_about_as_often_as_they_say(self) -> None:
        """Of 200 samples of a share of 0.8, 90% of the intervals hold it, give or take what chance allows."""
        random = np.random.default_rng(1)
        held = 0
        for seed in range(200):
            right = (random.random(150) < 0.8).astype(float)
            bootstrap = Bootstrap(150, 300, 0.9, seed)
            (found,) = bootstrap.replicates([partial(share_of, right)])
            interval = bootstrap.interval(found)
            assert interval is not None
            held += interval[0] <= 0.8 <= interval[1]
        assert 165 <= held <= 195

    def test_rows_of_one_unit_are_drawn_together(self) -> None:
        codes: Codes = np.repeat(np.arange(10), 5)
        seen: list[Rows] = []

        def look(weights: Floats) -> Floats:
            seen.extend(weights.astype(int))
            rows: Floats = weights.sum(axis=1)
            return rows

        (rows,) = Bootstrap(50, 200, 0.95, 0, "patient", codes).replicates([look])
        assert (rows == 50).all()
        assert all((each.reshape(10, 5) == each.reshape(10, 5)[:, :1]).all() for each in seen)

    def test_no_difference_is_not_significant_and_a_clear_one_is(self) -> None:
        bootstrap = Bootstrap(100, 1000, 0.95, 0)
        around = np.random.default_rng(0).normal(0, 1, 1000)
        assert (bootstrap.significance(around) or 0) > 0.8
        assert (bootstrap.significance(around + 10) or 1) < 0.01

    def test_many_rows_are_drawn_less_often_but_not_seldom(self) -> None:
        assert Bootstrap(100, 1000, 0.95, 0).drawn == 1000
        assert Bootstrap(10_000_000, 1000, 0.95, 0).drawn == 200
