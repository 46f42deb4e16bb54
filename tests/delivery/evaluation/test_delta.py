"""`trackback deliver delta`: what differs from what is there, by the ledger, on the same rows."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, ks_2samp
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression

from tests.delivery.world import World, cancer, halves
from trackback.delivery.evaluation.against import Baseline, baseline
from trackback.delivery.subject import resolve
from trackback.errors import InvalidParameter, NotFound
from trackback.flavors import load_model, save_model

Saved = Callable[[str], Path]


@pytest.fixture
def versions(delivery: World, saved: Saved) -> None:
    """A weak model as models:/cancer/1, and a better one as 2."""
    delivery.register("cancer", saved("cancer-weak"), {"features": 2})
    delivery.register("cancer", saved("cancer"), {"features": 30})


@pytest.fixture(scope="module")
def patients(shared: World, saved: Saved) -> Path:
    """The same in the shared world, and their test set."""
    shared.register("cancer", saved("cancer-weak"), {"features": 2})
    shared.register("cancer", saved("cancer"), {"features": 30})
    return shared.write("patients.parquet", cancer()[1])


@pytest.fixture(scope="module")
def better(shared: World, patients: Path) -> dict[str, Any]:
    """What differs of the better model from the weak one, which is deployed."""
    deploy(shared, "models:/cancer/1")
    spec = shared.write("slices.yaml", "slices: [{by: clinic}]\n")
    return compared(shared, patients, "models:/cancer/2", "production", "--id", "clinic", "--spec", spec)


def compared(world: World, data: Path, model: str, against: str, *options: object, code: int = 0) -> dict[str, Any]:
    return world.deliver("delta", model, "--against", against, "--data", data, "--target", "y", *options, code=code)


def deploy(world: World, version: str, environment: str = "production") -> None:
    world.client.report_deployment(
        "endpoint",
        f"https://cancer.example/{version}",
        environment=environment,
        version=version,
        slot="cancer",
        replaces_previous=True,
    )


def against(world: World, model: str, which: str) -> Baseline:
    return baseline(world.client, resolve(world.client, model, {}), which)


@pytest.mark.usefixtures("versions")
class TestAgainst:
    def test_what_is_promoted_and_not_deployed_does_not_count_but_is_told(self, delivery: World) -> None:
        assert against(delivery, "models:/cancer/2", "production").why == (
            "Nothing of models:/cancer is deployed in production now, by the ledger."
        )
        delivery.client.promote("models:/cancer/1", "production")
        found = against(delivery, "models:/cancer/2", "production")
        assert (found.subject, found.first) == (None, True)
        assert "Promotion 1 let models:/cancer/1 in; nobody has reported that it is deployed" in found.why

    def test_what_is_deployed_counts_until_it_is_gone(self, delivery: World) -> None:
        deploy(delivery, "models:/cancer/1")
        found = against(delivery, "models:/cancer/2", "production")
        assert found.subject
        assert found.subject.uri == "models:/cancer/1"
        assert "deployment 1, at https://cancer.example" in found.why
        delivery.client.end_deployment(1)
        assert against(delivery, "models:/cancer/2", "production").first

    def test_files_that_are_deployed_already_are_no_first_release(self, delivery: World) -> None:
        deploy(delivery, "models:/cancer/2")
        found = against(delivery, "models:/cancer/2", "production")
        assert (found.subject, found.first) == (None, False)
        assert "These very files are deployed" in found.why

    def test_a_version_that_was_deleted_and_is_still_deployed_counts(self, delivery: World) -> None:
        deploy(delivery, "models:/cancer/1")
        digest = delivery.client.get_model_version("cancer", "1").digest
        delivery.client.delete_model_version("cancer", "1")
        found = against(delivery, "models:/cancer/2", "production").subject
        assert found
        assert found.fetch(delivery.client).digest == digest

    def test_previous_is_what_the_promotion_replaced(self, delivery: World, saved: Saved) -> None:
        delivery.register("cancer", saved("cancer-other"))
        delivery.client.promote("models:/cancer/1", "staging")
        delivery.client.promote("models:/cancer/3", "staging")
        found = against(delivery, "2", "previous").subject
        assert found
        assert found.uri == "models:/cancer/1"
        assert against(delivery, "1", "previous").first

    def test_previous_of_a_version_is_the_one_before_it_that_there_still_is(
        self, delivery: World, saved: Saved
    ) -> None:
        delivery.register("cancer", saved("cancer-other"))
        delivery.client.delete_model_version("cancer", "2")
        found = against(delivery, "models:/cancer/3", "previous").subject
        assert found
        assert found.uri == "models:/cancer/1"
        assert against(delivery, "models:/cancer/1", "previous").first

    def test_of_promoted_runs_what_is_deployed_of_their_experiment_counts(self, delivery: World) -> None:
        runs = [str(delivery.client.get_model_version("cancer", number).run_id) for number in ("1", "2")]
        for run_id in runs:
            delivery.client.set_terminated(run_id)
            delivery.client.promote(f"runs:/{run_id}", "staging")
        delivery.client.report_deployment("endpoint", "https://cancer.example", promotion=1)
        found = against(delivery, "2", "staging").subject
        assert found
        assert found.label == f"runs:/{runs[0]}"
        assert found.fetch(delivery.client).digest == delivery.client.get_model_version("cancer", "1").digest

    @pytest.mark.parametrize(
        ("which", "kind", "said"),
        [
            ("moon", InvalidParameter, "'moon' is nothing to compare with"),
            ("models:/cancer/9", NotFound, "9"),
            ("models:/none/1", NotFound, "none"),
        ],
    )
    def test_what_is_not_there_is_told(self, delivery: World, which: str, kind: type[Exception], said: str) -> None:
        with pytest.raises(kind, match=said):
            against(delivery, "models:/cancer/2", which)


class TestWhatDiffers:
    def test_a_better_model_passes_and_the_server_is_told_against_what(
        self, shared: World, better: dict[str, Any]
    ) -> None:
        up = better["metrics"]["accuracy"]
        assert (better["passed"], better["against"]["model"], up["better"]) == (True, "models:/cancer/1", True)
        assert 0 < up["low"] < up["change"] < up["high"]
        assert up["p"] < 0.05
        (verdict,) = shared.verdicts(shared.client.get_model_version("cancer", "2"), "delta")
        assert verdict.report["against"]["digest"] == shared.client.get_model_version("cancer", "1").digest

    def test_a_worse_model_fails(self, shared: World, patients: Path, better: dict[str, Any]) -> None:
        worse = compared(shared, patients, "models:/cancer/1", "models:/cancer/2", code=1)
        assert [each["passed"] for each in worse["checks"]] == [False]
        assert worse["metrics"]["accuracy"]["change"] == pytest.approx(-better["metrics"]["accuracy"]["change"])

    def test_with_nothing_there_yet_it_is_a_first_release_which_passes(self, shared: World, patients: Path) -> None:
        found = compared(shared, patients, "models:/cancer/2", "staging", "--verdict", "first")
        assert (found["passed"], found["first_release"]) == (True, True)
        (verdict,) = shared.verdicts(shared.client.get_model_version("cancer", "2"), "first")
        assert (verdict.passed, verdict.report["first_release"]) == (True, True)

    def test_flips_are_those_of_each_row_both_ways(self, saved: Saved, better: dict[str, Any]) -> None:
        test = cancer()[1]
        inputs = test.drop(columns=["y", "clinic"])
        old, new = (
            load_model(saved(name)).predict(inputs.iloc[:, :width]) == test["y"]
            for name, width in (("cancer-weak", 2), ("cancer", 30))
        )
        flips = better["flips"]
        assert (flips["worse"], flips["better"]) == ((old & ~new).sum(), (~old & new).sum())
        assert flips["p"] == pytest.approx(binomtest(flips["worse"], flips["worse"] + flips["better"]).pvalue)
        rows = [each["row"] for each in better["examples"]["better"]]
        assert set(rows) <= set(np.flatnonzero(~old & new).tolist())
        assert better["examples"]["better"][0]["name"] in ("north", "south")

    def test_the_shift_of_predictions_is_that_of_scipy_and_of_the_formula(
        self, saved: Saved, better: dict[str, Any]
    ) -> None:
        found = better["shift"]
        inputs = cancer()[1].drop(columns=["y", "clinic"])
        old = load_model(saved("cancer-weak")).predict_proba(inputs.iloc[:, :2])[:, 1]
        new = load_model(saved("cancer")).predict_proba(inputs)[:, 1]
        assert found["ks"] == pytest.approx(ks_2samp(old, new).statistic)
        shares = np.array(found["before"]), np.maximum(found["now"], 1e-4)
        assert found["psi"] == pytest.approx(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
        assert found["before"] == pytest.approx([0.1] * 10, abs=0.01)
        assert sum(found["now"]) == pytest.approx(1)

    def test_what_went_into_them_is_compared(self, better: dict[str, Any]) -> None:
        told = {(each["part"], each["name"]): (each.get("a"), each.get("b")) for each in better["changes"]}
        assert told["param", "features"] == ("2", "30")
        assert told["signature", "input worst area"][0] is None

    def test_slices_have_p_values_for_as_many_as_there_are(self, better: dict[str, Any]) -> None:
        assert [each["name"] for each in better["slices"]] == ["clinic=north", "clinic=south"]
        alone = [each["differences"]["accuracy"]["p"] for each in better["slices"]]
        assert max(alone) >= better["metrics"]["accuracy"]["p"]

    def test_reports_need_nothing_beside_themselves(self, better: dict[str, Any]) -> None:
        page, text, _ = (Path(each).read_text() for each in better["reports"])
        assert not re.search(r"(src|href)=|@import|url\(|<script", page)
        assert page.count("<svg") == 2
        assert "Better than before" in text

    def test_every_kind_of_threshold_turns_it_into_a_verdict(self, shared: World, patients: Path) -> None:
        kinds = [
            ("{metric: accuracy, max_drop: 0.5, significant: false}", "{metric: roc_auc}"),
            ("{flips: worse, max_share: 0.9}", "{flips: worse, max_count: 1}"),
            ("{flips: any, max_share: 0.9}", "{flips: any, max_share: 0.001}"),
            ("{shift: psi, max: 100}", "{shift: psi, max: 0.0001}"),
            ("{shift: ks, max: 1}", "{shift: ks, max: 0.0001}"),
            ("{latency: p50, max_ratio: 1000}", "{latency: p50, max_ratio: 0.0001}"),
            ("{memory: peak, max_ratio: 10}", "{memory: peak, max_ratio: 0.0001}"),
            ("{size: model, max_ratio: 10}", "{size: model, max_ratio: 0.0001}"),
            ("{unchanged: package}", "{unchanged: signature}"),
        ]
        lines = "".join(f"  - {each}\n" for place in (0, 1) for each in [pair[place] for pair in kinds])
        spec = shared.write("checks.yaml", f"delta:\n{lines}")
        found = compared(shared, patients, "models:/cancer/1", "models:/cancer/2", "--spec", spec, code=1)
        assert [each["passed"] for each in found["checks"]] == [True] * len(kinds) + [False] * len(kinds)

    def test_checks_of_other_things_do_not_let_a_worse_model_pass(self, shared: World, patients: Path) -> None:
        spec = shared.write("size.yaml", "delta: [{size: model, max_ratio: 100}]\n")
        found = compared(shared, patients, "models:/cancer/1", "models:/cancer/2", "--spec", spec, code=1)
        assert [each["passed"] for each in found["checks"]] == [False, True]
        assert found["checks"][0]["check"].startswith("accuracy is not for certain worse")

    def test_numbers_flip_where_errors_grow(self, delivery: World, saved: Saved) -> None:
        delivery.register("diabetes", saved("diabetes-flat"))
        delivery.register("diabetes", saved("diabetes"))
        test = halves(load_diabetes(as_frame=True))[1]
        data = delivery.write("diabetes.parquet", test)
        found = compared(delivery, data, "models:/diabetes/2", "models:/diabetes/1")
        old, new = (load_model(saved(name)).predict(test.drop(columns="y")) for name in ("diabetes-flat", "diabetes"))
        grown = abs(new - test["y"]) - abs(old - test["y"])
        assert found["flips"]["tolerance"] == pytest.approx(test["y"].std(ddof=0) / 10)
        assert found["flips"]["worse"] == (grown > found["flips"]["tolerance"]).sum()
        assert found["examples"]["worse"][0]["row"] == int(np.argmax(grown))

    def test_models_that_know_other_classes_are_compared_by_their_names(
        self, delivery: World, saved: Saved, tmp_path: Path
    ) -> None:
        """One that has never seen the first class knows the others by other places."""
        train, test = halves(load_wine(as_frame=True))
        some = train[train["y"] != 0]
        inputs = some.drop(columns="y")
        save_model(
            LogisticRegression(max_iter=5000).fit(inputs, some["y"]), tmp_path / "two", input_example=inputs.head(2)
        )
        delivery.register("wine", tmp_path / "two")
        delivery.register("wine", saved("wine"))
        data = delivery.write("wine.parquet", test)
        spec = delivery.write("checks.yaml", "delta: [{metric: 'recall[0]'}, {metric: 'recall[2]', max_drop: 0.2}]\n")
        found = compared(delivery, data, "models:/wine/2", "models:/wine/1", "--spec", spec)
        told = found["metrics"]
        old = load_model(tmp_path / "two").predict(test.drop(columns="y"))
        assert told["recall[0]"]["before"] == 0
        assert told["recall[2]"]["before"] == pytest.approx((old[test["y"] == 2] == 2).mean())


def test_a_model_that_fails_is_no_better_than_what_is_there(delivery: World, saved: Saved, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for file in saved("cancer").iterdir():
        (folder / file.name).write_bytes(b"not a model" if file.name == "model.skops" else file.read_bytes())
    delivery.register("cancer", saved("cancer-weak"))
    version = delivery.register("cancer", folder)
    data = delivery.write("patients.parquet", cancer()[1])
    assert "can't be loaded" in compared(delivery, data, "models:/cancer/2", "previous", code=1)["failure"]
    assert [each.passed for each in delivery.verdicts(version, "delta")] == [False]


def test_a_model_that_takes_other_columns_than_the_test_set_has_is_named(delivery: World, saved: Saved) -> None:
    delivery.register("cancer", saved("diabetes"))
    delivery.register("cancer", saved("cancer"))
    data = delivery.write("patients.parquet", cancer()[1])
    found = compared(delivery, data, "models:/cancer/2", "previous", code=2)
    assert "models:/cancer/1, which it is to be compared with" in found["error"]["message"]
    assert "lacks 'age'" in found["error"]["message"]
