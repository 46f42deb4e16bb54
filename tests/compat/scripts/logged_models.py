"""Logged models, as MLflow has them since release 3: made, finished, tagged, measured, searched, loaded, deleted."""

import uuid

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import LoggedModelInput, LoggedModelOutput, LoggedModelStatus
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

client = mlflow.MlflowClient()
unique = uuid.uuid4().hex[:8]


def a_model_has_a_life_of_its_own(experiment_id: str) -> None:
    params = {f"p{n}": str(n) for n in range(250)}
    made = client.create_logged_model(experiment_id, name="by-hand", model_type="agent", tags={"a": "1"}, params=params)
    assert made.model_id.startswith("m-"), made.model_id
    assert len(made.model_id) == 34, made.model_id
    assert made.status == LoggedModelStatus.PENDING, made.status
    assert made.artifact_location.endswith(f"/models/{made.model_id}/artifacts"), made.artifact_location
    got = client.get_logged_model(made.model_id)
    assert (got.name, got.model_type, got.experiment_id) == ("by-hand", "agent", experiment_id), got
    assert got.params == params, len(got.params)

    client.set_logged_model_tags(made.model_id, {"a": "2", "b": "x"})
    client.delete_logged_model_tag(made.model_id, "b")
    assert client.get_logged_model(made.model_id).tags["a"] == "2"
    assert "b" not in client.get_logged_model(made.model_id).tags
    client.finalize_logged_model(made.model_id, LoggedModelStatus.FAILED)
    assert client.get_logged_model(made.model_id).status == LoggedModelStatus.FAILED
    client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
    ready = client.get_logged_model(made.model_id)
    assert ready.status == LoggedModelStatus.READY
    assert ready.last_updated_timestamp >= ready.creation_timestamp

    client.delete_logged_model(made.model_id)
    for gone in (made.model_id, "m-" + "0" * 32):
        try:
            client.get_logged_model(gone)
        except MlflowException as refusal:
            assert refusal.error_code == "RESOURCE_DOES_NOT_EXIST", refusal.error_code
            assert gone in str(refusal), refusal
        else:
            raise AssertionError(f"{gone} was found")
    named = mlflow.initialize_logged_model()
    assert named.name, "a model without a name is given one"
    for name in ("a/b", "a:b", "a.b", "50%"):
        try:
            client.create_logged_model(experiment_id, name=name)
        except MlflowException as refusal:
            assert refusal.error_code == "INVALID_PARAMETER_VALUE", refusal.error_code
        else:
            raise AssertionError(f"a logged model was named {name}")


def a_trained_model_is_linked_to_its_run_data_and_metrics(experiment_id: str) -> None:
    features, target = load_diabetes(return_X_y=True, as_frame=True)
    dataset = mlflow.data.from_pandas(features.assign(target=target), name="diabetes", targets="target")
    with mlflow.start_run() as active:
        ridge = Ridge(alpha=0.5).fit(features, target)
        logged = mlflow.sklearn.log_model(
            ridge,
            name="ridge",
            params={"alpha": 0.5},
            tags={"kind": "linear"},
            input_example=features.head(2),
            pip_requirements=["scikit-learn"],
            step=3,
        )
        mlflow.log_metric("r2", 0.4, step=1, model_id=logged.model_id, dataset=dataset)
        mlflow.log_metric("r2", 0.5, step=2, model_id=logged.model_id, dataset=dataset)
        mlflow.log_metrics({"mae": 44.0, "mse": 3000.0}, model_id=logged.model_id)
    run_id = active.info.run_id

    model = mlflow.get_logged_model(logged.model_id)
    assert (model.name, model.source_run_id, model.status) == ("ridge", run_id, LoggedModelStatus.READY), model
    assert model.params == {"alpha": "0.5"}, model.params
    assert model.tags["kind"] == "linear", model.tags
    points = sorted((m.key, m.value, m.step, m.dataset_name, m.dataset_digest, m.run_id) for m in model.metrics)
    assert points == [
        ("mae", 44.0, 0, None, None, run_id),
        ("mse", 3000.0, 0, None, None, run_id),
        ("r2", 0.4, 1, "diabetes", dataset.digest, run_id),
        ("r2", 0.5, 2, "diabetes", dataset.digest, run_id),
    ], points

    run = client.get_run(run_id)
    assert run.data.metrics == {"r2": 0.5, "mae": 44.0, "mse": 3000.0}, run.data.metrics
    assert [(output.model_id, output.step) for output in run.outputs.model_outputs] == [(logged.model_id, 3)]
    assert [i.dataset.name for i in run.inputs.dataset_inputs] == ["diabetes"], run.inputs

    files = {file.path for file in mlflow.artifacts.list_artifacts(f"models:/{logged.model_id}")}
    assert {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"} <= files, files
    for uri in (f"models:/{logged.model_id}", f"runs:/{run_id}/ridge"):
        assert np.allclose(mlflow.sklearn.load_model(uri).predict(features), ridge.predict(features)), uri
        assert np.allclose(mlflow.pyfunc.load_model(uri).predict(features), ridge.predict(features)), uri
    assert mlflow.models.get_model_info(f"models:/{logged.model_id}").model_id == logged.model_id
    found = mlflow.search_logged_models([experiment_id], f"source_run_id = '{run_id}'", output_format="list")
    assert [m.model_id for m in found] == [logged.model_id], found


def a_model_may_go_into_a_run(experiment_id: str) -> None:
    model = client.create_logged_model(experiment_id, name="upstream")
    run_id = client.create_run(experiment_id).info.run_id
    client.log_inputs(run_id, models=[LoggedModelInput(model.model_id)])
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=7)])
    run = client.get_run(run_id)
    assert [i.model_id for i in run.inputs.model_inputs] == [model.model_id], run.inputs
    assert [(o.model_id, o.step) for o in run.outputs.model_outputs] == [(model.model_id, 7)], run.outputs


