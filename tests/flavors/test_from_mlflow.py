"""Models that MLflow has saved load here, where MLflow is not installed, and predict the same."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from trackback.errors import InvalidParameter, NotImplementedHere, UntrustedModel
from trackback.flavors import Trust, load_model, load_predictor, read_mlmodel

EVERYTHING = Trust(everything=True)


def predictions(folder: Path, name: str) -> Any:
    return json.loads((folder / "predictions.json").read_text())[name]


def test_mlflow_is_not_installed_here() -> None:
    assert importlib.util.find_spec("mlflow") is None


@pytest.mark.parametrize("name", ["default", "pickle", "function", "code"])
def test_a_model_that_takes_tables_predicts_what_it_does_in_mlflow(
    saved_in_mlflow: Path, iris: tuple[Any, Any], name: str
) -> None:
    predictor = load_predictor(saved_in_mlflow / name, trust=EVERYTHING)

    assert numpy.asarray(predictor.predict(iris[0].head(20))).tolist() == predictions(saved_in_mlflow, name)


def test_a_model_that_takes_arrays_predicts_what_it_does_in_mlflow(
    saved_in_mlflow: Path, iris: tuple[Any, Any]
) -> None:
    predictor = load_predictor(saved_in_mlflow / "tensors", trust=EVERYTHING)

    predicted = predictor.predict(iris[0].head(20).to_numpy().astype("float32"))
    assert predicted.tolist() == predictions(saved_in_mlflow, "tensors")


def test_a_python_class_finds_its_files_and_takes_params(saved_in_mlflow: Path, iris: tuple[Any, Any]) -> None:
    predictor = load_predictor(saved_in_mlflow / "class", trust=EVERYTHING)

    predicted = predictor.predict(iris[0].head(20), {"add": 2.5})
    assert numpy.asarray(predicted).tolist() == predictions(saved_in_mlflow, "class")
    example = predictor.input_example
    assert example is not None
    assert example.params == {"add": 1.5}
    assert example.inputs.equals(iris[0].head(2))


def test_a_function_with_type_hints_takes_a_list(saved_in_mlflow: Path) -> None:
    predictor = load_predictor(saved_in_mlflow / "typed", trust=EVERYTHING)

    assert predictor.predict(["a", "b c"]) == predictions(saved_in_mlflow, "typed")
    with pytest.raises(InvalidParameter, match=r"\[1\].* has 7, a int, and the model takes string"):
        predictor.predict(["a", 7])


def test_a_model_that_uses_more_of_mlflow_than_there_is_says_what(saved_in_mlflow: Path) -> None:
    with pytest.raises(NotImplementedHere, match=r"mlflow\.entities.*pip install mlflow"):
        load_model(saved_in_mlflow / "needs_more", trust=EVERYTHING)


def test_mlflow_can_be_imported_neither_before_nor_after_a_model_was_loaded(saved_in_mlflow: Path) -> None:
    load_model(saved_in_mlflow / "class", trust=EVERYTHING)

    assert importlib.util.find_spec("mlflow") is None


@pytest.mark.parametrize("name", ["pickle", "tensors", "class", "function", "typed", "code"])
def test_what_could_run_code_is_not_loaded_unless_it_is_trusted(saved_in_mlflow: Path, name: str) -> None:
    with pytest.raises(UntrustedModel):
        load_model(saved_in_mlflow / name)


def test_all_that_the_file_says_is_read(saved_in_mlflow: Path) -> None:
    mlmodel = read_mlmodel(saved_in_mlflow / "default")

    assert mlmodel.metadata == {"team": "blue"}
    assert mlmodel.mlflow_version is not None
    assert mlmodel.mlflow_version[0] in "23"
    assert mlmodel.model_uuid is not None
    assert mlmodel.model_size_bytes is not None
    assert mlmodel.others == {}
