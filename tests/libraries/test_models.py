"""Real models of each library: saved here, loaded in MLflow; saved in MLflow, loaded here without it."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.environments import Environment

SCRIPT = Path(__file__).parent / "scripts" / "models.py"

LIBRARIES = [
    pytest.param(library, marks=[pytest.mark.libraries, pytest.mark.timeout(900)])
    for library in (
        "xgboost-classifier",
        "xgboost-booster",
        "lightgbm-classifier",
        "lightgbm-booster",
        "onnx",
        "keras",
        "spark",
        "fasttext",
    )
] + [
    pytest.param(library, marks=[pytest.mark.torch, pytest.mark.timeout(900)])
    for library in ("torch-pickle", "torch-pt2")
]
FLAVORS = {"torch": "pytorch"}


def run(side: str, library: str, folder: Path) -> dict[str, Any]:
    environment = Environment("torch" if library.startswith("torch") else "libraries")
    output = environment.run(
        SCRIPT,
        side,
        library,
        str(folder),
        tracking_uri="http://127.0.0.1:1",
        env={"TRACKBACK_TRUST_PICKLES": "1"},
        timeout_s=400,
    )
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answer


def same(left: Any, right: Any) -> bool:
    """Whether predictions are the same, to what two computations of one model may differ by."""
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    one, two = numpy.asarray(left), numpy.asarray(right)
    if one.dtype.kind != "f":
        return bool(one.tolist() == two.tolist())
    return one.shape == two.shape and bool(numpy.allclose(one, two, rtol=1e-5, atol=1e-6))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_model_predicts_the_same_on_both_sides(library: str, tmp_path: Path) -> None:
    name = library.partition("-")[0]
    here = run("here", library, tmp_path)
    mlflow = run("mlflow", library, tmp_path)

    assert here["flavors"] == sorted([FLAVORS.get(name, name), "python_function"])
    assert same(mlflow["predicted"], here["predicted"])
    if name == "fasttext":
        return
    back = run("back", library, tmp_path)
    assert same(back["saved"], mlflow["saved"])
    assert here["native"] == mlflow["native"] == back["native"]


@pytest.mark.parametrize(
    ("library", "package"),
    [
        pytest.param(library, package, marks=[pytest.mark.libraries, pytest.mark.timeout(900)])
        for library, package in (("xgboost-booster", "xgboost-cpu"), ("fasttext", "fasttext-community"))
    ],
)
def test_the_requirements_name_the_package_that_is_installed(library: str, package: str, tmp_path: Path) -> None:
    requirements = run("here", library, tmp_path)["requirements"]

    assert package in {line.partition("==")[0] for line in requirements}
    assert all("==" in line for line in requirements)
    assert not [line for line in requirements if line.startswith(("mlflow", "trackback"))]
