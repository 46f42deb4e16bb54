"""As MLflow's documentation shows autologging: only the first import is another."""

import numpy as np
from sklearn.linear_model import LinearRegression

import trackback as mlflow

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
logged = mlflow.get_run(run.info.run_id)
params = {each.key: each.value for each in logged.data.params}
metrics = {each.key: each.value for each in logged.data.metrics}
tags = {each.key: each.value for each in logged.data.tags if not each.key.startswith("mlflow.")}
assert params["fit_intercept"] == "True"
assert abs(metrics["training_score"] - 1) < 1e-9
assert tags["estimator_name"] == "LinearRegression"
print(run.info.run_id)
