"""A data scientist's part of the story: train a model, register it, and find out that it may not go to production yet.

Arguments: a token; then `train <fit_intercept>`, or `alias <version>`.
"""

import os
import sys

os.environ["MLFLOW_TRACKING_TOKEN"] = sys.argv[1]

import mlflow
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

NAME = "progression"


def train(alpha: str) -> None:
    features, target = load_diabetes(return_X_y=True, as_frame=True)
    mlflow.set_experiment("diabetes")
    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(features.assign(target=target), name="diabetes"), context="training")
        model = Ridge(alpha=float(alpha)).fit(features, target)
        mlflow.log_param("alpha", alpha)
        mlflow.log_metric("r2", model.score(features, target))
        mlflow.sklearn.log_model(model, name="model", registered_model_name=NAME, pip_requirements=["scikit-learn"])
    print(run.info.run_id)


def set_alias(version: str) -> None:
    try:
        mlflow.MlflowClient().set_registered_model_alias(NAME, "production", version)
    except MlflowException as refusal:
        print(refusal)
    else:
        print("promoted")


{"train": train, "alias": set_alias}[sys.argv[2]](sys.argv[3])
