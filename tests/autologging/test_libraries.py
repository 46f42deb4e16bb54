"""XGBoost, LightGBM, Keras and Spark ML: the same programs under MLflow's autolog and ours."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.autologging.comparison import (
    Pair,
    assert_same,
    contexts,
    last_metrics,
    logged,
    models,
    named,
    rank,
    run_both,
)
from tests.autologging.runs import Runs, metrics, params, tags
from tests.environments import Environment
from tests.needs import need
from tests.servers.trackback import TrackbackServer
from trackback.entities import RunStatus

pytestmark = [pytest.mark.libraries, pytest.mark.timeout(1800)]

SCRIPT = Path(__file__).parent / "scripts" / "library_programs.py"
# Those of a line share processes, since to start one takes longer than to train.
GROUPS = (
    ("xgboost_train", "xgboost_classifier", "xgboost_in_a_search", "lightgbm_train", "lightgbm_classifier"),
    ("keras_epochs", "keras_steps"),
    ("spark_pipeline", "spark_search"),
)

Both = Callable[[str], Pair]


@pytest.fixture(scope="module")
def prefixes() -> dict[str, tuple[str, str]]:
    return {}


@pytest.fixture
def both(tracking_server: TrackbackServer, prefixes: dict[str, tuple[str, str]], tmp_path: Path) -> Iterator[Both]:
    """What both have logged of a program."""
    stack = ExitStack()

    def of(program: str) -> Pair:
        need(
            not program.startswith("spark") or shutil.which("java"),
            "no java: install it (on Debian: apt install default-jre-headless)",
        )
        if program not in prefixes:
            group = next(each for each in GROUPS if program in each)
            environment = Environment("libraries")
            prefixes.update(dict.fromkeys(group, ("", "")))
            found = run_both(SCRIPT, group, environment, environment.python, tracking_server.url, tmp_path, 800)
            prefixes.update(dict.fromkeys(group, found))
        assert all(prefixes[program]), "its programs have failed, as another test tells"
        return stack.enter_context(logged(tracking_server.url, prefixes[program], program))

    with stack:
        yield of


@pytest.mark.parametrize("program", [each for group in GROUPS for each in group])
def test_runs_have_the_same_params_metrics_tags_and_files(both: Both, program: str) -> None:
    pair = both(program)
    theirs, ours = pair.mlflow.all(), pair.here.all()

    assert len(theirs) == len(ours) == 1
    assert_same(theirs[0], ours[0])
    assert named(ours[0]) == named(theirs[0])
    assert pair.here.files(ours[0]) == pair.mlflow.files(theirs[0]) - {"model"}  # a folder of the run's, of Spark
    assert contexts(ours[0]) >= contexts(theirs[0])  # without TensorFlow, MLflow trips over Keras's validation data
    assert ours[0].info.status is RunStatus.FINISHED


@pytest.mark.parametrize("program", [each for group in GROUPS for each in group])
def test_metrics_have_the_same_steps(both: Both, program: str) -> None:
    pair = both(program)
    (theirs,), (ours,) = pair.mlflow.all(), pair.here.all()

    for key in metrics(theirs):
        if not key.startswith("validation_"):  # of each epoch, which MLflow logs as step 0
            assert sorted(pair.here.steps(ours, key)) == sorted(pair.mlflow.steps(theirs, key)), key


@pytest.mark.parametrize("program", ["xgboost_in_a_search", "spark_search"])
def test_the_candidates_of_a_search_are_the_same_runs(both: Both, program: str) -> None:
    pair = both(program)
    (one,), (two,) = pair.mlflow.all(), pair.here.all()
    theirs, ours = (sorted(runs.below(run), key=rank) for runs, run in ((pair.mlflow, one), (pair.here, two)))

    assert len(ours) == len(theirs) == 2
    for theirs_each, ours_each in zip(theirs, ours, strict=True):
        assert params(ours_each) == params(theirs_each)
        assert set(metrics(ours_each)) == set(metrics(theirs_each))
        assert named(ours_each) == named(theirs_each)


@pytest.mark.parametrize("program", [*GROUPS[0], *GROUPS[1]])
def test_models_have_the_same_names_and_signatures(both: Both, program: str, tmp_path: Path) -> None:
    pair = both(program)
    (theirs,), (ours,) = pair.mlflow.all(), pair.here.all()

    assert models(pair.here, ours, tmp_path / "ours") == models(pair.mlflow, theirs, tmp_path / "theirs")


@pytest.mark.parametrize("program", ["xgboost_train", "xgboost_classifier", "lightgbm_train", "keras_epochs"])
def test_metrics_of_rounds_and_epochs_are_the_models_by_their_last_points(both: Both, program: str) -> None:
    pair = both(program)
    (theirs,), (ours,) = pair.mlflow.all(), pair.here.all()

    here, there = last_metrics(pair.here, ours), last_metrics(pair.mlflow, theirs)
    assert there
    assert set(there) <= set(here)
    if program != "xgboost_classifier":  # of which MLflow's model has the first round only
        assert {key: here[key] for key in there} == pytest.approx(there)
    assert {key: metrics(ours)[key] for key in here} == here


def test_a_model_of_spark_takes_the_columns_that_it_reads(both: Both, tmp_path: Path) -> None:
    """MLflow's is no logged model."""
    runs = both("spark_pipeline").here

    ((name, signature, _),) = models(runs, runs.only(), tmp_path)
    assert name == "model"
    assert signature
    assert signature.outputs
    assert signature.inputs
    assert signature.inputs.names == ["sepal_length", "sepal_width", "petal_length", "petal_width"]


@pytest.mark.parametrize(
    ("program", "library"),
    [("xgboost_train", "xgboost"), ("lightgbm_train", "lightgbm"), ("keras_epochs", "keras"), ("spark_pipeline", "")],
)
def test_the_training_data_has_the_digest_of_all_of_it(both: Both, program: str, library: str) -> None:
    runs: Runs = both(program).here
    (run,) = runs.all()

    (training,) = (each for each in run.inputs.dataset_inputs if each.tags[0].value == "train")
    assert len(training.dataset.digest) == 36
    assert training.dataset.schema
    assert not library or tags(run)["mlflow.autologging"] == library
