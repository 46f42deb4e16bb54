"""What MLflow's protocol has, of a server of MLflow's and of trackback's: the same calls, the same entities."""

import math
from pathlib import Path

import pytest

from trackback.client.api import Client, walk
from trackback.entities import (
    Dataset,
    DatasetInput,
    DatasetSummary,
    FileInfo,
    LoggedModelStatus,
    Metric,
    ModelInput,
    ModelOutput,
    Param,
    Run,
    RunStatus,
    Stage,
    Tag,
    ViewType,
)
from trackback.errors import AlreadyExists, InvalidParameter, NotFound

pytestmark = pytest.mark.timeout(400)  # the first that asks MLflow's server waits for it to start


def new_run(client: Client, name: str) -> Run:
    return client.create_run(client.create_experiment(name), tags={"mlflow.user": "ann"}, run_name="first")


def upload(client: Client, artifact_uri: str, path: str, content: bytes) -> None:
    client.upload_file(f"{artifact_uri.removeprefix('mlflow-artifacts:/')}/{path}", content)


class TestExperiments:
    def test_one_is_made_found_renamed_deleted_and_restored(self, any_client: Client, name: str) -> None:
        made = any_client.create_experiment(name, tags={"team": 7})
        experiment = any_client.get_experiment(made)
        assert (experiment.name, experiment.tags) == (name, (Tag("team", "7"),))
        any_client.rename_experiment(made, f"{name} b")
        assert any_client.get_experiment_by_name(name) is None
        any_client.delete_experiment(made)
        deleted = any_client.get_experiment_by_name(f"{name} b")
        assert deleted is not None
        assert deleted.lifecycle_stage == "deleted"
        any_client.restore_experiment(made)
        assert [each.name for each in any_client.search_experiments(filter_string=f"name = '{name} b'")] == [
            f"{name} b"
        ]

    def test_a_taken_name_is_refused(self, any_client: Client, name: str) -> None:
        any_client.create_experiment(name)
        with pytest.raises(AlreadyExists):
            any_client.create_experiment(name)

    def test_tags_are_set_and_removed(self, any_client: Client, name: str) -> None:
        made = any_client.create_experiment(name)
        any_client.set_experiment_tag(made, "team", "red")
        assert any_client.get_experiment(made).tags == (Tag("team", "red"),)
        any_client.delete_experiment_tag(made, "team")
        assert any_client.get_experiment(made).tags == ()
        with pytest.raises(NotFound):
            any_client.delete_experiment_tag(made, "team")

    def test_pages_are_sequences_and_walked_to_the_end(self, any_client: Client, name: str) -> None:
        made = [any_client.create_experiment(f"{name} {letter}") for letter in "abc"]
        wanted = {"filter_string": f"name LIKE '{name} %'", "order_by": ["experiment_id ASC"]}
        page = any_client.search_experiments(max_results=2, **wanted)  # type: ignore[arg-type]
        assert (len(page), page[0].experiment_id, page.token is not None) == (2, made[0], True)
        found = walk(any_client.search_experiments, ViewType.ALL, 2, **wanted)  # type: ignore[arg-type]
        assert [each.experiment_id for each in found] == made


