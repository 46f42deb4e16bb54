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
from trackback.delivery.evaluation.shift import index
from trackback.flavors import load_model, save_model

Saved = Callable[[str], Path]


@pytest.fixture
def patients(delivery: World, saved: Saved) -> Path:
    """A weak model as models:/cancer/1, and a better one as 2; and their test set."""
    delivery.register("cancer", saved("cancer-weak"), {"features": 2})
    delivery.register("cancer", saved("cancer"), {"features": 30})
    return delivery.write("patients.parquet", cancer()[1])


def compared(
    delivery: World, patients: Path, model: str, against: str, *options: object, code: int = 0
) -> dict[str, Any]:
    return delivery.deliver(
        "delta", model, "--against", against, "--data", patients, "--target", "y", *options, code=code
    )


def deploy(delivery: World, version: str, environment: str = "production") -> None:
    delivery.client.report_deployment(
        "endpoint", f"https://cancer.example/{version}", environment=environment, version=version, slot="cancer",
        replaces_previous=True,
    )  # fmt: skip


class TestAgainst:
    def test_with_nothing_there_yet_it_is_a_first_release(self, delivery: World, patients: Path) -> None:
        found = compared(delivery, patients, "models:/cancer/2", "production")
        assert (found["passed"], found["first_release"]) == (True, True)
        assert "Nothing of models:/cancer is deployed in production now" in found["why"]
        (verdict,) = delivery.verdicts(delivery.client.get_model_version("cancer", "2"), "delta")
        assert verdict.passed
        assert verdict.report["first_release"] is True

    def test_what_is_promoted_and_not_deployed_does_not_count_but_is_told(
        self, delivery: World, patients: Path
    ) -> None:
        delivery.client.promote("models:/cancer/1", "production")
        found = compared(delivery, patients, "models:/cancer/2", "production")
        assert found["first_release"]
        assert "Promotion 1 let models:/cancer/1 in; nobody has reported that it is deployed" in found["why"]

    def test_what_is_deployed_is_compared_with(self, delivery: World, patients: Path) -> None:
        deploy(delivery, "models:/cancer/1")
        found = compared(delivery, patients, "models:/cancer/2", "production")
        assert found["against"]["model"] == "models:/cancer/1"
        assert found["metrics"]["accuracy"]["better"] is True

    def test_what_was_deployed_and_is_gone_does_not_count(self, delivery: World, patients: Path) -> None:
        deploy(delivery, "models:/cancer/1")
        delivery.client.end_deployment(1)
        assert compared(delivery, patients, "models:/cancer/2", "production")["first_release"]

    def test_files_that_are_deployed_already_pass_and_are_no_first_release(
        self, delivery: World, patients: Path
    ) -> None:
        deploy(delivery, "models:/cancer/2")
        found = compared(delivery, patients, "models:/cancer/2", "production")
        assert (found["passed"], found["first_release"]) == (True, False)
        assert "These very files are deployed" in found["why"]

    def test_previous_is_what_the_promotion_replaced(self, delivery: World, saved: Saved, patients: Path) -> None:
        delivery.register("cancer", saved("cancer-other"))
        delivery.client.promote("models:/cancer/1", "staging")
        delivery.client.promote("models:/cancer/3", "staging")
        assert compared(delivery, patients, "2", "previous")["against"]["model"] == "models:/cancer/1"
        assert compared(delivery, patients, "1", "previous")["first_release"]

    def test_promoted_runs_are_compared_with_what_is_deployed_of_their_experiment(
        self, delivery: World, saved: Saved, patients: Path
    ) -> None:
        runs = [str(delivery.client.get_model_version("cancer", number).run_id) for number in ("1", "2")]
        for run_id in runs:
            delivery.client.set_terminated(run_id)
            delivery.client.promote(f"runs:/{run_id}", "staging")
        delivery.client.report_deployment("endpoint", "https://cancer.example", promotion=1)
        found = compared(delivery, patients, "2", "staging")
        assert [found[each]["model"] for each in ("against", "subject")] == [f"runs:/{run_id}" for run_id in runs]
        assert [each.passed for each in delivery.client.list_verdicts(found["subject"]["digest"], "delta")] == [True]

    def test_a_model_that_takes_other_columns_than_the_test_set_has_is_named(
        self, delivery: World, saved: Saved, patients: Path
    ) -> None:
        delivery.register("cancer", saved("diabetes"))
        delivery.register("cancer", saved("cancer"))
        found = compared(delivery, patients, "models:/cancer/4", "previous", code=2)
        assert "models:/cancer/3, which it is to be compared with" in found["error"]["message"]
        assert "lacks 'age'" in found["error"]["message"]

    def test_previous_of_a_version_is_the_one_before_it_that_there_still_is(
        self, delivery: World, saved: Saved, patients: Path
    ) -> None:
        delivery.register("cancer", saved("cancer-other"))
        delivery.client.delete_model_version("cancer", "2")
        assert compared(delivery, patients, "models:/cancer/3", "previous")["against"]["model"] == "models:/cancer/1"

    @pytest.mark.parametrize(
        ("against", "said"),
        [("moon", "'moon' is nothing to compare with"), ("models:/cancer/9", "9"), ("models:/none/1", "none")],
    )
    def test_what_is_not_there_is_told(self, delivery: World, patients: Path, against: str, said: str) -> None:
        result = delivery.invoke("delta", "models:/cancer/2", "--against", against, "--data", patients, "--target", "y")
        assert (result.exit_code, said in result.stderr) == (2, True)


