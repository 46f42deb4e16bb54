import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
from sklearn.datasets import load_iris

from tests.environments import Environment

SCRIPTS = Path(__file__).parent / "scripts"
NO_SERVER = "http://127.0.0.1:1"

# A model's predictions in MLflow: by its uniform `predict`, and by the library itself.
PredictInMlflow = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def iris() -> tuple[Any, Any]:
    """A table of 150 flowers, 4 columns of doubles, and the kind of each, an integer."""
    table, kinds = load_iris(return_X_y=True, as_frame=True)
    return table, kinds


def table(frame: pandas.DataFrame) -> dict[str, Any]:
    return {"table": frame.to_dict("split", index=False)}


def array(values: Any) -> dict[str, Any]:
    return {"array": {"data": values.tolist(), "dtype": str(values.dtype)}}


@pytest.fixture
def predict_in_mlflow(mlflow: Environment) -> PredictInMlflow:
    """Each major version of MLflow loads models that were saved here, in one process."""

    def predict(*tasks: dict[str, Any]) -> list[dict[str, Any]]:
        text = json.dumps([{**task, "model": str(task["model"])} for task in tasks])
        output = mlflow.run(SCRIPTS / "predict_in_mlflow.py", text, tracking_uri=NO_SERVER)
        return [json.loads(line) for line in output.splitlines()[-len(tasks) :]]

    return predict


@pytest.fixture(scope="session", params=["mlflow3", "mlflow2"])
def saved_in_mlflow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that each major version of MLflow has saved, with their predictions."""
    folder = tmp_path_factory.mktemp(f"saved-in-{request.param}")
    Environment(request.param).run(SCRIPTS / "save_in_mlflow.py", str(folder), tracking_uri=NO_SERVER)
    return folder
