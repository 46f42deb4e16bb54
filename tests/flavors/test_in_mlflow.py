"""Models that were saved here load in unmodified MLflow of both major versions, and predict the same."""

from pathlib import Path
from typing import Any

import numpy
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from tests.environments import Environment
from tests.flavors.conftest import PredictInMlflow, array, table
from trackback.flavors import PythonModel, Trust, load_predictor, save_model

EVERYTHING = Trust(everything=True)


def test_a_scikit_learn_model(
    mlflow: Environment, predict_in_mlflow: PredictInMlflow, iris: tuple[Any, Any], tmp_path: Path
) -> None:
    features, kinds = iris
    forest = RandomForestClassifier(20, random_state=0).fit(features, kinds)
    # MLflow 2 knows no skops.
    options: dict[str, Any] = {"serialization_format": "cloudpickle"} if mlflow.name == "mlflow2" else {}
    save_model(forest, tmp_path / "model", input_example=features.head(2), metadata={"team": "blue"}, **options)
    raw = features.to_numpy().astype("float32")
    on_arrays = LogisticRegression(max_iter=500).fit(raw, kinds)
    save_model(on_arrays, tmp_path / "arrays", input_example=raw[:2], **options)

    with_table, with_array = predict_in_mlflow(
        {"model": tmp_path / "model", "data": table(features), "native": "sklearn"},
        {"model": tmp_path / "arrays", "data": array(raw), "native": "sklearn"},
    )
    expected = forest.predict(features).tolist()
    assert with_table["pyfunc"] == with_table["native"] == expected
    signature = load_predictor(tmp_path / "arrays", trust=EVERYTHING).signature
    assert signature is not None
    assert with_array["signature"] == signature.to_dict()
    assert with_array["pyfunc"] == on_arrays.predict(raw).tolist()


def half(frame: Any, by: float = 2.0) -> Any:
    return frame.iloc[:, 0] / by


class Counter:
    def predict(self, texts: list[str]) -> list[int]:
        return [len(text) for text in texts]


class Scaled(PythonModel):
    def load_context(self, context: Any) -> None:
        self.factor = float(Path(context.artifacts["factor"]).read_text())

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        return model_input.iloc[:, 0] * self.factor


def test_functions_and_objects(predict_in_mlflow: PredictInMlflow, iris: tuple[Any, Any], tmp_path: Path) -> None:
    features = iris[0]
    (tmp_path / "factor.txt").write_text("3")
    save_model(half, tmp_path / "function", input_example=(features.head(2), {"by": 2.0}))
    save_model(lambda frame: frame.sum(axis=1), tmp_path / "lambda", input_example=features.head(2))
    save_model(Counter(), tmp_path / "object", input_example=["some", "texts"])
    save_model(
        Scaled(),
        tmp_path / "context",
        input_example=features.head(2),
        artifacts={"factor": tmp_path / "factor.txt"},
    )

    answers = predict_in_mlflow(
        {"model": tmp_path / "function", "data": table(features), "params": {"by": 4.0}},
        {"model": tmp_path / "lambda", "data": table(features)},
        {"model": tmp_path / "object", "data": {"value": ["a", "bcd"]}},
        {"model": tmp_path / "context", "data": table(features)},
    )
    first = features.iloc[:, 0]
    expected = [first / 4, features.sum(axis=1), [1, 3], first * 3]
    for answer, values in zip(answers, expected, strict=True):
        numpy.testing.assert_allclose(answer["pyfunc"], values)
    data = (features, features, ["a", "bcd"], features)
    for name, given, values in zip(("function", "lambda", "object", "context"), data, expected, strict=True):
        here = load_predictor(tmp_path / name, trust=EVERYTHING)
        params = {"by": 4.0} if name == "function" else None
        numpy.testing.assert_allclose(here.predict(given, params), values)
