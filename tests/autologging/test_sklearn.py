"""Training with scikit-learn: what is logged of it, and that it stays as it is."""

import inspect
import io
import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import trackback
from tests.autologging.runs import Runs, metrics, model_uri, params, tags
from trackback.autologging import autolog
from trackback.entities import RunStatus
from trackback.errors import InvalidParameter
from trackback.provenance.datasets import describe_dataset
from trackback.tracking.fluent import active_run, flush, start_run

IRIS, KINDS = load_iris(return_X_y=True, as_frame=True)
CANCER, ILL = load_breast_cancer(return_X_y=True, as_frame=True)


def tree() -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=2, random_state=0)


class TestRuns:
    def test_a_run_begins_and_ends_with_the_fit(self, runs: Runs) -> None:
        autolog()
        tree().fit(IRIS, KINDS)

        run = runs.only()
        assert active_run() is None
        assert run.info.status is RunStatus.FINISHED
        assert tags(run)["mlflow.autologging"] == "sklearn"
        assert params(run)["max_depth"] == "2"
        assert metrics(run)["training_accuracy_score"] == tree().fit(IRIS, KINDS).score(IRIS, KINDS)

    def test_the_active_run_is_used_and_goes_on(self, runs: Runs) -> None:
        autolog()
        with start_run() as run:
            tree().fit(IRIS, KINDS)
            assert not run.has_ended

        assert runs.only().info.run_id == run.run_id
        assert "mlflow.autologging" not in tags(runs.only())

    def test_exclusive_leaves_the_active_run_alone(self, runs: Runs) -> None:
        autolog(exclusive=True)
        with start_run():
            tree().fit(IRIS, KINDS)

        assert not params(runs.only())

    def test_a_fit_that_fails_raises_its_own_exception_and_ends_its_run_as_failed(self, runs: Runs) -> None:
        autolog()
        with pytest.raises(ValueError, match="The 'solver' parameter"):
            LogisticRegression(solver="newton").fit(IRIS, KINDS)

        assert runs.only().info.status is RunStatus.FAILED
        assert params(runs.only())["solver"] == "newton"

    def test_a_second_fit_in_a_run_leaves_the_params_of_the_first(
        self, runs: Runs, caplog: pytest.LogCaptureFixture
    ) -> None:
        autolog()
        with start_run():
            Ridge(alpha=1.0).fit(IRIS, KINDS)
            Ridge(alpha=2.0).fit(IRIS, KINDS)

        flush()  # raises what the server has refused
        assert params(runs.only())["alpha"] == "1.0"
        assert "the param alpha=2.0 is not logged" in caplog.text
        assert len(runs.only().outputs.model_outputs) == 2  # type: ignore[union-attr]

    def test_extra_tags_are_those_of_runs_that_begin_here(self, runs: Runs) -> None:
        autolog(extra_tags={"team": "plants"})
        tree().fit(IRIS, KINDS)

        assert tags(runs.only())["team"] == "plants"


class TestNested:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_search_over_a_pipeline_is_one_run_with_its_candidates(self, runs: Runs, workers: int) -> None:
        autolog(max_tuning_runs=2)
        search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1, 10]}, cv=3, n_jobs=workers)
        search.fit(IRIS, KINDS)

        run = runs.only()
        assert params(run)["best_svc__C"] == str(search.best_params_["svc__C"])
        assert metrics(run)["best_cv_score"] == search.best_score_
        assert sorted(metrics(each)["rank_test_score"] for each in runs.below(run)) == sorted(
            sorted(search.cv_results_["rank_test_score"])[:2]
        )
        table = pd.read_csv(io.StringIO(runs.text(run, "cv_results.csv")))
        assert table["mean_test_score"].tolist() == pytest.approx(search.cv_results_["mean_test_score"].tolist())
        assert [json.loads(each.replace("'", '"')) for each in table["params"]] == search.cv_results_["params"]

    def test_all_candidates_of_a_long_search_are_there(self, runs: Runs) -> None:
        autolog(max_tuning_runs=None, log_models=False)
        GridSearchCV(tree(), {"max_leaf_nodes": range(2, 42)}, cv=2).fit(IRIS, KINDS)

        found = runs.below(runs.only())
        assert sorted(int(params(each)["max_leaf_nodes"]) for each in found) == list(range(2, 42))
        assert {each.info.status for each in found} == {RunStatus.FINISHED}

    def test_threads_that_fit_parts_of_a_model_log_nothing_of_their_own(self, runs: Runs) -> None:
        autolog()
        parts = [("bayes", GaussianNB()), ("tree", tree()), ("forest", RandomForestClassifier(3, n_jobs=2))]
        with joblib.parallel_backend("threading"):
            VotingClassifier(parts, n_jobs=3).fit(IRIS, KINDS)

        assert tags(runs.only())["estimator_name"] == "VotingClassifier"

    def test_cross_validation_makes_no_runs(self, runs: Runs) -> None:
        autolog()
        cross_val_score(tree(), IRIS, KINDS, cv=3, n_jobs=2)

        assert runs.all() == []

    def test_preparing_data_makes_no_run(self, runs: Runs) -> None:
        autolog()
        StandardScaler().fit_transform(IRIS)

        assert runs.all() == []


