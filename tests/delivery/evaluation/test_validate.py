"""`trackback deliver validate`: what it finds is so, and what the server is told is what it has found."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from click.testing import CliRunner
from sklearn import metrics
from sklearn.datasets import load_diabetes, load_wine
from sklearn.dummy import DummyClassifier

from tests.delivery.evaluation.misbehaving import Misbehaving
from tests.delivery.world import World, cancer, halves, sentences
from tests.faults.disk import small_disk
from tests.model_processes import PYTHON
from trackback.cli.main import commands
from trackback.client.cache import sha256_of
from trackback.client.retries import Retries
from trackback.delivery.evaluation.testset import read_testset
from trackback.flavors import load_model, save_model
from trackback.limits import VERDICT_REPORT_LENGTH
from trackback.provenance.datasets import describe_dataset, keep

Saved = Callable[[str], Path]


@pytest.fixture(scope="module")
def patients(shared: World, saved: Saved) -> Path:
    """A model of two classes as models:/cancer/1, and its test set."""
    shared.register("cancer", saved("cancer"))
    return shared.write("patients.parquet", cancer()[1])


@pytest.fixture(scope="module")
def plain(shared: World, patients: Path) -> dict[str, Any]:
    """What is found without a spec."""
    return shared.deliver("validate", "models:/cancer/1", "--data", patients, "--target", "y", "--verdict", "plain")


def checked(shared: World, patients: Path, text: str, code: int = 0) -> dict[str, Any]:
    """What is found with a spec."""
    spec = shared.write("checks.yaml", text)
    arguments = ("validate", "models:/cancer/1", "--data", patients, "--target", "y", "--spec", spec)
    return shared.deliver(*arguments, code=code)


class TestTwoClasses:
    def test_metrics_are_scikit_learns_with_intervals_around_them(self, saved: Saved, plain: dict[str, Any]) -> None:
        test = cancer()[1]
        model = load_model(saved("cancer"))
        inputs = test.drop(columns=["y", "clinic"])
        scores = model.predict_proba(inputs)[:, 1]
        told = {name: figure["value"] for name, figure in plain["metrics"].items()}
        assert plain["task"] == "classification"
        assert told["accuracy"] == pytest.approx(model.score(inputs, test["y"]))
        assert told["roc_auc"] == pytest.approx(metrics.roc_auc_score(test["y"], scores))
        assert told["f1"] == pytest.approx(metrics.f1_score(test["y"], model.predict(inputs)))
        assert told["log_loss"] == pytest.approx(metrics.log_loss(test["y"], scores))
        for name in ("accuracy", "roc_auc", "f1", "log_loss"):
            figure = plain["metrics"][name]
            assert figure["low"] < figure["value"] < figure["high"]
        assert plain["bootstrap"] == {"method": "percentile", "resamples": 1000, "confidence": 0.95, "seed": 0}

    def test_the_verdict_is_on_the_digest_and_says_by_which_test_set(
        self, shared: World, patients: Path, plain: dict[str, Any]
    ) -> None:
        version = shared.client.get_model_version("cancer", "1")
        (verdict,) = shared.verdicts(version, "plain")
        assert (verdict.passed, verdict.digest, verdict.id) == (True, version.digest, plain["verdict_id"])
        assert verdict.report["data"] == {
            "name": "patients.parquet",
            "sha256": sha256_of(patients),
            "rows": len(cancer()[1]),
            "columns": 32,
        }
        assert verdict.report["metrics"] == plain["metrics"]

    def test_a_csv_file_gives_the_same_to_the_last_digit_and_tells_the_server_nothing_if_told_so(
        self, shared: World, plain: dict[str, Any]
    ) -> None:
        table = shared.write("patients.csv", cancer()[1])
        arguments = ("validate", "models:/cancer/1", "--data", table, "--target", "y", "--no-verdict")
        found = shared.deliver(*arguments, "--verdict", "silent")
        assert found["metrics"] == plain["metrics"]
        assert "verdict_id" not in found
        assert not shared.verdicts(shared.client.get_model_version("cancer", "1"), "silent")

    def test_reports_need_nothing_beside_themselves(self, plain: dict[str, Any]) -> None:
        page, text, document = (Path(each).read_text() for each in plain["reports"])
        assert not re.search(r"(src|href)=|@import|url\(|<script", page)
        assert page.count("<svg") == 4
        assert "models:/cancer/1" in page
        assert "roc\\_auc" in text
        assert json.loads(document)["metrics"] == plain["metrics"]

    def test_a_check_that_is_not_met_fails_the_version(self, shared: World, patients: Path) -> None:
        arguments = ("validate", "models:/cancer/1", "--data", patients, "--target", "y", "--verdict", "strict")
        found = shared.deliver(*arguments, "--require", "accuracy>=0.999", code=1)
        assert [each["passed"] for each in found["checks"]] == [True, False]
        (verdict,) = shared.verdicts(shared.client.get_model_version("cancer", "1"), "strict")
        assert not verdict.passed

    def test_slices_are_measured_by_themselves_and_few_rows_are_left_out(self, shared: World, patients: Path) -> None:
        found = checked(
            shared,
            patients,
            "slices:\n"
            "  - by: clinic\n"
            "  - {by: mean radius, bins: 3}\n"
            "  - {name: tiny, where: {mean radius: {min: 24}}}\n"
            "checks:\n"
            "  - {metric: accuracy, min: 0.8, over: slices}\n"
            "  - {metric: accuracy, over: clinic, max_gap: 0.0001}\n",
            code=1,
        )
        names = [each["name"] for each in found["slices"]]
        assert names[:2] == ["clinic=north", "clinic=south"]
        assert len(names) == 5
        assert found["left_out"] == ["tiny"]
        test = cancer()[1]
        assert found["slices"][0]["rows"] == (test["clinic"] == "north").sum()
        assert [each["passed"] for each in found["checks"]] == [True, True, False]

    def test_every_kind_of_check_is_held_against_what_is(self, shared: World, patients: Path) -> None:
        kinds = [
            ("{values: prediction, among: [0, 1]}", "{values: prediction, among: [0]}"),
            ("{values: mean radius, min: 0}", "{values: mean radius, max: 10}"),
            ("{missing: '*'}", None),
            ("{schema: signature}", "{schema: exact}"),  # nothing uses the column clinic
            ("{calibration: expected, max: 0.5}", "{calibration: largest, max: 0.001}"),
            ("{latency: p95, max_ms: 10000}", "{latency: p50, max_ms: 0.0001}"),
            ("{throughput: batch, min_rows_per_s: 1}", "{throughput: batch, min_rows_per_s: 1000000000}"),
            ("{memory: peak, max_mb: 100000}", "{memory: loaded, max_mb: 1}"),
            ("{size: model, max_mb: 10}", "{size: model, max_mb: 0.001}"),
            ("{rows: all, min: 100}", "{rows: all, min: 100000}"),
        ]
        good, bad = ([pair[place] for pair in kinds if pair[place]] for place in (0, 1))
        found = checked(shared, patients, "checks:\n" + "".join(f"  - {each}\n" for each in [*good, *bad]), code=1)
        assert [each["passed"] for each in found["checks"]] == [True] * (1 + len(good)) + [False] * len(bad)

    def test_a_function_of_ones_own_is_a_metric(self, shared: World, patients: Path) -> None:
        shared.write(
            "costs.py",
            "def cost(target, prediction, data):\n"
            "    wrong = target != prediction\n"
            "    return float((wrong * data['mean radius']).sum() / len(data))\n",
        )
        found = checked(
            shared,
            patients,
            "functions:\n"
            "  - {name: cost, file: costs.py, function: cost, better: lower}\n"
            "  - {name: f2, module: sklearn.metrics, function: fbeta_score, options: {beta: 2}}\n"
            "checks:\n"
            "  - {metric: cost, max: 5}\n"
            "  - {metric: f2, min: 0.9}\n",
        )
        assert found["metrics"]["cost"]["high"] > found["metrics"]["cost"]["low"] > 0

    def test_a_threshold_and_a_class_of_ones_own_count(
        self, shared: World, patients: Path, plain: dict[str, Any]
    ) -> None:
        found = checked(shared, patients, "positive: 0\nthreshold: 0.99\n")["metrics"]
        assert found["roc_auc"]["value"] == pytest.approx(plain["metrics"]["roc_auc"]["value"])
        assert found["recall"]["value"] < plain["metrics"]["recall"]["value"]

    def test_a_test_set_that_the_server_keeps_is_taken_from_there(self, shared: World, patients: Path) -> None:
        keep(shared.client.transport, describe_dataset(patients))
        digest = sha256_of(patients)
        testset = read_testset(shared.client, f"datasets/{digest}", None)
        assert (testset.sha256, testset.name) == (digest, "patients.parquet")
        pd.testing.assert_frame_equal(testset.frame, cancer()[1])


class TestOtherTasks:
    def test_three_classes(self, delivery: World, saved: Saved) -> None:
        delivery.register("wine", saved("wine"))
        test = halves(load_wine(as_frame=True))[1]
        data = delivery.write("wine.parquet", test)
        found = delivery.deliver(
            "validate", "models:/wine/1", "--data", data, "--target", "y", "--require", "recall[2]>=0.9"
        )
        model = load_model(saved("wine"))
        inputs = test.drop(columns="y")
        told = model.predict_proba(inputs)
        assert found["metrics"]["roc_auc_ovr"]["value"] == pytest.approx(
            metrics.roc_auc_score(test["y"], told, multi_class="ovr")
        )
        assert found["metrics"]["f1_macro"]["value"] == pytest.approx(
            metrics.f1_score(test["y"], model.predict(inputs), average="macro")
        )

    def test_numbers(self, delivery: World, saved: Saved) -> None:
        delivery.register("diabetes", saved("diabetes"))
        test = halves(load_diabetes(as_frame=True))[1]
        data = delivery.write("diabetes.parquet", test)
        found = delivery.deliver("validate", "models:/diabetes/1", "--data", data, "--target", "y")
        told = load_model(saved("diabetes")).predict(test.drop(columns="y"))
        assert found["task"] == "regression"
        assert found["metrics"]["r2"]["value"] == pytest.approx(metrics.r2_score(test["y"], told))
        assert found["metrics"]["mean_absolute_error"]["value"] == pytest.approx(abs(test["y"] - told).mean())

    def test_texts_are_sliced_by_their_length(self, delivery: World, saved: Saved) -> None:
        delivery.register("topics", saved("sentences"))
        data = delivery.write("sentences.parquet", sentences().iloc[1::2].reset_index(drop=True))
        spec = delivery.write("checks.yaml", "min_rows: 10\n")
        arguments = ("validate", "models:/topics/1", "--data", data, "--target", "topic", "--trust", "all")
        found = delivery.deliver(*arguments, "--spec", spec)
        assert found["task"] == "text-classification"
        assert [each["family"] for each in found["slices"]] == ["length"] * 3
        assert found["metrics"]["accuracy"]["value"] > 0.4

    def test_a_ranking_is_drawn_by_its_groups(self, delivery: World, saved: Saved) -> None:
        delivery.register("diabetes", saved("diabetes"))
        test = halves(load_diabetes(as_frame=True))[1]
        test = test.assign(y=(test["y"] > 150).astype(int), query=np.arange(len(test)) // 10)
        data = delivery.write("queries.parquet", test)
        found = delivery.deliver("validate", "models:/diabetes/1", "--data", data, "--target", "y", "--group", "query")
        assert found["task"] == "ranking"
        assert found["bootstrap"]["unit"] == "query"
        told = load_model(saved("diabetes")).predict(test.drop(columns=["y", "query"]))
        pairs = [
            (test["y"][rows], told[rows]) for rows in np.array_split(np.arange(len(test)), range(10, len(test), 10))
        ]
        each = [metrics.ndcg_score([truth], [score], k=10) for truth, score in pairs if truth.any()]
        assert found["metrics"]["ndcg@10"]["value"] == pytest.approx(np.mean(each))


class TestBadInput:
    """Ends with 2 and tells the server nothing: it is no fault of the model."""

    @pytest.mark.parametrize(
        ("change", "options", "said"),
        [
            (lambda frame: frame.drop(columns="mean radius"), (), "another schema .* lacks 'mean radius'"),
            (lambda frame: frame.drop(columns="y"), (), "no column 'y', the target"),
            (lambda frame: frame.assign(y=frame["y"].where(frame.index != 3)), (), "missing in 1 of 284 rows"),
            (lambda frame: frame.assign(**{"mean radius": "wide"}), (), "mean radius"),
            (lambda frame: frame.head(0), (), "has no rows"),
            (lambda frame: frame, ("--require", "acuracy>=0.9"), "no metric 'acuracy'. Is it 'accuracy'"),
            (lambda frame: frame, ("--require", "accuracy>0.9"), "is no check"),
        ],
    )
    def test_it_is_told_what_is_wrong(
        self,
        delivery: World,
        saved: Saved,
        change: Callable[[pd.DataFrame], pd.DataFrame],
        options: tuple[str, ...],
        said: str,
    ) -> None:
        version = delivery.register("cancer", saved("cancer"))
        data = delivery.write("patients.parquet", change(cancer()[1]))
        result = delivery.invoke("validate", "models:/cancer/1", "--data", data, "--target", "y", *options)
        assert result.exit_code == 2, result.output
        assert re.search(said, result.stderr)
        assert not delivery.verdicts(version)

    def test_a_missing_file_a_format_and_nothing_to_predict(self, delivery: World, saved: Saved) -> None:
        delivery.register("cancer", saved("cancer"))
        data = delivery.write("patients.parquet", cancer()[1])
        for place, said in (
            (delivery.folder / "none.csv", "no test set"),
            (delivery.folder / "a.xlsx", "end with one"),
        ):
            result = delivery.invoke("validate", "models:/cancer/1", "--data", place, "--target", "y")
            assert (result.exit_code, said in result.stderr) == (2, True)
        result = delivery.invoke("validate", "models:/cancer/1", "--data", data)
        assert (result.exit_code, "--target" in result.stderr) == (2, True)

    def test_an_error_is_a_document_too(self, delivery: World) -> None:
        found = delivery.deliver("validate", "models:/none/1", "--data", "x.csv", "--target", "y", code=2)
        assert found["error"]["code"] == "RESOURCE_DOES_NOT_EXIST"
        assert (found["passed"], found["exit_code"]) == (False, 2)

    def test_a_pickle_that_nobody_has_vouched_for_is_not_loaded(self, delivery: World, saved: Saved) -> None:
        version = delivery.register("topics", saved("sentences"))
        data = delivery.write("sentences.parquet", sentences())
        result = delivery.invoke("validate", "models:/topics/1", "--data", data, "--target", "topic")
        assert (result.exit_code, "give the digest as --trust" in result.stderr) == (2, True)
        assert not delivery.verdicts(version)

    def test_a_server_that_is_away_is_told_by_another_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("trackback.cli.remote.RETRIES", Retries(deadline_s=0))
        words = "deliver validate models:/cancer/1 --data x.csv --target y --server http://127.0.0.1:9"
        result = CliRunner().invoke(commands, words.split())
        assert (result.exit_code, "127.0.0.1:9" in result.stderr) == (3, True)


def test_a_full_disk_leaves_no_half_report_and_no_verdict(shared: World, patients: Path, tmp_path: Path) -> None:
    version = shared.client.get_model_version("cancer", "1")
    arguments = ("validate", "models:/cancer/1", "--data", patients, "--target", "y", "--verdict", "full")
    with small_disk(tmp_path / "disk", 1) as disk:
        disk.fill()
        result = shared.invoke(*arguments, "--report", disk.folder / "reports")
        assert (result.exit_code, "Make room" in result.stderr) == (3, True)
        assert not list(disk.folder.rglob("validation*"))
        assert not shared.verdicts(version, "full")
        disk.free()
        assert shared.invoke(*arguments, "--report", disk.folder / "reports").exit_code == 0
    assert len(shared.verdicts(version, "full")) == 1


class TestModelsThatFail:
    """Ends with 1, and the version has a verdict that says why."""

    def test_files_that_are_no_model(self, delivery: World, saved: Saved, tmp_path: Path) -> None:
        folder = tmp_path / "broken"
        folder.mkdir()
        for file in saved("cancer").iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / "model.skops").write_bytes(b"not a model")
        version = delivery.register("cancer", folder)
        data = delivery.write("patients.parquet", cancer()[1])
        found = delivery.deliver("validate", "models:/cancer/1", "--data", data, "--target", "y", code=1)
        assert "can't be loaded" in found["failure"]
        (verdict,) = delivery.verdicts(version)
        assert (verdict.passed, verdict.report["failure"]) == (False, found["failure"])

    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("raise", "can't predict the test set: RuntimeError: no idea"),
            ("exit", "ended with exit code 3"),
            ("kill", "ended by SIGKILL"),
            ("fewer", "returned 9 predictions for 10 rows"),
            ("nothing", "predicts nothing for 10 of 10 rows"),
        ],
    )
    def test_what_a_model_does_harms_nobody_else(self, delivery: World, tmp_path: Path, word: str, said: str) -> None:
        frame = pd.DataFrame({"word": [word] * 10})
        save_model(Misbehaving(), tmp_path / "model", input_example=pd.DataFrame({"word": ["well"]}))
        version = delivery.register("odd", tmp_path / "model")
        data = delivery.write("words.parquet", frame.assign(y=["a", "b"] * 5))
        found = delivery.deliver("validate", "models:/odd/1", "--data", data, "--target", "y", "--trust", "all", code=1)
        assert said in found["failure"]
        assert [each.passed for each in delivery.verdicts(version)] == [False]


@pytest.fixture
def hanging(delivery: World, tmp_path: Path) -> tuple[object, ...]:
    """What validates models:/odd/1 by a test set that it never predicts."""
    save_model(Misbehaving(), tmp_path / "model", input_example=pd.DataFrame({"word": ["well"]}))
    delivery.register("odd", tmp_path / "model")
    data = delivery.write("words.parquet", pd.DataFrame({"word": ["hang"] * 10, "y": ["a", "b"] * 5}))
    return ("validate", "models:/odd/1", "--data", data, "--target", "y", "--trust", "all")


def test_a_model_that_does_not_come_to_an_end_has_failed(delivery: World, hanging: tuple[object, ...]) -> None:
    found = delivery.deliver(*hanging, "--timeout", "0.5", code=1)
    assert "did not predict the test set within 0.5 s" in found["failure"]
    version = delivery.client.get_model_version("odd", "1")
    assert [each.passed for each in delivery.verdicts(version)] == [False]


def test_a_stage_that_is_killed_leaves_no_model_running(delivery: World, hanging: tuple[object, ...]) -> None:
    words = ["deliver", *map(str, hanging), "--server", delivery.client.tracking_uri]
    with subprocess.Popen([PYTHON, "-m", "trackback", *words], stdout=subprocess.DEVNULL) as stage:
        models = waited_for(lambda: [each for each in psutil.Process(stage.pid).children(True) if is_model(each)])
        (own,) = waited_for(models[0].children)
        stage.kill()
    assert psutil.wait_procs(models, timeout=20)[1] == []
    own.kill()
    assert not delivery.verdicts(delivery.client.get_model_version("odd", "1"))


def is_model(process: psutil.Process) -> bool:
    return "evaluation.worker" in " ".join(process.cmdline())


def waited_for(look: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    ends = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return found


def test_a_report_that_is_too_long_for_the_server_goes_there_in_short(delivery: World, tmp_path: Path) -> None:
    train = pd.DataFrame({"word": ["a", "b"]})
    save_model(DummyClassifier().fit(train, ["x", "y"]), tmp_path / "model", input_example=train)
    version = delivery.register("dummy", tmp_path / "model")
    frame = pd.DataFrame(
        {"word": ["a"] * 200, "y": ["x", "y"] * 100, "shop": [f"{'s' * 800}{n % 100}" for n in range(200)]}
    )
    data = delivery.write("shops.parquet", frame)
    spec = delivery.write("checks.yaml", "min_rows: 2\nslices: [{by: shop}]\nmetrics: [accuracy]\n")
    found = delivery.deliver("validate", "models:/dummy/1", "--data", data, "--target", "y", "--spec", spec)
    assert sum(each["family"] == "shop" for each in found["slices"]) == 100
    (verdict,) = delivery.verdicts(version)
    assert "slices" in verdict.report["omitted"]
    assert len(json.dumps(verdict.report)) < VERDICT_REPORT_LENGTH
