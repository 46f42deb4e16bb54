"""Artifacts that jobs publish: a run that says which job it was, and a version of what the job has uploaded."""

import hashlib
from typing import Any

import pytest

from tests.gocd.polling import POLL_S
from tests.gocd.world import MLFLOW, World

COMMIT = "0123456789abcdef0123456789abcdef01234567"
JOB = {
    "GO_SERVER_URL": "https://gocd.example.org/go",
    "GO_PIPELINE_NAME": "train-churn",
    "GO_PIPELINE_COUNTER": "7",
    "GO_PIPELINE_LABEL": "7.1",
    "GO_STAGE_NAME": "fit",
    "GO_STAGE_COUNTER": "1",
    "GO_JOB_NAME": "forest",
    "GO_TRIGGER_USER": "ada",
    "GO_REVISION_SOURCE": COMMIT,
    "GO_REVISION_DATA": "12",
    "GO_MATERIAL_BRANCH": "main",
    "GO_PACKAGE_TRACKBACK_CHURN_LABEL": "3-v1",
    "GO_REPO_TRACKBACK_CHURN_TOKEN": "s3cret",
    "GO_PACKAGE_OTHER_PASSWORD": "s3cret",
    "AWS_SECRET_ACCESS_KEY": "s3cret",
    "HOME": "/var/go",
}
FILES = {"MLmodel": b"flavors: {}", "data/model 1.pkl": b"a model"}


def described(files: dict[str, bytes]) -> list[dict[str, object]]:
    return [
        {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in files.items()
    ]


def begin(world: World, **more: object) -> dict[str, str]:
    answer = world.relayed("artifact/begin", {"model": "churn", "job": JOB, **more})
    assert answer.status_code == 200, answer.text
    begun: dict[str, str] = answer.json()
    return begun


def publish(world: World, files: dict[str, bytes] = FILES, **more: object) -> dict[str, str]:
    begun = begin(world, **more)
    for path, content in files.items():
        world.upload(begun["upload_url"] + path, content)
    answer = world.relayed("artifact/finish", {"run_id": begun["run_id"], "files": described(files)})
    assert answer.status_code == 200, answer.text
    metadata: dict[str, str] = answer.json()["metadata"]
    return metadata


def run_tags(world: World, run_id: str) -> dict[str, str]:
    run = world.get(f"{MLFLOW}/runs/get", run_id=run_id)["run"]
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def test_what_a_job_has_uploaded_becomes_a_version_with_the_job_in_its_tags(world: World) -> None:
    metadata = publish(world, description="the nightly forest")

    assert set(metadata) == {"model", "version", "digest", "run_id"}
    version = world.get(f"{MLFLOW}/model-versions/get", name="churn", version=metadata["version"])["model_version"]
    assert metadata["digest"] == f"sha256:{version['digest']}"
    assert (version["run_id"], version["description"]) == (metadata["run_id"], "the nightly forest")
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert tags == {
        "gocd.server": "https://gocd.example.org/go",
        "gocd.pipeline": "train-churn",
        "gocd.counter": "7",
        "gocd.label": "7.1",
        "gocd.stage": "fit",
        "gocd.stage_counter": "1",
        "gocd.job": "forest",
        "gocd.triggered_by": "ada",
        "gocd.url": "https://gocd.example.org/go/tab/build/detail/train-churn/7/fit/1/forest",
        "gocd.revision.SOURCE": COMMIT,
        "gocd.revision.DATA": "12",
        "gocd.branch": "main",
        "gocd.package.TRACKBACK_CHURN": "3-v1",
    }
    run = world.get(f"{MLFLOW}/runs/get", run_id=metadata["run_id"])["run"]
    assert (run["info"]["status"], run["info"]["run_name"]) == ("FINISHED", "train-churn/7/fit/1/forest")
    assert tags.items() <= run_tags(world, metadata["run_id"]).items()
    files = world.relayed("task/files", {"model": "churn", "version": metadata["version"]}).json()
    assert [file["path"] for file in files["files"]] == list(FILES), "and nothing else of the run"


def test_no_secret_is_kept(world: World) -> None:
    metadata = publish(world)

    kept = [
        world.http.get(f"{MLFLOW}/runs/get", params={"run_id": metadata["run_id"]}).text,
        world.http.get(f"{MLFLOW}/model-versions/get", params={"name": "churn", "version": "1"}).text,
        world.http.get("/api/v1/provenance", params={"run_id": metadata["run_id"]}).text,
    ]

    assert "s3cret" not in "".join(kept)


def test_the_version_is_traced_by_the_commit_and_back_to_the_model_that_triggered_the_job(world: World) -> None:
    parents = world.models("churn", 1)
    seq = world.promote("models:/churn/1")
    (promoted,) = world.material().pass_time(POLL_S)
    material = {f"GO_PACKAGE_TRACKBACK_CHURN_{key}": value for key, value in promoted.data.items()}

    metadata = publish(world, job={**JOB, **material}, model="retrained")

    impact = world.get("/api/v1/impact", commit=COMMIT)
    assert [model["name"] for model in impact["models"]] == ["retrained"]
    provenance = world.get("/api/v1/provenance", run_id=metadata["run_id"])["provenance"]
    assert provenance["code"] == {"commit": COMMIT, "branch": "main"}
    assert provenance["parents"] == [{"version": "models:/churn/1"}]
    affected = world.get("/api/v1/impact", run=parents[0])["models"]
    assert sorted(model["name"] for model in affected) == ["churn", "retrained"]
    assert seq == 1


def test_a_repeat_has_the_same_run_and_the_same_version(world: World) -> None:
    assert begin(world) == begin(world)

    assert publish(world) == publish(world)

    versions = world.get(f"{MLFLOW}/model-versions/search")["model_versions"]
    assert len(versions) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"job": {**JOB, "GO_STAGE_COUNTER": "2"}},
        {"job": {**JOB, "GO_SERVER_URL": "https://other.example.org/go"}},
        {"model": "fraud"},
        {"artifact": "second"},
    ],
)
def test_another_job_model_or_artifact_has_another_run(world: World, other: dict[str, object]) -> None:
    assert begin(world, **other)["run_id"] != begin(world)["run_id"]


