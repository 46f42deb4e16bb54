"""Training goes on, with the same result, whatever happens to what is logged of it."""

import multiprocessing
import threading
import time
from typing import Any

import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from tests.autologging.runs import Runs, metrics, params, tags
from trackback.autologging import autolog, sklearn_fit
from trackback.autologging.reopened import MOST, reopened_runs
from trackback.autologging.run_logger import RunLogger
from trackback.entities import RunStatus
from trackback.errors import InvalidParameter
from trackback.tracking.fluent import flush, log_param, set_tracking_uri, start_run

IRIS, KINDS = load_iris(return_X_y=True, as_frame=True)


def tree(depth: int = 2) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


def fail(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("the disk is on fire")


@pytest.mark.parametrize("part", ["params", "metrics", "tags", "dataset", "model", "text"])
def test_what_fails_is_said_once_and_the_rest_is_logged(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    monkeypatch.setattr(RunLogger, part, fail)
    autolog()
    first, second = tree().fit(IRIS, KINDS), tree().fit(IRIS, KINDS)

    assert first.score(IRIS, KINDS) == second.score(IRIS, KINDS) > 0.9
    told = [each.getMessage() for each in caplog.records if "on fire" in each.getMessage()]
    assert len(told) == len(set(told)) > 0
    run = runs.all()[0]
    assert run.info.status is RunStatus.FINISHED
    assert bool(params(run)) is (part != "params")
    assert bool(metrics(run)) is (part != "metrics")
    assert ("estimator_name" in tags(run)) is (part != "tags")
    assert bool(run.inputs.dataset_inputs) is (part != "dataset")
    assert bool(run.outputs and run.outputs.model_outputs) is (part != "model")
    assert ("estimator.html" in runs.files(run)) is (part != "text")


def test_a_model_that_can_not_be_saved_is_said_so(runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
    class WithLock(DecisionTreeClassifier):  # type: ignore[misc]
        def __init__(self, lock: Any = None) -> None:
            super().__init__()
            self.lock = lock

    autolog()
    WithLock(threading.Lock()).fit(IRIS, KINDS)

    assert "the model is not logged, and training goes on" in caplog.text
    assert metrics(runs.only())["training_score"] == 1


def test_silence_is_kept(runs: Runs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(RunLogger, "params", fail)
    autolog(silent=True)
    tree().fit(IRIS, KINDS)

    assert "autolog" not in caplog.text


def test_a_run_that_can_not_begin_leaves_the_fit_alone(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("trackback.autologging.trainings.start_run", fail)
    autolog()

    assert tree().fit(IRIS, KINDS).score(IRIS, KINDS) > 0.9
    assert "the run is not logged" in caplog.text


def test_the_programs_own_refusals_are_still_raised_by_its_own_flush(runs: Runs) -> None:
    autolog()
    with start_run():
        log_param("alpha", 1)
        log_param("alpha", 2)
        tree().fit(IRIS, KINDS)
        with pytest.raises(InvalidParameter, match="alpha"):
            flush()

    assert runs.only().outputs is not None


def test_an_interrupt_is_the_programs(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(sklearn_fit, "log_training_metrics", interrupt)
    autolog()
    with pytest.raises(KeyboardInterrupt):
        tree().fit(IRIS, KINDS)

    assert runs.only().info.status is RunStatus.FINISHED


def test_without_a_server_training_waits_for_seconds_at_most(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    autolog()
    set_tracking_uri("http://127.0.0.1:9")
    monkeypatch.setenv("TRACKBACK_EXIT_WAIT_S", "0.1")
    began = time.monotonic()

    assert tree().fit(IRIS, KINDS).score(IRIS, KINDS) > 0.9
    assert time.monotonic() - began < 8


def test_threads_that_train_have_runs_of_their_own(runs: Runs) -> None:
    autolog()
    threads = [threading.Thread(target=tree(depth).fit, args=(IRIS, KINDS)) for depth in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(params(run)["max_depth"] for run in runs.all()) == ["1", "2", "3"]
    assert {run.info.status for run in runs.all()} == {RunStatus.FINISHED}
    assert all("training_score" in metrics(run) for run in runs.all())


def fit_in_child(depth: int) -> None:
    model = tree(depth).fit(IRIS, KINDS)
    test_x = IRIS.head(10)
    model.score(test_x, KINDS.head(10))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forked_workers_log_to_the_run_that_is_active(runs: Runs) -> None:
    autolog()
    forking = multiprocessing.get_context("fork")
    with start_run():
        worker = forking.Process(target=fit_in_child, args=(3,))
        worker.start()
        worker.join(60)
        assert worker.exitcode == 0

    assert params(runs.only())["max_depth"] == "3"
    assert "DecisionTreeClassifier_score_test_x" in metrics(runs.only())


def test_values_that_are_too_long_are_cut(runs: Runs) -> None:
    autolog()
    weights = dict.fromkeys(range(5000), 1.0)
    DecisionTreeClassifier(class_weight=weights).fit(IRIS, KINDS)

    flush()  # raises what the server has refused
    assert params(runs.only())["class_weight"].endswith("...")


def test_a_loop_that_measures_without_end_is_cut_off(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackback.autologging.evaluations.MOST_METRICS", 3)
    autolog()
    model = tree().fit(IRIS, KINDS)
    for _ in range(5):
        model.score(IRIS, KINDS)

    assert len([key for key in metrics(runs.only()) if "_score" in key and "IRIS" in key]) == 3


def test_a_loop_of_models_keeps_few_runs_open(runs: Runs) -> None:
    autolog(log_models=False, log_datasets=False)
    for _ in range(MOST + 2):
        model = tree().fit(IRIS, KINDS)
        model.score(IRIS, KINDS)

    assert len(reopened_runs) == MOST
    assert all("DecisionTreeClassifier_score_IRIS" in metrics(run) for run in runs.all())
