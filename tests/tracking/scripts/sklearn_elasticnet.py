"""A script as MLflow's documentation has them: only the first import is another."""

import sys

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

import trackback as mlflow
from trackback.models import infer_signature


def eval_metrics(actual: pd.Series, pred: np.ndarray) -> tuple[float, float, float]:
    rmse = np.sqrt(mean_squared_error(actual, pred))
    return rmse, mean_absolute_error(actual, pred), r2_score(actual, pred)


mlflow.set_experiment("diabetes")
data = load_diabetes(as_frame=True).frame
train, test = train_test_split(data, random_state=40)
train_x, test_x = train.drop(["target"], axis=1), test.drop(["target"], axis=1)
train_y, test_y = train["target"], test["target"]

alpha, l1_ratio = 0.5, 0.5
with mlflow.start_run(run_name="elastic net") as run:
    dataset = mlflow.data.from_pandas(train, targets="target", name="diabetes")
    mlflow.log_input(dataset, context="training")
    lr = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, random_state=42).fit(train_x, train_y)
    predicted_qualities = lr.predict(test_x)
    rmse, mae, r2 = eval_metrics(test_y, predicted_qualities)
    mlflow.log_param("alpha", alpha)
    mlflow.log_param("l1_ratio", l1_ratio)
    mlflow.log_metrics({"rmse": rmse, "r2": r2, "mae": mae})
    mlflow.log_dict({"columns": list(train_x)}, "columns.json")
    signature = infer_signature(train_x, lr.predict(train_x))
    info = mlflow.sklearn.log_model(
        lr, name="model", signature=signature, input_example=train_x.head(3), registered_model_name="elastic-net"
    )

best = mlflow.search_runs(experiment_names=["diabetes"], order_by=["metrics.rmse"], max_results=1)
assert best.loc[0, "run_id"] == run.info.run_id
assert best.loc[0, "params.alpha"] == "0.5"
loaded = mlflow.load_model(f"models:/elastic-net/{info.registered_model_version}")
assert np.array_equal(loaded.predict(test_x), predicted_qualities)
print(run.info.run_id, info.registered_model_version, float(predicted_qualities[0]), file=sys.stdout)