class TestWhatDiffers:
    def test_a_worse_model_fails_and_a_better_one_passes(self, delivery: World, patients: Path) -> None:
        better = compared(delivery, patients, "models:/cancer/2", "models:/cancer/1")
        worse = compared(delivery, patients, "models:/cancer/1", "models:/cancer/2", code=1)
        assert [each["passed"] for each in worse["checks"]] == [False]
        up, down = better["metrics"]["accuracy"], worse["metrics"]["accuracy"]
        assert up["change"] == pytest.approx(-down["change"])
        assert 0 < up["low"] < up["change"] < up["high"]
        assert up["p"] < 0.05

    def test_flips_are_those_of_each_row_both_ways(self, delivery: World, saved: Saved, patients: Path) -> None:
        found = compared(delivery, patients, "models:/cancer/2", "models:/cancer/1", "--id", "clinic")
        test = cancer()[1]
        inputs = test.drop(columns=["y", "clinic"])
        old, new = (
            load_model(saved(name)).predict(inputs.iloc[:, :width]) == test["y"]
            for name, width in (("cancer-weak", 2), ("cancer", 30))
        )
        flips = found["flips"]
        assert (flips["worse"], flips["better"]) == ((old & ~new).sum(), (~old & new).sum())
        assert flips["p"] == pytest.approx(binomtest(flips["worse"], flips["worse"] + flips["better"]).pvalue)
        rows = [each["row"] for each in found["examples"]["better"]]
        assert set(rows) <= set(np.flatnonzero(~old & new).tolist())
        assert found["examples"]["better"][0]["name"] in ("north", "south")

    def test_the_shift_of_predictions_is_that_of_scipy_and_of_the_formula(
        self, delivery: World, saved: Saved, patients: Path
    ) -> None:
        found = compared(delivery, patients, "models:/cancer/2", "models:/cancer/1")["shift"]
        inputs = cancer()[1].drop(columns=["y", "clinic"])
        old = load_model(saved("cancer-weak")).predict_proba(inputs.iloc[:, :2])[:, 1]
        new = load_model(saved("cancer")).predict_proba(inputs)[:, 1]
        assert found["ks"] == pytest.approx(ks_2samp(old, new).statistic)
        assert found["psi"] == pytest.approx(index(found["before"], found["now"]))
        assert found["before"] == pytest.approx([0.1] * 10, abs=0.01)
        assert sum(found["now"]) == pytest.approx(1)

    def test_what_went_into_them_is_compared(self, delivery: World, patients: Path) -> None:
        found = compared(delivery, patients, "models:/cancer/2", "models:/cancer/1")["changes"]
        told = {(each["part"], each["name"]): (each.get("a"), each.get("b")) for each in found}
        assert told["param", "features"] == ("2", "30")
        assert told["signature", "input worst area"][0] is None

    def test_slices_are_compared_with_p_values_for_as_many_as_there_are(self, delivery: World, patients: Path) -> None:
        spec = delivery.write("checks.yaml", "slices: [{by: clinic}]\ndelta: [{metric: accuracy, over: slices}]\n")
        found = compared(delivery, patients, "models:/cancer/2", "models:/cancer/1", "--spec", spec)
        alone = found["slices"][0]["differences"]["accuracy"]
        assert [each["name"] for each in found["slices"]] == ["clinic=north", "clinic=south"]
        assert alone["p"] >= found["metrics"]["accuracy"]["p"]

    def test_every_kind_of_threshold_turns_it_into_a_verdict(self, delivery: World, patients: Path) -> None:
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
        spec = delivery.write("checks.yaml", "delta:\n" + "".join(f"  - {good}\n" for good, _ in kinds))
        arguments = (delivery, patients, "models:/cancer/1", "models:/cancer/2", "--spec", spec)
        assert all(each["passed"] for each in compared(*arguments)["checks"])
        delivery.write("checks.yaml", "delta:\n" + "".join(f"  - {bad}\n" for _, bad in kinds))
        assert not any(each["passed"] for each in compared(*arguments, code=1)["checks"])

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

    def test_reports_need_nothing_beside_themselves(self, delivery: World, patients: Path) -> None:
        found = compared(delivery, patients, "models:/cancer/2", "models:/cancer/1")
        page, text, _ = (Path(each).read_text() for each in found["reports"])
        assert not re.search(r"(src|href)=|@import|url\(|<script", page)
        assert page.count("<svg") == 2
        assert "Better than before" in text


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


def test_that_what_is_there_fails_is_no_fault_of_what_is_to_come(delivery: World, saved: Saved, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for file in saved("cancer").iterdir():
        (folder / file.name).write_bytes(b"not a model" if file.name == "model.skops" else file.read_bytes())
    delivery.register("cancer", folder)
    version = delivery.register("cancer", saved("cancer"))
    data = delivery.write("patients.parquet", cancer()[1])
    result = delivery.invoke("delta", "models:/cancer/2", "--against", "previous", "--data", data, "--target", "y")
    assert (result.exit_code, "models:/cancer/1, which it is to be compared with" in result.stderr) == (2, True)
    assert not delivery.verdicts(version, "delta")
