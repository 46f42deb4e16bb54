"""As MLflow's documentation trains and loads a model: only the first import is another."""

from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split

import trackback as mlflow

mlflow.set_experiment("autologged diabetes")
mlflow.autolog(max_tuning_runs=2)

db = load_diabetes()
X_train, X_test, y_train, y_test = train_test_split(db.data, db.target, random_state=0)

# MLflow triggers logging automatically upon model fitting
search = GridSearchCV(RandomForestRegressor(random_state=0), {"n_estimators": [5, 10], "max_depth": [2, 3]}, cv=2)
search.fit(X_train, y_train)

autolog_run = mlflow.last_active_run()
assert autolog_run
predictions = search.predict(X_test)
error = mean_squared_error(y_test, predictions)

loaded = mlflow.sklearn.load_model(f"runs:/{autolog_run.info.run_id}/best_estimator")
assert (loaded.predict(X_test) == predictions).all()
model = mlflow.pyfunc.load_model(f"runs:/{autolog_run.info.run_id}/model")
assert (model.predict(X_test) == predictions).all()

found = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{autolog_run.info.run_id}'")
assert len(found) == 2
again = {each.key: each.value for each in mlflow.get_run(autolog_run.info.run_id).data.metrics}
assert again["mean_squared_error_X_test"] == error

info = mlflow.sklearn.log_model(sk_model=search.best_estimator_, name="forest", input_example=X_test[:2])
mlflow.end_run()
assert mlflow.models.infer_signature(X_test, predictions) == info.signature
print(autolog_run.info.run_id)
