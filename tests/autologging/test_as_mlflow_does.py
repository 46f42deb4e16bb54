"""The same programs of scikit-learn under MLflow's autolog and ours: what is logged has the same names and values."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.autologging.comparison import (
    Pair,
    assert_same,
    contexts,
    logged,
    models,
    named,
    rank,
    run_both,
)
from tests.autologging.runs import metrics, params
from tests.environments import Environment
from tests.servers.trackback import TrackbackServer

SCRIPT = Path(__file__).parent / "scripts" / "sklearn_programs.py"
PROGRAMS = (
    "classifier",
    "several_classes",
    "positive_label",
    "regressor",
    "clusters",
    "meta_estimator",
    "grid_search",
    "random_search",
    "evaluations",
    "cross_validation",
)
PICTURES = ".png"  # which take matplotlib, and MLflow brings that along

pytestmark = [pytest.mark.libraries, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def prefixes(tracking_server: TrackbackServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder, mlflow = tmp_path_factory.mktemp("here"), Environment("mlflow3")
    return run_both(SCRIPT, PROGRAMS, mlflow, Path(sys.executable), tracking_server.url, folder, timeout_s=140)


@pytest.fixture(params=PROGRAMS)
def pair(request: pytest.FixtureRequest, tracking_server: TrackbackServer, prefixes: tuple[str, str]) -> Iterator[Pair]:
    """What both have logged of a program."""
    with logged(tracking_server.url, prefixes, request.param) as both:
        yield both


def test_runs_have_the_same_params_metrics_tags_and_files(pair: Pair) -> None:
    theirs, ours = pair.mlflow.all(), pair.here.all()

    assert len(theirs) == len(ours)
    for one, two in zip(theirs, ours, strict=True):
        assert_same(one, two)
        assert named(two) == named(one)
        assert pair.here.files(two) == {each for each in pair.mlflow.files(one) if not each.endswith(PICTURES)}
        assert contexts(two) == contexts(one)
        assert one.info.status == two.info.status


def test_the_candidates_of_a_search_are_the_same_runs(pair: Pair) -> None:
    for one, two in zip(pair.mlflow.all(), pair.here.all(), strict=True):
        theirs, ours = pair.mlflow.below(one), pair.here.below(two)
        assert len(theirs) == len(ours)
        for theirs_each, ours_each in zip(sorted(theirs, key=rank), sorted(ours, key=rank), strict=True):
            assert params(ours_each) == params(theirs_each)
            assert set(metrics(ours_each)) == set(metrics(theirs_each))
            assert named(ours_each) == named(theirs_each)
            assert ours_each.info.status == theirs_each.info.status


def test_models_have_the_same_names_and_signatures(pair: Pair, tmp_path: Path) -> None:
    for one, two in zip(pair.mlflow.all(), pair.here.all(), strict=True):
        theirs, ours = models(pair.mlflow, one, tmp_path / "theirs"), models(pair.here, two, tmp_path / "ours")
        assert ours == theirs