def test_the_experiment_is_the_pipeline_s_unless_one_is_named(world: World) -> None:
    own = world.experiment("trials")
    named = [
        world.get(f"{MLFLOW}/runs/get", run_id=begin(world, experiment=experiment, artifact=str(experiment))["run_id"])
        for experiment in (None, "trials", own)
    ]
    experiments = [each["run"]["info"]["experiment_id"] for each in named]
    pipeline = world.get(f"{MLFLOW}/experiments/get-by-name", experiment_name="train-churn")["experiment"]

    assert experiments == [pipeline["experiment_id"], own, own]


def finish(world: World, begun: dict[str, str], files: list[dict[str, object]]) -> tuple[int, str]:
    answer = world.relayed("artifact/finish", {"run_id": begun["run_id"], "files": files})
    return answer.status_code, answer.json().get("message", "")


def test_what_has_not_arrived_as_it_was_sent_is_not_published(world: World) -> None:
    begun = begin(world)
    world.upload(f"{begun['upload_url']}MLmodel", b"damaged")
    world.upload(f"{begun['upload_url']}extra", b"extra")

    status, message = finish(world, begun, described(FILES))

    assert status == 400
    damaged, sent = (hashlib.sha256(content).hexdigest() for content in (b"damaged", FILES["MLmodel"]))
    assert "data/model 1.pkl has not arrived; extra was not sent" in message
    assert f"MLmodel has the SHA-256 {damaged}, not {sent}" in message
    assert "model_versions" not in world.get(f"{MLFLOW}/model-versions/search")


def test_a_run_is_not_published_again_with_other_files(world: World) -> None:
    publish(world)
    begun = begin(world)
    world.upload(f"{begun['upload_url']}MLmodel", b"another")

    status, message = finish(world, begun, described({**FILES, "MLmodel": b"another"}))

    assert (status, "was published before, as version 1 of churn" in message) == (409, True)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "nothing to publish"),
        ([{"path": "../x", "size": 1, "sha256": "0" * 64}], "'..'"),
        ([{"path": "x", "size": 1, "sha256": "short"}], "64 hex digits"),
    ],
)
def test_a_list_of_files_that_can_t_be_is_refused(world: World, files: list[Any], message: str) -> None:
    status, said = finish(world, begin(world), files)

    assert (status, message in said) == (400, True)


def test_a_run_that_was_begun_otherwise_is_not_published(world: World) -> None:
    status, message = finish(world, {"run_id": world.run("0")}, described(FILES))

    assert (status, "was not begun by artifact/begin" in message) == (400, True)


@pytest.mark.parametrize("missing", ["GO_PIPELINE_NAME", "GO_STAGE_COUNTER"])
def test_a_job_that_does_not_say_which_it_is_is_refused(world: World, missing: str) -> None:
    job = {name: value for name, value in JOB.items() if name != missing}
    answer = world.relayed("artifact/begin", {"model": "churn", "job": job})

    assert (answer.status_code, f"'{missing}'" in answer.json()["message"]) == (400, True)


def test_an_experiment_whose_files_agents_can_t_reach_is_refused(world: World) -> None:
    place = "s3://bucket/elsewhere"
    world.post(f"{MLFLOW}/experiments/create", name="elsewhere", artifact_location=place)
    answer = world.relayed("artifact/begin", {"model": "churn", "job": JOB, "experiment": "elsewhere"})

    assert (answer.status_code, place in answer.json()["message"]) == (400, True)
