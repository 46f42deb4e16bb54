"""Training with scikit-learn: autolog, a model logged by hand, both found again, loaded, and evaluated."""

import tempfile
import uuid
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MLFLOW_3 = mlflow.__version__.startswith("3")
client = mlflow.MlflowClient()
features, labels = load_breast_cancer(return_X_y=True, as_frame=True)
train_x, test_x, train_y, test_y = train_test_split(features, labels, random_state=7)


def autolog_keeps_what_went_into_a_fit(experiment_id: str) -> None:
    mlflow.sklearn.autolog()
    held_out, held_out_labels = test_x, test_y  # autolog names a metric by the local variable of its data
    forest = RandomForestClassifier(n_estimators=10, max_depth=3, random_state=7)
    with mlflow.start_run(run_name="autologged") as active:
        forest.fit(train_x, train_y)
        score = forest.score(held_out, held_out_labels)
    mlflow.sklearn.autolog(disable=True)

    run = client.get_run(active.info.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["n_estimators"] == "10", run.data.params
    assert run.data.params["class_weight"] == "None", run.data.params
    assert run.data.metrics["training_accuracy_score"] == forest.score(train_x, train_y), run.data.metrics
    assert run.data.metrics["RandomForestClassifier_score_held_out"] == score, run.data.metrics
    assert run.data.tags["estimator_name"] == "RandomForestClassifier", run.data.tags
    assert [i.tags[0].value for i in run.inputs.dataset_inputs] == ["train"] * len(run.inputs.dataset_inputs)
    assert run.inputs.dataset_inputs[0].dataset.name, run.inputs
    paths = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert "training_confusion_matrix.png" in paths, paths
    assert "estimator.html" in paths, paths

    loaded = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    assert np.array_equal(loaded.predict(test_x), forest.predict(test_x))
    found = mlflow.search_runs([experiment_id], "tags.estimator_name = 'RandomForestClassifier'")
    assert list(found["run_id"]) == [run.info.run_id], found


def autolog_of_a_grid_search_makes_a_child_for_each_candidate(experiment_id: str) -> None:
    mlflow.sklearn.autolog(max_tuning_runs=4, log_datasets=False, log_models=False)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.01, 0.1, 1.0]}, cv=2)
    with mlflow.start_run() as active:
        search.fit(train_x, train_y)
    mlflow.sklearn.autolog(disable=True)

    parent = client.get_run(active.info.run_id)
    assert parent.data.params["best_logisticregression__C"] == str(search.best_params_["logisticregression__C"])
    assert parent.data.metrics["best_cv_score"] == search.best_score_, parent.data.metrics
    children = client.search_runs(
        [experiment_id],
        f"tags.mlflow.parentRunId = '{active.info.run_id}'",
        order_by=["metrics.mean_test_score DESC"],
    )
    assert len(children) == 3, [child.info.run_name for child in children]
    assert children[0].data.metrics["mean_test_score"] == search.best_score_, children[0].data.metrics
    assert [file.path for file in client.list_artifacts(active.info.run_id)].count("cv_results.csv") == 1


def a_model_logged_by_hand_is_loaded_by_its_run() -> None:
    model = LogisticRegression(max_iter=5000).fit(train_x, train_y)
    named = {"name": "clf"} if MLFLOW_3 else {"artifact_path": "clf"}
    with mlflow.start_run() as active:
        mlflow.log_text("beside the model", "notes.txt")
        logged = mlflow.sklearn.log_model(
            model,
            **named,
            signature=infer_signature(train_x, model.predict(train_x)),
            input_example=train_x.head(3),
            metadata={"origin": "a test"},
            pip_requirements=["scikit-learn"],  # or MLflow finds them by loading the model in a second process
        )
    run_id = active.info.run_id
    assert logged.run_id == run_id, logged

    files = {file.path for file in client.list_artifacts(run_id, "clf")}
    assert {"clf/MLmodel", "clf/requirements.txt", "clf/input_example.json"} <= files, files
    uri = f"runs:/{run_id}/clf"
    assert mlflow.models.get_model_info(uri).metadata == {"origin": "a test"}
    assert [column.name for column in mlflow.models.get_model_info(uri).signature.inputs] == list(features.columns)
    scores = mlflow.pyfunc.load_model(uri).predict(test_x)
    assert np.array_equal(scores, model.predict(test_x))
    with tempfile.TemporaryDirectory() as folder:
        local = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
        assert (local / "MLmodel").read_text().startswith("artifact_path:"), list(local.iterdir())
    if not MLFLOW_3:
        assert '"artifact_path": "clf"' in client.get_run(run_id).data.tags["mlflow.log-model.history"]


def any_python_function_is_a_model() -> None:
    class Doubler(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow's classes have no types here
        def load_context(self, context: object) -> None:
            self.offset = float(Path(context.artifacts["offset"]).read_text())  # type: ignore[attr-defined]

        def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> pd.DataFrame:
            return model_input * 2 + self.offset

    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as active:
        (Path(folder) / "offset.txt").write_text("0.5")
        mlflow.pyfunc.log_model(
            **({"name": "doubler"} if MLFLOW_3 else {"artifact_path": "doubler"}),
            python_model=Doubler(),
            artifacts={"offset": str(Path(folder) / "offset.txt")},
            pip_requirements=["mlflow"],
        )
    loaded = mlflow.pyfunc.load_model(f"runs:/{active.info.run_id}/doubler")
    assert list(loaded.predict(pd.DataFrame({"x": [1.0, 2.0]}))["x"]) == [2.5, 4.5]


def a_model_is_evaluated_on_a_test_set() -> None:
    model = LogisticRegression(max_iter=5000).fit(train_x, train_y)
    with mlflow.start_run() as active:
        logged = mlflow.sklearn.log_model(
            model,
            **({"name": "clf"} if MLFLOW_3 else {"artifact_path": "clf"}),
            input_example=train_x.head(2),
            pip_requirements=["scikit-learn"],
        )
        evaluate = mlflow.models.evaluate if MLFLOW_3 else mlflow.evaluate
        result = evaluate(
            logged.model_uri,
            test_x.assign(label=test_y),
            targets="label",
            model_type="classifier",
            evaluator_config={"log_explainer": False, "log_model_explainability": False},
        )
    run = client.get_run(active.info.run_id)
    assert result.metrics["accuracy_score"] == model.score(test_x, test_y), result.metrics
    assert run.data.metrics["accuracy_score"] == result.metrics["accuracy_score"], run.data.metrics
    assert {"confusion_matrix.png", "roc_curve_plot.png"} <= {
        file.path for file in client.list_artifacts(run.info.run_id)
    }
    assert len(run.inputs.dataset_inputs) == 1, run.inputs


def main() -> None:
    experiment_id = mlflow.set_experiment(f"models {uuid.uuid4().hex[:8]}").experiment_id
    autolog_keeps_what_went_into_a_fit(experiment_id)
    autolog_of_a_grid_search_makes_a_child_for_each_candidate(experiment_id)
    a_model_logged_by_hand_is_loaded_by_its_run()
    any_python_function_is_a_model()
    a_model_is_evaluated_on_a_test_set()


if __name__ == "__main__":
    main()