class TestModel:
    def test_it_comes_back_and_checks_its_signature(self, runs: Runs) -> None:
        autolog(log_input_examples=True)
        fitted = tree().fit(IRIS, KINDS)

        uri = model_uri(runs.only())
        assert trackback.load_model(uri).predict(IRIS).tolist() == fitted.predict(IRIS).tolist()
        predictor = trackback.load_model(uri, native=False)
        assert len(predictor.input_example.inputs) == 5
        with pytest.raises(InvalidParameter, match="petal width"):
            predictor.predict(IRIS.drop(columns="petal width (cm)"))

    def test_without_signatures_there_is_none(self, runs: Runs) -> None:
        autolog(log_input_examples=True, log_model_signatures=False)
        tree().fit(IRIS, KINDS)

        predictor = trackback.load_model(model_uri(runs.only()), native=False)
        assert predictor.signature is None
        assert predictor.input_example is not None

    def test_it_is_registered_under_a_name(self, runs: Runs) -> None:
        autolog(registered_model_name=runs.experiment_id)
        tree().fit(IRIS, KINDS)

        version = runs.client.get_model_version(runs.experiment_id, "1")
        assert version.run_id == runs.only().info.run_id

    def test_none_is_logged_if_none_is_wanted(self, runs: Runs) -> None:
        autolog(log_models=False)
        tree().fit(IRIS, KINDS)

        assert runs.only().outputs is None or not runs.only().outputs.model_outputs  # type: ignore[union-attr]

    def test_its_metrics_name_the_model_and_the_data(self, runs: Runs) -> None:
        autolog()
        tree().fit(IRIS, KINDS)

        run = runs.only()
        model = runs.client.get_logged_model(model_uri(run).removeprefix("models:/"))
        point = next(each for each in model.data.metrics if each.key == "training_score")
        assert point.dataset_digest == run.inputs.dataset_inputs[0].dataset.digest


class TestData:
    def test_it_is_logged_by_the_digest_of_its_content(self, runs: Runs) -> None:
        autolog()
        tree().fit(IRIS, KINDS)

        (logged,) = runs.only().inputs.dataset_inputs
        expected = describe_dataset(IRIS, targets=KINDS, context="train")
        assert logged.dataset.digest == expected.input.dataset.digest
        assert logged.tags == expected.input.tags
        assert "petal width (cm)" in (logged.dataset.schema or "")

    def test_data_that_the_fit_overwrites_is_logged_as_it_was(self, runs: Runs) -> None:
        autolog()
        features = IRIS.to_numpy(copy=True)
        digest = describe_dataset(features, targets=KINDS.to_numpy()).input.dataset.digest
        LinearRegression(copy_X=False).fit(features, KINDS.to_numpy())

        assert runs.only().inputs.dataset_inputs[0].dataset.digest == digest
        assert metrics(runs.only())["training_r2_score"] == pytest.approx(
            LinearRegression().fit(IRIS, KINDS).score(IRIS, KINDS)
        )

    def test_lists_are_the_arrays_that_are_made_of_them(self, runs: Runs) -> None:
        autolog()
        texts, kinds = ["good day", "bad night", "good night", "bad day"], ["up", "down", "up", "down"]
        make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, kinds)

        (logged,) = runs.only().inputs.dataset_inputs
        expected = describe_dataset(np.array(texts), targets=np.array(kinds)).input.dataset
        assert (logged.dataset.digest, logged.dataset.schema) == (expected.digest, expected.schema)
        assert trackback.load_model(model_uri(runs.only())).predict(["good"]).tolist() == ["up"]

    def test_none_is_logged_if_none_is_wanted(self, runs: Runs) -> None:
        autolog(log_datasets=False)
        tree().fit(IRIS, KINDS)

        assert not runs.only().inputs.dataset_inputs