def models_are_searched() -> None:
    experiment_id = client.create_experiment(f"logged models {unique} search")
    dataset = mlflow.data.from_pandas(pd.DataFrame({"x": [1.0]}), name="held out")
    run_id = client.create_run(experiment_id).info.run_id
    ids = {}
    for name, kind, params, tags, metrics in [
        ("ada", "tree", {"depth": "3"}, {"team": "red"}, [("auc", 0.9, 1), ("auc", 0.6, 2)]),
        ("bob", "tree", {"depth": "5"}, {"team": "blue"}, [("auc", 0.8, 1)]),
        ("cyd", "linear", {}, {"team": "red"}, []),
    ]:
        model = client.create_logged_model(experiment_id, name=name, model_type=kind, params=params, tags=tags)
        ids[model.model_id] = name
        for key, value, step in metrics:
            client.log_metric(run_id, key, value, step=step, model_id=model.model_id)
        if name != "cyd":
            client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    ada = next(iter(ids))
    client.log_metric(run_id, "loss", 0.1, model_id=ada, dataset_name=dataset.name, dataset_digest=dataset.digest)

    def found(text: str | None = None, **options: object) -> str:
        models = client.search_logged_models([experiment_id], text, **options)
        return " ".join(ids[model.model_id] for model in models)

    newest_first = "cyd bob ada"
    wrong = {}
    for text, names in {
        "": newest_first,
        "name = 'ada'": "ada",
        "name != 'ada'": "cyd bob",
        "name LIKE '%d%'": "cyd ada",
        "name ILIKE 'B%'": "bob",
        "name IN ('ada', 'cyd')": "cyd ada",
        "name NOT IN ('ada', 'cyd')": "bob",
        "model_type = 'tree'": "bob ada",
        "attributes.model_type = 'linear'": "cyd",
        f"model_id = '{ada}'": "ada",
        "creation_timestamp > 0": newest_first,
        "creation_time > 0 AND last_updated_timestamp > 0": newest_first,
        "params.depth = '5'": "bob",
        "params.depth != '5'": "ada",
        "tags.team = 'red'": "cyd ada",
        "tags.team LIKE 'b%'": "bob",
        "metrics.auc < 0.7": "ada",
        "metrics.auc >= 0.6 AND tags.team = 'red'": "ada",
    }.items():
        if found(text) != names:
            wrong[text] = f"found {found(text)!r}, expected {names!r}"
    assert not wrong, "\n".join(f"{text}: {difference}" for text, difference in wrong.items())

    by_auc = [{"field_name": "metrics.auc", "ascending": False}]
    assert found(order_by=by_auc) == "bob ada cyd", found(order_by=by_auc)
    assert found(order_by=[{"field_name": "name"}]) == "ada bob cyd"
    with_data = [{"dataset_name": dataset.name, "dataset_digest": dataset.digest}]
    assert found("metrics.loss < 1", datasets=with_data) == "ada"
    other_data = [{"dataset_name": dataset.name, "dataset_digest": "another"}]
    assert found("metrics.loss < 1", datasets=other_data) == ""

    first = client.search_logged_models([experiment_id], max_results=2)
    rest = client.search_logged_models([experiment_id], max_results=2, page_token=first.token)
    assert [ids[model.model_id] for model in [*first, *rest]] == newest_first.split()
    for text in ("name > 'a'", "nonsense.a = 'b'"):
        try:
            found(text)
        except MlflowException as refusal:
            assert refusal.error_code == "INVALID_PARAMETER_VALUE", (text, refusal.error_code)
        else:
            raise AssertionError(f"not refused: {text}")


def main() -> None:
    experiment_id = mlflow.set_experiment(f"logged models {unique}").experiment_id
    a_model_has_a_life_of_its_own(experiment_id)
    a_trained_model_is_linked_to_its_run_data_and_metrics(experiment_id)
    a_model_may_go_into_a_run(experiment_id)
    models_are_searched()


if __name__ == "__main__":
    main()
