"""Figures of comparisons and of calibration, found again by other means: scipy's, scikit-learn's, or counting."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, bootstrap as scipys, ks_2samp, ttest_rel, wilcoxon
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, brier_score_loss, ndcg_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.delivery.world import halves
from trackback.delivery.evaluation.bootstrap import Bootstrap
from trackback.delivery.evaluation.cases import Case, Classified, Estimated, Ranked
from trackback.delivery.evaluation.flips import flips_of
from trackback.delivery.evaluation.measuring import compare, measure
from trackback.delivery.evaluation.metrics import metrics_of
from trackback.delivery.evaluation.metrics.functions import Given
from trackback.delivery.evaluation.shift import shift_of
from trackback.delivery.evaluation.slices import Slice, slices_of, with_lengths
from trackback.delivery.evaluation.spec import RangeSpec, SliceSpec, Spec

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Floats
    from trackback.delivery.evaluation.measuring import Compared, Part
    from trackback.delivery.evaluation.metrics import Metric


@cache
def patients(columns: int = 30) -> Classified:
    """Two classes, by a model of some columns."""
    train, test = halves(load_breast_cancer(as_frame=True))
    inputs = list(train.columns[:columns])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train[inputs], train["y"])
    told = model.predict_proba(test[inputs])
    return Classified(("0", "1"), test["y"].to_numpy(), told.argmax(axis=1), told, 1)


@cache
def wines() -> Classified:
    train, test = halves(load_wine(as_frame=True))
    some = list(train.columns[:3])
    told = RandomForestClassifier(20, random_state=0).fit(train[some], train["y"]).predict_proba(test[some])
    return Classified(("0", "1", "2"), test["y"].to_numpy(), told.argmax(axis=1), told)


@cache
def diabetes(alpha: float) -> Estimated:
    train, test = halves(load_diabetes(as_frame=True))
    model = Ridge(alpha).fit(train.drop(columns="y"), train["y"])
    return Estimated(test["y"].to_numpy(), model.predict(test.drop(columns="y")))


def value(case: Case, name: str) -> float:
    return metric(case, name).of(case)


def metric(case: Case, name: str) -> Metric:
    return next(each for each in metrics_of(case) if each.name == name)


def measured(case: Case, name: str, *slices: Slice, resamples: int = 1000) -> tuple[Part, ...]:
    return measure(case, Given({}, len(case)), [metric(case, name)], slices, Bootstrap(len(case), resamples, 0.95, 0))


def compared(before: Case, now: Case, name: str, *slices: Slice, seed: int = 0, resamples: int = 1000) -> Any:
    nothing = Given({}, len(now))
    drawn = Bootstrap(len(now), resamples, 0.95, seed)
    found: tuple[Compared, ...] = compare((before, nothing), (now, nothing), [metric(now, name)], slices, drawn)
    return [each.differences[name] for each in found]


class TestCalibration:
    def test_of_two_classes_it_is_that_of_scikit_learns_curve(self) -> None:
        case = patients(4)
        assert case.score is not None
        true, told = calibration_curve(case.is_positive, case.score, n_bins=10)
        rows = np.histogram(case.score, np.linspace(0, 1, 11))[0]
        gaps = np.abs(true - told)
        assert value(case, "expected_calibration_error") == pytest.approx((gaps * rows[rows > 0]).sum() / len(case))
        assert value(case, "largest_calibration_error") == pytest.approx(gaps.max())

    def test_of_more_classes_it_is_that_of_the_predicted_one(self) -> None:
        case = wines()
        assert case.probabilities is not None
        told = case.probabilities.max(axis=1)
        bins = pd.cut(told, np.linspace(0, 1, 11), right=False, labels=False)
        frame = pd.DataFrame({"told": told, "right": case.right, "bin": np.where(told == 1, 9, bins)})
        each = frame.groupby("bin").agg(told=("told", "mean"), right=("right", "mean"), rows=("told", "size"))
        gaps = (each["told"] - each["right"]).abs()
        assert value(case, "expected_calibration_error") == pytest.approx((gaps * each["rows"]).sum() / len(case))

    def test_brier_score(self) -> None:
        two, more = patients(4), wines()
        assert value(two, "brier_score") == pytest.approx(brier_score_loss(two.is_positive, two.score))
        assert more.probabilities is not None
        one_hot = pd.get_dummies(more.truth).to_numpy(dtype=float)
        assert value(more, "brier_score") == pytest.approx(((more.probabilities - one_hot) ** 2).sum(axis=1).mean())


class TestRanking:
    """Ten rows of a test set are what was shown for one query; one query has nothing relevant."""

    @pytest.fixture
    def case(self) -> Ranked:
        of = diabetes(0.1)
        relevance = np.where(of.truth > 200, 2.0, np.where(of.truth > 150, 1.0, 0.0))
        group = np.arange(len(relevance)) // 25
        relevance[group == 1] = 0
        return Ranked(relevance, of.predicted, group)

    @pytest.fixture
    def queries(self, case: Ranked) -> list[pd.DataFrame]:
        frame = pd.DataFrame({"relevance": case.relevance, "score": case.score, "group": case.group})
        groups = [rows.sort_values("score", ascending=False, kind="stable") for _, rows in frame.groupby("group")]
        return [rows for rows in groups if (rows["relevance"] > 0).any()]

    def test_orders_are_scored_by_group(self, case: Ranked, queries: list[pd.DataFrame]) -> None:
        assert len(queries) == len(set(case.group)) - 1
        hits = [(rows["relevance"] > 0).tolist() for rows in queries]
        wanted = {
            "ndcg@10": [ndcg_score([rows["relevance"]], [rows["score"]], k=10) for rows in queries],
            "ndcg": [ndcg_score([rows["relevance"]], [rows["score"]]) for rows in queries],
            "mean_reciprocal_rank": [1 / (1 + each.index(True)) for each in hits],
            "mean_average_precision": [
                average_precision_score(rows["relevance"] > 0, rows["score"]) for rows in queries
            ],
            "precision@10": [sum(each[:10]) / min(10, len(each)) for each in hits],
            "recall@10": [sum(each[:10]) / sum(each) for each in hits],
        }
        assert {each.name for each in metrics_of(case)} == set(wanted)
        for name, values in wanted.items():
            assert value(case, name) == pytest.approx(np.mean(values)), name


class TestIntervals:
    def test_they_are_those_of_scipys_percentile_bootstrap(self) -> None:
        case = diabetes(0.1)
        (whole,) = measured(case, "mean_absolute_error", resamples=4000)
        wanted = scipys(
            (np.abs(case.error),), np.mean, n_resamples=4000, method="percentile", rng=1
        ).confidence_interval
        width = wanted.high - wanted.low
        figure = whole.figures["mean_absolute_error"]
        assert figure.low == pytest.approx(wanted.low, abs=width / 20)
        assert figure.high == pytest.approx(wanted.high, abs=width / 20)

    def test_those_of_slices_are_of_their_rows_alone(self) -> None:
        case = patients(4)
        rows = np.flatnonzero(np.arange(len(case)) % 3 == 0)
        _, part = measured(case, "accuracy", Slice("third", "third", rows), resamples=4000)
        alone = case.right[rows]
        error = np.sqrt(alone.mean() * (1 - alone.mean()) / len(rows))
        figure = part.figures["accuracy"]
        assert part.rows == len(rows)
        assert figure.value == pytest.approx(alone.mean())
        assert figure.high is not None
        assert figure.low is not None
        assert figure.high - figure.low == pytest.approx(2 * 1.96 * error, rel=0.15)


class TestDifferences:
    def test_their_intervals_are_of_pairs(self) -> None:
        """Of two models that err alike the difference is far surer than each of their errors."""
        before, now = diabetes(1.0), diabetes(0.1)
        (found,) = compared(before, now, "mean_absolute_error", resamples=4000)
        pairs = np.abs(now.error) - np.abs(before.error)
        assert found.change == pytest.approx(pairs.mean())
        assert found.high - found.low == pytest.approx(2 * 1.96 * pairs.std() / np.sqrt(len(pairs)), rel=0.1)
        apart = np.sqrt(now.error.var() + before.error.var()) / np.sqrt(len(pairs))
        assert found.high - found.low < 2 * 1.96 * apart / 2

    def test_their_p_values_are_about_those_of_the_paired_test(self) -> None:
        before, now = diabetes(1.0), diabetes(0.5)
        (found,) = compared(before, now, "mean_absolute_error", resamples=4000)
        assert found.p == pytest.approx(ttest_rel(np.abs(now.error), np.abs(before.error)).pvalue, abs=0.02)

    def test_models_that_are_equally_good_differ_for_certain_about_as_seldom_as_it_says(self) -> None:
        """Two that err by chance alone, 300 times: by an interval of 95%, some 15 times."""
        random = np.random.default_rng(5)
        sure = small = 0
        for seed in range(300):
            truth = np.zeros(80)
            before, now = (Estimated(truth, random.normal(0, 1, 80)) for _ in range(2))
            (found,) = compared(before, now, "mean_absolute_error", seed=seed, resamples=200)
            sure += found.better is not None
            small += found.p <= 0.05
        assert 5 <= sure <= 30
        assert 3 <= small <= 28

    def test_p_values_count_how_many_resamples_are_on_the_other_side(self) -> None:
        bootstrap = Bootstrap(10, 1000, 0.95, 0)
        assert bootstrap.significance(np.array([1.0] * 97 + [-1.0] * 2)) == pytest.approx(2 * 3 / 100)
        assert bootstrap.significance(np.zeros(99)) == 1
        assert bootstrap.significance(np.array([np.nan] * 60 + [1.0] * 39)) is None

    def test_those_of_slices_are_holms(self) -> None:
        """Four tests of 0.005, 0.01, 0.03 and 0.04: times 4, 3, 2 and 1, and none below the one before it."""
        before, now = patients(2), patients(4)
        places = np.arange(len(now))
        slices = [Slice("by", str(each), places[places % 4 == each]) for each in range(4)]
        alone = [compared(before, now, "accuracy", each)[1].p for each in slices]
        together = [each.p for each in compared(before, now, "accuracy", *slices)[1:]]
        order = np.argsort(alone, kind="stable")
        wanted, least = {}, 0.0
        for rank, place in enumerate(order):
            least = max(least, min(1.0, (4 - rank) * alone[place]))
            wanted[place] = least
        assert len(set(alone)) == 4
        assert together == pytest.approx([wanted[place] for place in range(4)])

    def test_better_is_what_the_metric_says(self) -> None:
        up = compared(patients(2), patients(30), "accuracy")[0]
        down = compared(patients(2), patients(30), "log_loss")[0]
        assert (up.better, up.change > 0) == (True, True)
        assert (down.better, down.change < 0) == (True, True)


class TestFlips:
    def test_numbers_are_tested_by_wilcoxon(self) -> None:
        before, now = diabetes(10.0), diabetes(0.1)
        found = flips_of(before, now, pd.DataFrame(index=range(len(now))), None, ())
        assert found is not None
        grown = np.abs(now.error) - np.abs(before.error)
        tolerance = np.std(now.truth) / 10
        assert found.p == pytest.approx(wilcoxon(np.abs(now.error), np.abs(before.error)).pvalue)
        assert (found.worse, found.better) == ((grown > tolerance).sum(), (grown < -tolerance).sum())
        assert found.changed == (np.abs(now.predicted - before.predicted) > tolerance).sum()

    def test_classes_are_tested_by_mcnemars_exact_test(self) -> None:
        before, now = patients(2), patients(4)
        found = flips_of(before, now, pd.DataFrame({"x": range(len(now))}), "x", ("x",))
        assert found is not None
        table = pd.crosstab(before.right, now.right)
        assert (found.worse, found.better) == (table.loc[True, False], table.loc[False, True])
        assert found.p == pytest.approx(binomtest(found.worse, found.worse + found.better, 0.5).pvalue)
        sure = now.probabilities
        assert sure is not None
        told = [sure[each.row].max() for each in found.worse_examples]
        assert told == sorted(told, reverse=True)
        assert all(each.name == str(each.row) for each in found.worse_examples)


class TestShift:
    def test_numbers_are_counted_in_tenths_of_what_they_were(self) -> None:
        before, now = diabetes(10.0).predicted, diabetes(0.1).predicted
        found = shift_of(diabetes(10.0), diabetes(0.1))
        edges = [-np.inf, *pd.Series(before).quantile(np.arange(1, 10) / 10), np.inf]
        shares: list[Floats] = [
            pd.cut(each, edges, right=False).value_counts().to_numpy() / len(each) for each in (before, now)
        ]
        wanted = sum((b - a) * np.log(b / a) for a, b in zip(*(np.maximum(each, 1e-4) for each in shares), strict=True))
        assert found.before == pytest.approx(shares[0])
        assert found.now == pytest.approx(shares[1])
        assert found.psi == pytest.approx(wanted)
        assert found.psi > 0.25
        assert (found.ks, found.ks_p) == pytest.approx((ks_2samp(before, now).statistic, ks_2samp(before, now).pvalue))

    def test_of_the_same_predictions_there_is_none(self) -> None:
        found = shift_of(patients(), patients())
        assert (found.psi, found.ks, found.of) == (0, 0, "probability")

    def test_of_classes_without_probabilities_the_shares_are_compared(self) -> None:
        before, now = (
            Classified(("a", "b"), np.zeros(10, int), np.repeat([0, 1], counts)) for counts in ((5, 5), (8, 2))
        )
        found = shift_of(before, now)
        assert (found.of, found.before, found.now, found.ks) == ("class", (0.5, 0.5), (0.8, 0.2), None)
        assert found.psi == pytest.approx(0.3 * np.log(8 / 5) - 0.3 * np.log(2 / 5))


class TestSlices:
    FRAME = pd.DataFrame(
        {
            "age": [20, 30, 40, 50, 60, np.nan],
            "region": ["n", "s", None, "n", "s", "n"],
            "text": ["a", "a b", "a b c", "a b c d", "a b c d e", "a b c d e f"],
        }
    )

    def named(self, *slices: SliceSpec) -> dict[str, list[int]]:
        return {each.name: each.rows.tolist() for each in slices_of(self.FRAME, Spec(slices=slices))}

    def test_bins_part_numbers_and_what_is_missing_is_one_of_its_own(self) -> None:
        parted = {"age < 30": [0], "age 30 to 50": [1, 2], "age ≥ 50": [3, 4], "age missing": [5]}
        assert self.named(SliceSpec(by="age", bins=(30, 50))) == parted
        halves_of_it = self.named(SliceSpec(by="age", bins=2))
        assert halves_of_it == {"age < 40": [0, 1], "age ≥ 40": [2, 3, 4], "age missing": [5]}

    def test_each_combination_of_values_is_one(self) -> None:
        assert self.named(SliceSpec(by="region")) == {"region=n": [0, 3, 5], "region=s": [1, 4], "region=missing": [2]}
        assert self.named(SliceSpec(by=("region", "text")))["region=s, text=a b"] == [1]

    def test_rows_of_some_kind_are_those_that_are_all_of_it(self) -> None:
        kind = SliceSpec(name="young", where={"age": RangeSpec(min=20, max=40), "region": ("n", "s")})
        assert self.named(kind) == {"young": [0, 1]}

    def test_texts_are_parted_by_their_words(self) -> None:
        spec = Spec(min_rows=2)
        found = with_lengths((), self.FRAME, "text", spec)
        assert {each.name: each.rows.tolist() for each in found.slices} == {
            "up to 3 words": [0, 1, 2],
            "4 to 5 words": [3, 4],
        }
        assert found.left_out == ("more than 5 words",)