class TestRuns:
    def test_one_is_made_changed_ended_deleted_and_restored(self, any_client: Client, name: str) -> None:
        run = new_run(any_client, name)
        run_id = run.info.run_id
        assert (run.info.run_name, run.info.user_id, run.info.status) == ("first", "ann", RunStatus.RUNNING)
        assert any_client.update_run(run_id, name="second").run_name == "second"
        any_client.set_terminated(run_id, "KILLED", end_time=5)
        any_client.delete_run(run_id)
        info = any_client.get_run(run_id).info
        assert (info.status, info.end_time, info.lifecycle_stage) == (RunStatus.KILLED, 5, "deleted")
        any_client.restore_run(run_id)
        assert any_client.set_terminated(run_id).status is RunStatus.FINISHED

    def test_a_status_that_there_is_not_is_refused_before_it_is_sent(self, any_client: Client, name: str) -> None:
        with pytest.raises(InvalidParameter, match="'DONE' for parameter 'status'"):
            any_client.update_run(new_run(any_client, name).info.run_id, "DONE")

    def test_what_was_logged_is_read_back(self, any_client: Client, name: str) -> None:
        run_id = new_run(any_client, name).info.run_id
        any_client.log_metric(run_id, "loss", 0.5, timestamp=3, step=1)
        any_client.log_metric(run_id, "loss", math.nan, timestamp=4, step=2)
        any_client.log_batch(run_id, [Metric("acc", 0.9, 5, 1)], [Param("depth", "3")], [Tag("a", "b")])
        assert any_client.log_param(run_id, "rate", 0.1) == 0.1
        any_client.set_tag(run_id, "c", 1)
        any_client.delete_tag(run_id, "a")

        data = any_client.get_run(run_id).data
        assert sorted((each.key, each.value) for each in data.params) == [("depth", "3"), ("rate", "0.1")]
        assert {each.key: each.value for each in data.tags}.items() >= {("c", "1")}
        assert Metric("acc", 0.9, 5, 1) in data.metrics
        assert [each.step for each in any_client.get_metric_history(run_id, "loss")] == [1, 2]
        assert math.isnan(any_client.get_metric_history(run_id, "loss")[1].value)
        sampled = any_client.get_metric_history_bulk_interval([run_id], "loss", 1)
        assert [(each.run_id, each.step) for each in sampled] == [(run_id, 2)]
        bulk = any_client.get_metric_history_bulk([run_id], "loss")
        assert [(each.run_id, each.step) for each in bulk] == [(run_id, 1), (run_id, 2)]

    def test_a_param_keeps_its_value(self, any_client: Client, name: str) -> None:
        run_id = new_run(any_client, name).info.run_id
        any_client.log_param(run_id, "depth", 3)
        with pytest.raises(InvalidParameter, match="depth"):
            any_client.log_param(run_id, "depth", 4)

    def test_a_history_longer_than_a_page_comes_whole(self, any_client: Client, name: str) -> None:
        run_id = new_run(any_client, name).info.run_id
        for first in range(0, 26_000, 1000):
            any_client.log_batch(run_id, [Metric("loss", 0.5, step, step) for step in range(first, first + 1000)])
        assert [each.step for each in any_client.get_metric_history(run_id, "loss")] == list(range(26_000))

    def test_a_nested_run_names_its_parent(self, any_client: Client, name: str) -> None:
        parent = new_run(any_client, name)
        child = any_client.create_run(parent.info.experiment_id, tags={"mlflow.parentRunId": parent.info.run_id})
        found = any_client.get_parent_run(child.info.run_id)
        assert found is not None
        assert found.info.run_id == parent.info.run_id
        assert any_client.get_parent_run(parent.info.run_id) is None

    def test_runs_are_found_by_a_filter_and_by_their_stage(self, any_client: Client, name: str) -> None:
        first = new_run(any_client, name)
        experiments = [first.info.experiment_id]
        second = any_client.create_run(experiments[0])
        any_client.log_param(second.info.run_id, "depth", 2)
        any_client.delete_run(first.info.run_id)
        found = any_client.search_runs(experiments, "params.depth = '2'")
        assert [run.info.run_id for run in found] == [second.info.run_id]
        for deleted in (ViewType.DELETED_ONLY, 2):
            found = any_client.search_runs(experiments, run_view_type=deleted)
            assert [run.info.run_id for run in found] == [first.info.run_id]

    def test_inputs_and_outputs_are_read_back(self, any_client: Client, name: str) -> None:
        run = new_run(any_client, name)
        experiment, run_id = run.info.experiment_id, run.info.run_id
        model = any_client.create_logged_model(experiment, "m", source_run_id=run_id).info.model_id
        dataset = Dataset("wine", "abc", "local", '{"uri": "wine.csv"}', schema="{}")
        used = DatasetInput(dataset, (Tag("mlflow.data.context", "training"),))
        any_client.log_inputs(run_id, [used], [ModelInput(model)])
        any_client.log_outputs(run_id, [ModelOutput(model, 3)])
        found = any_client.get_run(run_id)
        assert found.inputs.dataset_inputs == (used,)
        assert found.inputs.model_inputs == (ModelInput(model),)
        assert found.outputs is not None
        assert found.outputs.model_outputs == (ModelOutput(model, 3),)
        summaries = any_client.search_dataset_summaries([experiment])
        assert summaries == (DatasetSummary(experiment, "wine", "abc", "training"),)


