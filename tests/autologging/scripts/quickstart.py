"""As MLflow's documentation shows autologging: only the first import is another."""

from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

import trackback as mlflow
import trackback.sklearn
from trackback import MlflowClient


def fetch_logged_data(run_id: str) -> tuple[Any, Any, dict[str, str], list[str]]:
    client = MlflowClient()
    data: Any = client.get_run(run_id).data
    tags = {k: v for k, v in data.tags.items() if not k.startswith("mlflow.")}
    artifacts = [f.path for f in client.list_artifacts(run_id, "model")]
    return data.params, data.metrics, tags, artifacts


# enable autologging
mlflow.sklearn.autolog()

# prepare training data
X = np.array([[1, 1], [1, 2], [2, 2], [2, 3]])
y = np.dot(X, np.array([1, 2])) + 3

# train a model
model = LinearRegression()
with mlflow.start_run() as run:
    model.fit(X, y)

# fetch logged data
params, metrics, tags, artifacts = fetch_logged_data(run.info.run_id)
assert params["fit_intercept"] == "True"
assert abs(metrics["training_score"] - 1) < 1e-9
assert tags["estimator_name"] == "LinearRegression"
assert trackback.sklearn is mlflow.sklearn
print(run.info.run_id)
