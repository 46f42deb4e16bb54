"""Real models of each library: saved here, loaded in MLflow; saved in MLflow, loaded here without it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.environments import Environment
from tests.needs import need

SCRIPT = Path(__file__).parent / "scripts" / "models.py"

# Those of a line share processes, since to start one takes longer than to train.
GROUPS = (
    ("xgboost-classifier", "xgboost-booster", "lightgbm-classifier", "lightgbm-booster", "onnx", "fasttext"),
    ("keras",),
    ("spark",),
    ("torch-pickle", "torch-pt2"),
)
FLAVORS = {"torch": "pytorch"}
PACKAGES = {"xgboost": "xgboost-cpu", "fasttext": "fasttext-community", "spark": "pyspark"}

# One of those that the library itself knows of the model.
PARAMS = {
    "xgboost-classifier": ("n_estimators", "10"),
    "xgboost-booster": ("num_boosted_rounds", "10"),
    "lightgbm-classifier": ("n_estimators", "10"),
    "lightgbm-booster": ("num_trees", "30"),
    "fasttext": ("epoch", "10"),
    "keras": ("optimizer_name", "adam"),
    "spark": ("LinearRegressionModel.regParam", "0.1"),
}

# What the three sides say of a library: trackback, MLflow, and trackback of what MLflow saved.
Answers = Callable[[str], tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]


def libraries() -> list[Any]:
    return [
        pytest.param(
            library,
            marks=[
                pytest.mark.torch if library.startswith("torch") else pytest.mark.libraries,
                pytest.mark.timeout(1800),
            ],
        )
        for group in GROUPS
        for library in group
    ]


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    known: dict[str, list[dict[str, Any]]] = {}

    def of(library: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        need(
            library != "spark" or shutil.which("java"),
            "no java: install it (on Debian: apt install default-jre-headless)",
        )
        if library not in known:
            group = next(group for group in GROUPS if library in group)
            folder = tmp_path_factory.mktemp("models")
            sides = [run(side, group, folder) for side in ("here", "mlflow", "back")]
            known.update({each: [side[index] for side in sides] for index, each in enumerate(group)})
        here, mlflow, back = known[library]
        return here, mlflow, back

    return of


def run(side: str, group: tuple[str, ...], folder: Path) -> list[dict[str, Any]]:
    environment = Environment("torch" if group[0].startswith("torch") else "libraries")
    output = environment.run(
        SCRIPT,
        side,
        str(folder),
        *group,
        tracking_uri="http://127.0.0.1:1",
        env={"TRACKBACK_TRUST_PICKLES": "1" if group[0].startswith("torch") else "0"},
        timeout_s=600,
    )
    return [json.loads(line) for line in output.splitlines()[-len(group) :]]


def same(left: Any, right: Any) -> bool:
    """Whether predictions are the same, to what two computations of one model may differ by."""
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    one, two = numpy.asarray(left), numpy.asarray(right)
    if one.dtype.kind != "f":
        return bool(one.tolist() == two.tolist())
    return one.shape == two.shape and bool(numpy.allclose(one, two, rtol=1e-5, atol=1e-6))


def is_constant(predictions: Any) -> bool:
    """Whether all predictions are equal, so that comparing them would show nothing."""
    values = next(iter(predictions.values())) if isinstance(predictions, dict) else predictions
    return all(value == values[0] for value in values)


@pytest.mark.parametrize("library", libraries())
def test_a_model_that_was_saved_here_predicts_the_same_in_mlflow(library: str, answers: Answers) -> None:
    here, mlflow, _ = answers(library)

    assert same(here["predicted"], mlflow["predicted"])
    assert not is_constant(here["predicted"])


@pytest.mark.parametrize("library", [each for each in libraries() if each.values[0] != "fasttext"])
def test_a_model_that_mlflow_has_saved_predicts_the_same_here(library: str, answers: Answers) -> None:
    here, mlflow, back = answers(library)

    assert same(mlflow["saved"], back["saved"])
    assert here["native"] == mlflow["native"] == back["native"]


@pytest.mark.parametrize("library", libraries())
def test_a_saved_model_names_its_flavor_and_exactly_what_is_installed(library: str, answers: Answers) -> None:
    here, _, _ = answers(library)
    name = library.partition("-")[0]

    assert here["flavors"] == sorted([FLAVORS.get(name, name), "python_function"])
    assert PACKAGES.get(name, name) in {line.partition("==")[0] for line in here["requirements"]}
    assert all("==" in line for line in here["requirements"])
    assert not [line for line in here["requirements"] if line.startswith(("mlflow", "trackback"))]


@pytest.mark.parametrize("library", [each for each in libraries() if each.values[0] in PARAMS])
def test_the_params_are_those_that_the_library_knows(library: str, answers: Answers) -> None:
    here, _, _ = answers(library)
    name, value = PARAMS[library]

    assert here["params"][name] == value
