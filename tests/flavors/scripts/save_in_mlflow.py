"""Saves models with MLflow into the folder that it is given, and what they predict into predictions.json there."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

CODE = """
import mlflow
from mlflow.models import set_model

class FromCode(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["sepal length (cm)"] * 3

set_model(FromCode())
"""

folder = Path(sys.argv[1])
X, y = load_iris(return_X_y=True, as_frame=True)
X32 = X.to_numpy().astype(np.float32)
data = X.head(20)
classifier = LogisticRegression(max_iter=500).fit(X, y)
words = folder / "words.txt"
words.write_text("7")


class Adder(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    def load_context(self, context: Any) -> None:
        self.number = float(Path(context.artifacts["words"]).read_text())

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        return model_input.sum(axis=1) + self.number + (params or {}).get("add", 0)


class NeedsMore(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    def __init__(self) -> None:
        from mlflow.entities import Metric

        self.metric = Metric("a", 1, 1, 1)

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        return model_input


def double(frame: Any) -> Any:
    return frame["sepal length (cm)"] * 2


def upper(model_input: list[str]) -> list[str]:
    return [text.upper() for text in model_input]


def predicted(name: str, inputs: Any = data, params: dict[str, Any] | None = None) -> Any:
    model = mlflow.pyfunc.load_model(str(folder / name))
    return np.asarray(model.predict(inputs, params) if params else model.predict(inputs)).tolist()


# Requirements are given, since to infer them MLflow starts a process for each model.
save = partial(mlflow.pyfunc.save_model, pip_requirements=["mlflow"])
save_sklearn = partial(mlflow.sklearn.save_model, pip_requirements=["mlflow"])
save_sklearn(classifier, folder / "default", input_example=X.head(3), metadata={"team": "blue"})
save_sklearn(classifier, folder / "pickle", serialization_format="pickle", signature=infer_signature(X, y))
save_sklearn(
    LogisticRegression(max_iter=500).fit(X32, y),
    folder / "tensors",
    serialization_format="cloudpickle",
    input_example=X32[:3],
)
example = (X.head(2), {"add": 1.5})
save(folder / "class", python_model=Adder(), artifacts={"words": str(words)}, input_example=example)
save(folder / "function", python_model=double, input_example=X.head(2))
save(folder / "typed", python_model=upper, input_example=["a"])
(folder / "code.py").write_text(CODE)
save(folder / "code", python_model=str(folder / "code.py"))
save(folder / "needs_more", python_model=NeedsMore())

predictions = {name: predicted(name) for name in ("default", "pickle", "function", "code")}
predictions["tensors"] = predicted("tensors", X32[:20])
predictions["class"] = predicted("class", params={"add": 2.5})
predictions["typed"] = predicted("typed", ["a", "b c"])
(folder / "predictions.json").write_text(json.dumps(predictions))
