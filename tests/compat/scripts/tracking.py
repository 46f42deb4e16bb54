"""A whole tracking session with the fluent API and MlflowClient: experiments, runs, params, metrics, tags, inputs."""

import math
import uuid

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

client = mlflow.MlflowClient()
unique = uuid.uuid4().hex[:8]


def an_experiment_is_created_once_tagged_renamed_deleted_and_restored() -> str:
    name = f"tracking {unique}"
    created = mlflow.set_experiment(name)
    assert mlflow.set_experiment(name).experiment_id == created.experiment_id
    experiment_id: str = created.experiment_id
    assert created.artifact_location.endswith(f"/{experiment_id}"), created.artifact_location
    assert created.lifecycle_stage == "active"
    assert created.creation_time > 1_600_000_000_000, created.creation_time

    mlflow.set_experiment_tag("team", "wine")
    client.set_experiment_tag(experiment_id, "goal", "a long story: " + "x" * 10_000)
    tags = client.get_experiment(experiment_id).tags
    assert tags["team"] == "wine", tags
    assert len(tags["goal"]) == 10_014, len(tags["goal"])

    client.rename_experiment(experiment_id, f"{name} renamed")
    assert client.get_experiment(experiment_id).name == f"{name} renamed"
    assert client.get_experiment_by_name(name) is None
    client.rename_experiment(experiment_id, name)

    other = client.create_experiment(f"{name} other", tags={"made": "by client"})
    assert client.get_experiment(other).tags["made"] == "by client"
    run = client.create_run(other)
    client.delete_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "deleted"
    assert client.get_experiment_by_name(f"{name} other").lifecycle_stage == "deleted"
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    assert [e.experiment_id for e in client.search_experiments(filter_string=f"name = '{name} other'")] == []
    deleted = client.search_experiments(ViewType.DELETED_ONLY, filter_string=f"name = '{name} other'")
    assert [e.experiment_id for e in deleted] == [other]
    client.restore_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "active"
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"
    return experiment_id


def the_fluent_api_logs_a_run(experiment_id: str) -> None:
    with mlflow.start_run(run_name="first", tags={"origin": "script"}, description="what it is about") as active:
        run_id = active.info.run_id
        mlflow.log_param("alpha", 0.5)
        mlflow.log_params({"layers": [3, 4], "solver": "lbfgs", "empty": ""})
        for step in range(5):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": 0.9, "f1 score": 0.8, "val/auc": 0.7}, step=4)
        mlflow.set_tag("stage", "draft")
        mlflow.set_tags({"stage": "final", "unicode ключ": "значение ✓"})
        mlflow.set_tag("temporary", "x")
        mlflow.delete_tag("temporary")
        assert client.get_run(run_id).info.status == "RUNNING"

    run = mlflow.get_run(run_id)
    assert run.info.run_name == "first", run.info.run_name
    assert run.info.experiment_id == experiment_id
    assert run.info.status == "FINISHED"
    assert run.info.start_time <= run.info.end_time
    assert run.info.artifact_uri.endswith(f"/{run_id}/artifacts"), run.info.artifact_uri
    assert run.data.params == {"alpha": "0.5", "layers": "[3, 4]", "solver": "lbfgs", "empty": ""}, run.data.params
    assert run.data.metrics == {"loss": 0.2, "accuracy": 0.9, "f1 score": 0.8, "val/auc": 0.7}, run.data.metrics
    assert run.data.tags["stage"] == "final"
    assert run.data.tags["unicode ключ"] == "значение ✓"
    assert run.data.tags["origin"] == "script"
    assert run.data.tags["mlflow.runName"] == "first"
    assert run.data.tags["mlflow.note.content"] == "what it is about"
    assert run.data.tags["mlflow.source.name"].endswith("tracking.py"), run.data.tags
    assert run.data.tags["mlflow.user"]
    assert "temporary" not in run.data.tags

    history = client.get_metric_history(run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(s, 1.0 / (s + 1)) for s in range(5)], history
    assert client.get_metric_history(run_id, "never logged") == []

    with mlflow.start_run(run_id=run_id):
        mlflow.log_metric("late", 1)
    assert client.get_run(run_id).data.metrics["late"] == 1.0


