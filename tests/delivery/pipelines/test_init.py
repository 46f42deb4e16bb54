"""`trackback deliver init`: pipelines that CI systems take as they are."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.delivery.world import World
from trackback.cli.deliver import COMMANDS
from trackback.delivery.evaluation.spec import read_spec
from trackback.delivery.pipelines.file import read_pipeline

COMMON = ("--model", "churn", "--data", "test.parquet", "--target", "churned")
STAGES = ["validate", "delta", "image", "deploy"]


def init(delivery: World, system: str, *options: object, code: int = 0) -> dict[str, Any]:
    return delivery.deliver("init", system, *COMMON, "--output", delivery.folder, *options, code=code, reports=False)


def written(delivery: World, path: str) -> Any:
    return yaml.safe_load((delivery.folder / path).read_text())


def test_the_stages_are_those_of_the_command_line(delivery: World) -> None:
    init(delivery, "github")
    pipeline = read_pipeline(delivery.folder / "deliver.yaml")
    assert [stage.name for stage in pipeline.stages] == STAGES
    assert pipeline.model == "models:/churn@production"
    assert all(stage.run.startswith(f"trackback deliver {stage.name} ") for stage in pipeline.stages)
    assert {"validate", "delta", "run"} <= set(COMMANDS)
    assert read_spec(delivery.folder / "checks.yaml").checks


def test_github_runs_a_job_a_stage_for_the_promotion_of_the_webhook(delivery: World) -> None:
    found = init(delivery, "github", "--image", "registry.example/churn")
    workflow = written(delivery, ".github/workflows/deliver-churn.yml")
    assert found["files"][-1].endswith("deliver-churn.yml")
    assert workflow[True]["repository_dispatch"]["types"] == ["trackback-promotion"]  # YAML's word for `on`
    assert "client_payload.promotion.seq" in workflow["env"]["TRACKBACK_PROMOTION"]
    assert workflow["env"]["TRACKBACK_TRACKING_URI"] == delivery.client.tracking_uri
    assert list(workflow["jobs"]) == STAGES
    assert [job.get("needs") for job in workflow["jobs"].values()] == [None, *STAGES[:-1]]
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert [each for each in commands if "deliver run" in each] == [
        f"trackback deliver run deliver.yaml --stage {name}" for name in STAGES
    ]
    assert "--tag registry.example/churn --push" in (delivery.folder / "deliver.yaml").read_text()


def test_gitlab_runs_a_job_a_stage_for_the_promotion_of_the_trigger(delivery: World) -> None:
    init(delivery, "gitlab")
    pipeline = written(delivery, ".gitlab-ci.yml")
    assert pipeline["stages"] == STAGES
    assert pipeline["variables"]["TRACKBACK_PROMOTION"] == "$TRACKBACK_SEQ"
    assert [pipeline[f"deliver-{name}"]["stage"] for name in STAGES] == STAGES
    assert all(pipeline[f"deliver-{name}"]["extends"] == ".deliver" for name in STAGES)
    assert pipeline[".deliver"]["artifacts"]["when"] == "always"


def test_gocd_has_the_code_and_the_promotion_as_materials(delivery: World) -> None:
    init(delivery, "gocd", "--repository", "https://git.example/churn.git", "--package", "a1b2")
    found = written(delivery, "deliver-churn.gocd.yaml")
    assert found["format_version"] == 10
    (pipeline,) = found["pipelines"].values()
    assert pipeline["materials"]["code"]["git"] == "https://git.example/churn.git"
    assert pipeline["materials"]["promotion"] == {"package": "a1b2"}
    assert [next(iter(stage)) for stage in pipeline["stages"]] == STAGES
    (task,) = pipeline["stages"][0]["validate"]["jobs"]["validate"]["tasks"]
    assert task["exec"] == {
        "working_directory": "code",
        "command": "trackback",
        "arguments": ["deliver", "run", "deliver.yaml", "--stage", "validate"],
    }


def test_gocd_takes_the_repository_that_the_folder_is_in(delivery: World) -> None:
    for words in (["init", "-q"], ["remote", "add", "origin", "https://git.example/x.git"]):
        subprocess.run(["git", "-C", str(delivery.folder), *words], check=True)
    init(delivery, "gocd", "--package", "a1b2")
    assert "https://git.example/x.git" in (delivery.folder / "deliver-churn.gocd.yaml").read_text()


@pytest.mark.parametrize(
    ("options", "said"), [((), "--repository"), (("--repository", "https://git.example/x.git"), "trackback gocd init")]
)
def test_what_gocd_needs_and_nobody_says_is_asked_for(delivery: World, options: tuple[str, ...], said: str) -> None:
    assert said in init(delivery, "gocd", *options, code=2)["error"]["message"]


def test_stages_that_are_there_stay_and_the_systems_file_is_made_from_them(delivery: World) -> None:
    own = "pipeline: mine\nstages:\n  - {name: look, run: 'true'}\n"
    delivery.write("deliver.yaml", own)
    init(delivery, "gitlab")
    assert (delivery.folder / "deliver.yaml").read_text() == own
    assert written(delivery, ".gitlab-ci.yml")["stages"] == ["look"]


def test_a_pipeline_that_is_there_is_not_overwritten_unless_it_is_meant(delivery: World) -> None:
    place = delivery.write(".gitlab-ci.yml", "mine: true\n")
    assert "--force" in init(delivery, "gitlab", code=2)["error"]["message"]
    assert place.read_text() == "mine: true\n"
    init(delivery, "gitlab", "--force")
    assert "stages" in yaml.safe_load(place.read_text())


def test_names_with_blanks_are_one_word_of_the_shell(delivery: World) -> None:
    delivery.deliver(
        "init", "gitlab", "--model", "churn", "--data", "a #b: c.csv", "--target", "it's", "--output", delivery.folder,
        reports=False,
    )  # fmt: skip
    first = read_pipeline(Path(delivery.folder / "deliver.yaml")).stages[0]
    told = subprocess.run(["sh", "-c", f"printf '%s\\n' {first.run}"], capture_output=True, text=True, check=True)
    assert {"a #b: c.csv", "it's"} <= set(told.stdout.splitlines())


def test_any_name_of_a_model_makes_a_pipeline(delivery: World) -> None:
    words = ("--model", "Churn: Europe #2", "--data", "test.parquet", "--target", "y", "--output", delivery.folder)
    for system in ("github", "gitlab"):
        delivery.deliver("init", system, *words, reports=False)
    pipeline = read_pipeline(delivery.folder / "deliver.yaml")
    assert pipeline.model == "models:/Churn: Europe #2@production"
    assert written(delivery, ".github/workflows/deliver-Churn--Europe--2.yml")["name"] == pipeline.pipeline


@pytest.mark.parametrize(
    ("system", "place", "schema"),
    [
        ("github", ".github/workflows/deliver-churn.yml", "vendor.github-workflows"),
        ("gitlab", ".gitlab-ci.yml", "vendor.gitlab-ci"),
    ],
)
def test_what_is_written_is_what_the_systems_own_schemas_take(
    delivery: World, system: str, place: str, schema: str
) -> None:
    names = ("1", "image", "no", "validate")  # words that mean something else to YAML or to the system
    stages = "".join(f"  - {{name: '{name}', run: 'true'}}\n" for name in names)
    delivery.write("deliver.yaml", f"pipeline: '7'\nstages:\n{stages}")
    init(delivery, system)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(delivery.folder / place)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout
