"""What a model's directory holds: its MLmodel file and its input example, as MLflow writes them."""

import json
import stat
from pathlib import Path
from typing import Any

import numpy
import pandas
import polars
import pytest
import scipy.sparse
import yaml
from sklearn.linear_model import LogisticRegression

from trackback.flavors import load_predictor, read_mlmodel, save_model, write_mlmodel
from trackback.flavors.examples import InputExample, read_example, write_example
from trackback.flavors.mlmodel import MLmodel


@pytest.fixture
def model(iris: tuple[Any, Any]) -> Any:
    return LogisticRegression(max_iter=500).fit(*iris)


def test_the_directory_has_mlflows_files(model: Any, iris: tuple[Any, Any], tmp_path: Path) -> None:
    save_model(model, tmp_path / "model", input_example=iris[0].head(2))

    assert sorted(file.name for file in (tmp_path / "model").iterdir()) == [
        "MLmodel",
        "conda.yaml",
        "input_example.json",
        "model.skops",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    ]


def test_others_may_read_it(model: Any, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model")

    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o755


def test_an_mlmodel_file_is_read_as_it_was_written(model: Any, iris: tuple[Any, Any], tmp_path: Path) -> None:
    written = save_model(model, tmp_path / "model", input_example=iris[0].head(2), metadata={"team": ["blue", 7]})

    assert read_mlmodel(tmp_path / "model") == written


def test_ids_can_be_written_into_it_later(model: Any, tmp_path: Path) -> None:
    mlmodel = save_model(model, tmp_path / "model")
    mlmodel.run_id, mlmodel.model_id, mlmodel.artifact_path = "r", "m-1", "model"
    write_mlmodel(mlmodel, tmp_path / "model")

    content = yaml.safe_load((tmp_path / "model" / "MLmodel").read_text())
    assert (content["run_id"], content["model_id"], content["artifact_path"]) == ("r", "m-1", "model")


def test_what_mlflow_leaves_out_is_left_out(tmp_path: Path) -> None:
    write_mlmodel(MLmodel(flavors={}), tmp_path)

    assert set(yaml.safe_load((tmp_path / "MLmodel").read_text())) == {
        "flavors",
        "is_signature_from_type_hint",
        "mlflow_version",
        "model_id",
        "model_uuid",
        "prompts",
        "type_hint_from_example",
        "utc_time_created",
    }


def test_its_size_is_that_of_its_files(model: Any, tmp_path: Path) -> None:
    mlmodel = save_model(model, tmp_path / "model")

    assert mlmodel.model_size_bytes == (tmp_path / "model" / "model.skops").stat().st_size


FRAME = pandas.DataFrame({"a": [1.5, None], "b": ["x", "y"]})
EXAMPLES = {
    "table": FRAME,
    "numbered columns": pandas.DataFrame([[1, 2], [3, 4]]),
    "array": numpy.array([[1.5, 2.5]]),
    "arrays by name": {"a": numpy.array([1, 2]), "b": numpy.array([[0.5]])},
    "list": ["x", "y"],
    "rows": [{"a": 1}, {"a": 2}],
    "value": "x",
}


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, pandas.DataFrame):
        return bool(left.equals(right))
    if isinstance(left, numpy.ndarray):
        return numpy.array_equal(left, right)
    if isinstance(left, dict):
        return all(equal(value, right[name]) for name, value in left.items())
    return bool(left == right)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("params", [None, {"k": 3}])
def test_an_example_comes_back_as_it_was(name: str, params: dict[str, Any] | None, tmp_path: Path) -> None:
    info = write_example(InputExample(EXAMPLES[name], params), tmp_path)

    example = read_example(MLmodel(flavors={}, saved_input_example_info=info), tmp_path)
    assert example is not None
    assert example.params == params
    assert equal(EXAMPLES[name], example.inputs)


def test_a_sparse_example_comes_back_as_it_was(tmp_path: Path) -> None:
    matrix = scipy.sparse.csr_matrix(numpy.eye(3))
    info = write_example(InputExample(matrix), tmp_path)

    example = read_example(MLmodel(flavors={}, saved_input_example_info=info), tmp_path)
    assert info.type == "sparse_matrix_csr"
    assert example is not None
    assert (example.inputs != matrix).nnz == 0


def test_the_body_for_the_scoring_protocol_is_written_beside_it(tmp_path: Path) -> None:
    write_example(InputExample(FRAME, {"k": 3}), tmp_path)

    assert json.loads((tmp_path / "serving_input_example.json").read_text()) == {
        "dataframe_split": {"columns": ["a", "b"], "data": [[1.5, "x"], [None, "y"]]},
        "params": {"k": 3},
    }


def test_a_model_that_was_trained_on_polars_takes_polars(iris: tuple[Any, Any], tmp_path: Path) -> None:
    features, kinds = iris
    table = polars.DataFrame(features.to_dict("list"))
    model = LogisticRegression(max_iter=500).fit(table, kinds)
    save_model(model, tmp_path / "model", input_example=table.head(2))

    predictor = load_predictor(tmp_path / "model")
    assert predictor.predict(table).tolist() == predictor.predict(features).tolist() == model.predict(table).tolist()