class TestLoggedModels:
    def test_one_is_made_filled_found_and_deleted(self, any_client: Client, name: str) -> None:
        experiment = any_client.create_experiment(name)
        made = any_client.create_logged_model(experiment, "forest", tags={"a": 1}, params={"depth": 3}, model_type="t")
        model_id = made.info.model_id
        assert (made.info.status, made.data.params) == (LoggedModelStatus.PENDING, (Param("depth", "3"),))
        any_client.log_model_params(model_id, {"trees": 10})
        any_client.set_logged_model_tags(model_id, {"b": 2})
        any_client.delete_logged_model_tag(model_id, "a")
        assert any_client.finalize_logged_model(model_id, "READY").info.status is LoggedModelStatus.READY
        found = any_client.get_logged_model(model_id)
        assert (found.info.tags, len(found.data.params)) == ((Tag("b", "2"),), 2)
        search = any_client.search_logged_models([experiment], "name = 'forest'", order_by=[{"field_name": "name"}])
        assert [each.info.model_id for each in search] == [model_id]
        any_client.delete_logged_model(model_id)
        with pytest.raises(NotFound):
            any_client.get_logged_model(model_id)

    def test_metrics_of_a_model_are_its_own(self, any_client: Client, name: str) -> None:
        run = new_run(any_client, name)
        model = any_client.create_logged_model(run.info.experiment_id, source_run_id=run.info.run_id).info.model_id
        any_client.log_metric(run.info.run_id, "acc", 0.9, model_id=model)
        assert [each.value for each in any_client.get_logged_model(model).data.metrics] == [0.9]