def a_run_that_fails_says_so() -> None:
    run_id = ""
    try:
        with mlflow.start_run() as active:
            run_id = active.info.run_id
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    run = client.get_run(run_id)
    assert run.info.status == "FAILED", run.info.status
    assert len(run.info.run_name.split("-")) == 3, f"a run without a name is given one: {run.info.run_name}"


def runs_nest(experiment_id: str) -> None:
    with mlflow.start_run(run_name="parent") as parent:
        for depth in (1, 2):
            with mlflow.start_run(run_name=f"child {depth}", nested=True):
                mlflow.log_param("depth", depth)
    children = mlflow.search_runs(
        [experiment_id],
        filter_string=f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'",
        order_by=["params.depth"],
    )
    assert list(children["params.depth"]) == ["1", "2"], children
    child = mlflow.get_parent_run(children["run_id"][0])
    assert child.info.run_id == parent.info.run_id


def the_client_changes_a_run(experiment_id: str) -> None:
    run = client.create_run(experiment_id, start_time=1_700_000_000_000, run_name="by client", tags={"a": "1"})
    run_id = run.info.run_id
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("RUNNING", 1_700_000_000_000, None)
    client.update_run(run_id, status="SCHEDULED", name="renamed")
    assert client.get_run(run_id).data.tags["mlflow.runName"] == "renamed"
    client.set_tag(run_id, "mlflow.runName", "by tag")
    assert client.get_run(run_id).info.run_name == "by tag"
    client.set_terminated(run_id, "KILLED", end_time=1_700_000_005_000)
    ended = client.get_run(run_id).info
    assert (ended.run_name, ended.status, ended.end_time) == ("by tag", "KILLED", 1_700_000_005_000), ended

    client.delete_run(run_id)
    client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    assert run_id not in {r.info.run_id for r in client.search_runs([experiment_id])}
    assert run_id in {r.info.run_id for r in client.search_runs([experiment_id], run_view_type=ViewType.DELETED_ONLY)}
    assert run_id in {r.info.run_id for r in client.search_runs([experiment_id], run_view_type=ViewType.ALL)}
    client.restore_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "active"


def the_latest_metric_is_that_of_the_greatest_step_whatever_came_last() -> None:
    with mlflow.start_run() as active:
        run_id = active.info.run_id
        for step, timestamp, value in [(5, 100, 0.5), (3, 900, 0.3), (5, 200, 0.4), (5, 200, 0.6), (-7, 50, 0.1)]:
            client.log_metric(run_id, "m", value, timestamp=timestamp, step=step)
        client.log_metric(run_id, "m", 0.5, timestamp=100, step=5)
    assert client.get_run(run_id).data.metrics["m"] == 0.6
    history = [(point.timestamp, point.step, point.value) for point in client.get_metric_history(run_id, "m")]
    assert history == [(50, -7, 0.1), (100, 5, 0.5), (200, 5, 0.4), (200, 5, 0.6), (900, 3, 0.3)], history


def metrics_need_not_be_finite() -> None:
    with mlflow.start_run() as active:
        mlflow.log_metric("nan", math.nan)
        mlflow.log_metric("up", math.inf)
        mlflow.log_metrics({"down": -math.inf, "numpy": np.float32(0.25), "integer": np.int64(7)})
        mlflow.log_metric("tiny", 5e-324)
    metrics = client.get_run(active.info.run_id).data.metrics
    assert math.isnan(metrics["nan"]), metrics
    assert (metrics["up"], metrics["down"]) == (1.7976931348623157e308, -1.7976931348623157e308), metrics
    assert (metrics["numpy"], metrics["integer"], metrics["tiny"]) == (0.25, 7.0, 5e-324), metrics
    assert math.isnan(client.get_metric_history(active.info.run_id, "nan")[0].value)


def long_values_are_cut_and_params_stay_as_they_are() -> None:
    with mlflow.start_run() as active:
        run_id = active.info.run_id
        mlflow.log_param("long", "p" * 7000)
        mlflow.set_tag("long", "t" * 9000)
        mlflow.log_param("fixed", 1)
        mlflow.log_param("fixed", 1)
        try:
            mlflow.log_param("fixed", 2)
        except MlflowException as refusal:
            assert refusal.error_code == "INVALID_PARAMETER_VALUE", refusal.error_code
            assert "Changing param values is not allowed" in str(refusal), refusal
        else:
            raise AssertionError("a param's value was changed")
    data = client.get_run(run_id).data
    assert data.params == {"long": "p" * 6000, "fixed": "1"}, {key: len(v) for key, v in data.params.items()}
    assert len(data.tags["long"]) == 8000, len(data.tags["long"])


