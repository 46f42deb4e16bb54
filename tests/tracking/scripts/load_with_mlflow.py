"""Loads a registered model with MLflow's client, and prints its first prediction."""

import sys

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

_, test = train_test_split(load_diabetes(as_frame=True).frame, random_state=40)
model = mlflow.pyfunc.load_model(sys.argv[1])
print(float(model.predict(test.drop(["target"], axis=1))[0]))
