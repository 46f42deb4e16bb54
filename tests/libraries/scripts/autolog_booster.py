"""Trains a booster of the library named under MLflow's autolog, and prints as JSON what the server gives back."""

import importlib
import json
import sys
from typing import Any

import lightgbm
import mlflow
import numpy
import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

ROUNDS = 30
TRAIN_X, TEST_X, TRAIN_Y, TEST_Y = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)


def train_xgboost() -> Any:
    return xgboost.train(
        {"objective": "binary:logistic", "eval_metric": "logloss", "max_depth": 3},
        xgboost.DMatrix(TRAIN_X, TRAIN_Y),
        num_boost_round=ROUNDS,
        evals=[(xgboost.DMatrix(TEST_X, TEST_Y), "test")],
        verbose_eval=False,
    )


def train_lightgbm() -> Any:
    training = lightgbm.Dataset(TRAIN_X, TRAIN_Y)
    return lightgbm.train(
        {"objective": "binary", "metric": "binary_logloss", "num_leaves": 7, "num_threads": 2, "verbose": -1},
        training,
        num_boost_round=ROUNDS,
        valid_sets=[lightgbm.Dataset(TEST_X, TEST_Y, reference=training)],
        valid_names=["test"],
    )


def predict(booster: Any) -> Any:
    return booster.predict(xgboost.DMatrix(TEST_X) if isinstance(booster, xgboost.Booster) else TEST_X)


def main(library: str) -> None:
    flavor = importlib.import_module(f"mlflow.{library}")
    train, loss = {
        "xgboost": (train_xgboost, "test-logloss"),
        "lightgbm": (train_lightgbm, "test-binary_logloss"),
    }[library]

    mlflow.set_experiment(library)
    flavor.autolog()
    with mlflow.start_run() as active:
        booster = train()

    client = mlflow.MlflowClient()
    run = client.get_run(active.info.run_id)
    loaded = flavor.load_model(f"models:/{run.outputs.model_outputs[0].model_id}")
    read_back = {
        "status": run.info.status,
        "params": run.data.params,
        "steps_of_the_loss": [point.step for point in client.get_metric_history(run.info.run_id, loss)],
        "artifacts": [entry.path for entry in client.list_artifacts(run.info.run_id)],
        "largest_difference": float(numpy.abs(predict(booster) - predict(loaded)).max()),
    }
    print(json.dumps(read_back))


if __name__ == "__main__":
    main(sys.argv[1])