class TestArtifacts:
    def test_files_of_a_run_are_listed_fetched_and_deleted(self, any_client: Client, name: str, tmp_path: Path) -> None:
        info = new_run(any_client, name).info
        upload(any_client, info.artifact_uri, "doc/notes.txt", b"fine weather")
        assert any_client.list_artifacts(info.run_id) == [FileInfo("doc", is_dir=True)]
        assert any_client.list_artifacts(info.run_id, "doc") == [FileInfo("doc/notes.txt", False, 12)]
        path = info.artifact_uri.removeprefix("mlflow-artifacts:/")
        assert any_client.list_files(f"{path}/doc") == [FileInfo("notes.txt", False, 12)]
        any_client.download_file(f"{path}/doc/notes.txt", tmp_path / "a")
        any_client.download_run_file(info.run_id, "doc/notes.txt", tmp_path / "b")
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"fine weather"
        any_client.delete_files(f"{path}/doc")
        assert any_client.list_artifacts(info.run_id, "doc") == []

    def test_files_of_a_logged_model_are_listed_and_fetched(
        self, any_client: Client, name: str, tmp_path: Path
    ) -> None:
        info = any_client.create_logged_model(any_client.create_experiment(name)).info
        upload(any_client, info.artifact_uri, "data/weights", b"1 2 3")
        assert any_client.list_logged_model_artifacts(info.model_id) == [FileInfo("data", is_dir=True)]
        assert any_client.list_logged_model_artifacts(info.model_id, "data") == [FileInfo("data/weights", False, 5)]
        any_client.download_logged_model_file(info.model_id, "data/weights", tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == b"1 2 3"


class TestRegistry:
    def test_a_model_is_made_found_renamed_and_deleted(self, any_client: Client, name: str) -> None:
        made = any_client.create_registered_model(name, tags={"team": "red"}, description="who leaves")
        assert (made.description, made.tags) == ("who leaves", (Tag("team", "red"),))
        assert any_client.update_registered_model(name, "who stays").description == "who stays"
        any_client.set_registered_model_tag(name, "a", 1)
        any_client.delete_registered_model_tag(name, "team")
        assert any_client.get_registered_model(name).tags == (Tag("a", "1"),)
        any_client.rename_registered_model(name, f"{name} b")
        assert [each.name for each in any_client.search_registered_models(f"name LIKE '{name}%'")] == [f"{name} b"]
        any_client.delete_registered_model(f"{name} b")
        with pytest.raises(NotFound):
            any_client.get_registered_model(f"{name} b")

    def test_a_taken_name_is_refused(self, any_client: Client, name: str) -> None:
        any_client.create_registered_model(name)
        with pytest.raises(AlreadyExists):
            any_client.create_registered_model(name)

    def test_a_version_is_registered_named_and_found(self, any_client: Client, name: str, tmp_path: Path) -> None:
        info = new_run(any_client, name).info
        upload(any_client, info.artifact_uri, "model/MLmodel", b"flavors: {}")
        any_client.create_registered_model(name)
        source = f"{info.artifact_uri}/model"
        made = any_client.create_model_version(name, source, info.run_id, {"a": "1"}, description="first")
        assert (made.name, made.version, made.run_id) == (name, "1", info.run_id)
        any_client.set_registered_model_alias(name, "best", "1")
        any_client.set_model_version_tag(name, 1, "b", 2)
        any_client.delete_model_version_tag(name, "1", "a")
        any_client.update_model_version(name, "1", "second")
        found = any_client.get_model_version_by_alias(name, "best")
        assert (found.version, found.description, found.tags) == ("1", "second", (Tag("b", "2"),))
        assert any_client.get_model_version(name, 1).aliases == ("best",)
        assert [each.version for each in any_client.search_model_versions(f"name = '{name}'")] == ["1"]
        assert any_client.get_model_version_download_uri(name, "1")
        any_client.download_version_file(name, "1", "MLmodel", tmp_path / "MLmodel")
        assert (tmp_path / "MLmodel").read_bytes() == b"flavors: {}"
        any_client.delete_registered_model_alias(name, "best")
        with pytest.raises(InvalidParameter):
            any_client.get_model_version_by_alias(name, "best")

    def test_stages_hold_versions(self, any_client: Client, name: str) -> None:
        info = new_run(any_client, name).info
        upload(any_client, info.artifact_uri, "model/MLmodel", b"flavors: {}")
        any_client.create_registered_model(name)
        for _ in "12":
            any_client.create_model_version(name, f"{info.artifact_uri}/model", info.run_id)
        moved = any_client.transition_model_version_stage(name, "1", "Archived")
        assert moved.current_stage is Stage.ARCHIVED
        assert [each.version for each in any_client.get_latest_versions(name, ["Archived"])] == ["1"]
        any_client.delete_model_version(name, "1")
        assert [each.version for each in any_client.get_latest_versions(name)] == ["2"]

    def test_a_version_is_copied_to_a_model_that_is_made(self, any_client: Client, name: str) -> None:
        info = new_run(any_client, name).info
        upload(any_client, info.artifact_uri, "model/MLmodel", b"flavors: {}")
        any_client.create_registered_model(name)
        any_client.create_model_version(name, f"{info.artifact_uri}/model", info.run_id)
        copy = any_client.copy_model_version(f"models:/{name}/1", f"{name} copy")
        assert (copy.name, copy.version, copy.run_id) == (f"{name} copy", "1", info.run_id)


class TestWebhooks:
    URL = "https://93.184.215.14/hook"  # no name has to be looked up, and nothing is sent

    def test_one_is_made_changed_and_deleted(self, any_client: Client, name: str) -> None:
        made = any_client.create_webhook(name.replace(" ", "-"), self.URL, ["model_version.created"], "d", "s3cret")
        assert (made.url, [str(event) for event in made.events]) == (self.URL, ["model_version.created"])
        changed = any_client.update_webhook(made.webhook_id, description="other", status="DISABLED")
        assert (changed.description, changed.status) == ("other", "DISABLED")
        assert any_client.get_webhook(made.webhook_id) == changed
        assert made.webhook_id in [each.webhook_id for each in any_client.list_webhooks()]
        any_client.delete_webhook(made.webhook_id)
        with pytest.raises(NotFound):
            any_client.get_webhook(made.webhook_id)