class TestEvaluations:
    def test_metrics_after_training_go_to_the_run_that_has_ended(self, runs: Runs) -> None:
        autolog()
        model = tree().fit(CANCER, ILL)
        test_x, test_y = CANCER.tail(100), ILL.tail(100)
        predicted = model.predict(test_x)
        accuracy = accuracy_score(test_y, predicted)
        f1_score(test_y, predicted)
        macro = f1_score(test_y, predicted, average="macro")
        score = model.score(test_x, test_y)

        run = runs.only()
        found = metrics(run)
        assert found["accuracy_score_test_x"] == accuracy
        assert found["f1_score-2_test_x"] == macro
        assert found["DecisionTreeClassifier_score_test_x"] == score
        assert run.info.status is RunStatus.FINISHED
        info = runs.document(run, "metric_info.json")
        assert info["f1_score-2_test_x"] == "f1_score(y_true=test_y, y_pred=predicted, average='macro')"
        assert {each.dataset.name for each in run.inputs.dataset_inputs} == {"dataset", "test_x"}

    def test_a_function_that_was_imported_before_is_watched_and_can_be_pickled(self, runs: Runs) -> None:
        autolog()
        assert pickle.loads(pickle.dumps(accuracy_score)) is accuracy_score
        search = GridSearchCV(tree(), {"max_depth": [1, 2]}, scoring=make_scorer(accuracy_score), cv=2, n_jobs=2)
        assert pickle.loads(pickle.dumps(search.fit(IRIS, KINDS))).best_params_ == search.best_params_

    def test_other_models_log_nothing(self, runs: Runs) -> None:
        untracked = tree().fit(IRIS, KINDS)
        autolog()
        accuracy_score(KINDS, untracked.predict(IRIS))
        untracked.score(IRIS, KINDS)

        assert runs.all() == []

    def test_none_are_logged_if_none_are_wanted(self, runs: Runs) -> None:
        autolog(log_post_training_metrics=False)
        model = tree().fit(IRIS, KINDS)
        model.score(IRIS, KINDS)

        assert not any("IRIS" in key for key in metrics(runs.only()))


class TestTheLibraryStaysAsItIs:
    def test_a_fit_gives_the_same_model(self, runs: Runs) -> None:
        before = RandomForestClassifier(5, random_state=1).fit(IRIS, KINDS)
        np.random.seed(7)
        drawn = np.random.rand()
        np.random.seed(7)
        autolog()
        after = RandomForestClassifier(5, random_state=1)

        assert after.fit(IRIS, KINDS) is after
        assert after.predict_proba(IRIS).tolist() == before.predict_proba(IRIS).tolist()
        assert vars(after).keys() == vars(before).keys()
        assert np.random.rand() == drawn

    def test_signatures_docstrings_pickles_and_clones_are_the_same(self, runs: Runs) -> None:
        plain = {name: described(getattr(GridSearchCV, name)) for name in ("fit", "predict", "score", "__init__")}
        unfitted, pickled = SVC(C=3), pickle.dumps(SVC(C=3))
        autolog()

        assert {name: described(getattr(GridSearchCV, name)) for name in plain} == plain
        assert pickle.dumps(unfitted) == pickled
        assert clone(unfitted).get_params() == unfitted.get_params()
        fit = pickle.loads(pickle.dumps(tree().fit))
        assert fit(IRIS, KINDS).score(IRIS, KINDS) > 0.9
        assert not hasattr(LinearRegression(), "predict_proba")
        assert not hasattr(SVC(probability=False), "predict_proba")

    def test_disabling_puts_everything_back(self, runs: Runs) -> None:
        def found() -> list[Any]:
            kinds = (SVC, RandomForestClassifier, GridSearchCV, type(make_pipeline(SVC())))
            inside = [cell.cell_contents for cell in accuracy_score.__closure__ or ()]
            return [vars(base).get("fit") for kind in kinds for base in kind.__mro__] + inside

        before = found()
        autolog()
        during = found()
        autolog(disable=True)

        assert found() == before != during
        tree().fit(IRIS, KINDS)
        assert runs.all() == []

    def test_calling_it_twice_changes_nothing(self, runs: Runs) -> None:
        autolog()
        first = vars(DecisionTreeClassifier)["fit"]
        autolog()

        assert vars(DecisionTreeClassifier)["fit"] is first
        tree().fit(IRIS, KINDS)
        assert len(runs.all()) == 1


class TestArguments:
    def test_one_that_no_library_has_is_refused(self) -> None:
        with pytest.raises(InvalidParameter, match="no argument log_modells"):
            autolog(log_modells=True)

    def test_a_value_that_is_none_is_refused(self) -> None:
        with pytest.raises(InvalidParameter, match="max_tuning_runs"):
            autolog(max_tuning_runs=-1)

    def test_what_was_set_for_a_library_stays(self, runs: Runs) -> None:
        trackback.sklearn.autolog(log_models=False)
        autolog(log_models=True)
        tree().fit(IRIS, KINDS)

        assert not (runs.only().outputs and runs.only().outputs.model_outputs)  # type: ignore[union-attr]

    def test_one_library_can_be_left_out(self, runs: Runs) -> None:
        autolog(exclude_flavors=["sklearn"])
        tree().fit(IRIS, KINDS)

        assert runs.all() == []


def described(method: Any) -> tuple[Any, ...]:
    return (
        method.__name__,
        method.__qualname__,
        method.__module__,
        str(inspect.signature(method)),
        inspect.getdoc(method),
        Path(inspect.getsourcefile(inspect.unwrap(method)) or "").name,
    )