def a_batch_carries_a_thousand_metrics_and_history_comes_in_pages(experiment_id: str) -> None:
    run_id = client.create_run(experiment_id).info.run_id
    client.log_batch(run_id, params=[Param(f"p{n}", str(n)) for n in range(100)])
    client.log_batch(run_id, tags=[RunTag(f"t{n}", str(n)) for n in range(100)])
    for start in range(0, 26_000, 1000):
        client.log_batch(run_id, metrics=[Metric("long", n / 7, 1000 + n, n) for n in range(start, start + 1000)])
    client.log_batch(run_id, metrics=[Metric(f"m{n}", float(n), 5, 0) for n in range(1000)])
    client.log_batch(run_id)

    data = client.get_run(run_id).data
    assert len(data.params) == 100
    assert len(data.metrics) == 1001
    assert data.metrics["long"] == 25_999 / 7, data.metrics["long"]
    history = client.get_metric_history(run_id, "long")
    assert [point.value for point in history] == [n / 7 for n in range(26_000)], f"{len(history)} points"
    assert [point.step for point in history] == list(range(26_000))


def what_is_logged_asynchronously_arrives() -> None:
    with mlflow.start_run() as active:
        pending = [mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False) for step in range(50)]
        pending.append(mlflow.log_params({"asynchronous": True}, synchronous=False))
        pending.append(mlflow.set_tags({"asynchronous": "too"}, synchronous=False))
        for operation in pending:
            operation.wait()
        mlflow.flush_async_logging()
    run = client.get_run(active.info.run_id)
    assert run.data.params == {"asynchronous": "True"}, run.data.params
    assert run.data.tags["asynchronous"] == "too"
    assert [point.step for point in client.get_metric_history(active.info.run_id, "loss")] == list(range(50))


def data_sets_are_inputs(experiment_id: str) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "label": [0, 1, 0]})
    of_pandas = mlflow.data.from_pandas(frame, source="https://example.org/wine.csv", name="wine", targets="label")
    of_numpy = mlflow.data.from_numpy(np.arange(12.0).reshape(4, 3), name="grid", targets=np.arange(4))
    with mlflow.start_run() as active:
        mlflow.log_input(of_pandas, context="training", tags={"split": "a"})
        mlflow.log_input(of_pandas, context="training")
        mlflow.log_input(of_numpy, context="validation")
    inputs = {i.dataset.name: i for i in client.get_run(active.info.run_id).inputs.dataset_inputs}
    assert set(inputs) == {"wine", "grid"}, inputs
    wine = inputs["wine"].dataset
    assert wine.digest == of_pandas.digest
    assert wine.source_type == "http", wine.source_type
    assert '"label"' in wine.schema, wine.schema
    assert '"num_rows": 3' in wine.profile, wine.profile
    tags = {tag.key: tag.value for tag in inputs["wine"].tags}
    assert tags == {"mlflow.data.context": "training", "split": "a"}, tags

    found = client.search_runs([experiment_id], "datasets.name = 'wine' AND datasets.context = 'training'")
    assert [run.info.run_id for run in found] == [active.info.run_id]


def main() -> None:
    experiment_id = an_experiment_is_created_once_tagged_renamed_deleted_and_restored()
    the_fluent_api_logs_a_run(experiment_id)
    a_run_that_fails_says_so()
    runs_nest(experiment_id)
    the_client_changes_a_run(experiment_id)
    the_latest_metric_is_that_of_the_greatest_step_whatever_came_last()
    metrics_need_not_be_finite()
    long_values_are_cut_and_params_stay_as_they_are()
    a_batch_carries_a_thousand_metrics_and_history_comes_in_pages(experiment_id)
    what_is_logged_asynchronously_arrives()
    data_sets_are_inputs(experiment_id)


if __name__ == "__main__":
    main()
