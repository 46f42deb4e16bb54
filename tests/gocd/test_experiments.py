"""Packages of an experiment: runs that a tag promotes, and runs of pull requests."""

import time

import pytest

from tests.gocd.polling import POLL_S
from tests.gocd.world import World

DAY_MS = 24 * 3600 * 1000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def experiment(world: World) -> str:
    return world.experiment("churn trials")


def test_a_tagged_run_is_a_revision_under_mlflow_gocd_s_own_names(world: World, experiment: str) -> None:
    fields = {"EXPERIMENT": experiment, "PROMOTION_TAG_NAME": "promote", "PROMOTION_TAG_VALUE": "true"}
    run = world.run(experiment, metrics={"auc": 0.9}, tags={"promote": "true"})

    (found,) = world.material(fields).pass_time(POLL_S)

    assert found.revision == f"1-{run[:8]}"
    assert found.comment.splitlines()[0] == f"anyone promoted run {run} to staging by a tag."
    assert found.data["RUN_ID"] == run
    assert found.data["MODEL_URI"] == f"runs:/{run}/model"
    assert found.data["ARTIFACT_URI"].startswith("mlflow-artifacts:/versions/")
    assert "MODEL" not in found.data


def test_the_tag_and_its_value_may_be_left_out_and_the_experiment_named(world: World, experiment: str) -> None:
    run = world.run(experiment, tags={"promote": "true"})

    for named in (experiment, "churn trials"):
        (found,) = world.material({"EXPERIMENT": named}).pass_time(POLL_S)
        assert found.data["RUN_ID"] == run


def test_an_older_run_that_is_tagged_later_is_a_revision(world: World, experiment: str) -> None:
    """mlflow-gocd ordered runs by their end, and so never saw it."""
    older, newer = world.run(experiment), world.run(experiment)
    world.tag(newer)
    material = world.material({"EXPERIMENT": experiment})
    material.pass_time(POLL_S)
    world.tag(older)

    (found,) = material.pass_time(POLL_S)

    assert found.data["RUN_ID"] == older


def test_a_removed_tag_builds_nothing_and_set_again_builds_again(world: World, experiment: str) -> None:
    """mlflow-gocd fell back to an older run, which GoCD dropped, and crashed where there was none."""
    older, newer = world.run(experiment, tags={"promote": "true"}), world.run(experiment, tags={"promote": "true"})
    material = world.material({"EXPERIMENT": experiment})
    material.pass_time(POLL_S)
    world.untag(newer)
    assert material.pass_time(10 * POLL_S) == []
    world.untag(older)
    assert material.pass_time(10 * POLL_S) == []
    assert (material.errors, material.dropped) == ([], [])
    world.tag(newer)

    (found,) = material.pass_time(POLL_S)

    assert found.data["RUN_ID"] == newer
    assert len({each.revision for each in material.modifications}) == 2


def test_a_run_that_is_promoted_by_command_is_a_revision_as_well(world: World, experiment: str) -> None:
    run = world.run(experiment)
    material = world.material({"EXPERIMENT": experiment, "ENVIRONMENT": "production"})
    world.promote(f"runs:/{run}", "production")

    (found,) = material.pass_time(POLL_S)

    assert found.comment.startswith(f"anyone promoted run {run} to production.")


def test_a_run_that_has_not_finished_is_built_once_it_has(world: World, experiment: str) -> None:
    run = world.run(experiment, tags={"promote": "true"}, finished=False)
    material = world.material({"EXPERIMENT": experiment})
    material.pass_time(0)
    assert "has been promoted to staging yet" in material.errors[0]
    world.post("/api/2.0/mlflow/runs/update", run_id=run, status="FINISHED")

    assert [each.data["RUN_ID"] for each in material.trigger()] == [run]


def test_an_unknown_rule_fails_the_check_and_the_poll(world: World, experiment: str) -> None:
    material = world.material({"EXPERIMENT": experiment, "PROMOTION_TAG_VALUE": "yes"})

    for request in ("check-package-connection", "latest-revision"):
        answer = material.ask(request)
        assert answer.status_code == 400
        assert "No rule of this server promotes runs of the experiment" in answer.json()["message"]
        assert "'promote=yes'" in answer.json()["message"]
        assert "promote=true -> staging" in answer.json()["message"]


def test_a_rule_that_does_not_lead_to_the_environment_is_unknown(world: World, experiment: str) -> None:
    fields = {"EXPERIMENT": experiment, "PROMOTION_TAG_NAME": "promote", "ENVIRONMENT": "production"}

    assert "to production" in world.material(fields).ask("check-package-connection").json()["message"]


@pytest.mark.parametrize("named", ["999", "no such", "-1", "1" * 40])
def test_an_unknown_experiment_is_named_in_the_error(world: World, named: str) -> None:
    answer = world.material({"EXPERIMENT": named}).ask("check-package-connection")

    assert answer.status_code == 404
    assert named in answer.json()["message"]


def test_a_deleted_experiment_is_told_to_be_that(world: World, experiment: str) -> None:
    world.post("/api/2.0/mlflow/experiments/delete", experiment_id=experiment)

    assert "was deleted" in world.material({"EXPERIMENT": experiment}).ask("latest-revision").json()["message"]


PULL_REQUESTS = {"EXPERIMENT": "churn trials", "PR_ID_TAG_NAME": "pr"}


def test_the_newest_run_of_each_pull_request_is_in_the_data(world: World, experiment: str) -> None:
    now = now_ms()
    world.run(experiment, tags={"pr": "41"}, start_time=now - 5000)
    other = world.run(experiment, tags={"pr": "feature/x"}, start_time=now - 4000)
    newest = world.run(experiment, tags={"pr": "41", "mlflow.source.git.commit": "cd" * 20}, start_time=now - 3000)
    world.run(experiment, tags={"pr": "41"}, start_time=now - 2000, finished=False)

    (found,) = world.material(PULL_REQUESTS).pass_time(POLL_S)

    assert found.revision.startswith("pr-41-")
    assert (found.data["PR_ID"], found.data["RUN_ID"], found.data["GIT_COMMIT"]) == ("41", newest, "cd" * 20)
    assert found.data["PR_ID_RUN_ID_41"] == newest
    assert found.data["PR_ID_RUN_ID_feature_x"] == other
    assert found.data["PR_ID_ARTIFACT_URI_41"] == found.data["ARTIFACT_URI"]
    assert newest in found.data["ARTIFACT_URI"]
    assert found.trackback_url.endswith(f"/runs/{newest}")


def test_a_run_more_is_a_new_revision_and_its_comment_names_what_is_new(world: World, experiment: str) -> None:
    now = now_ms()
    world.run(experiment, tags={"pr": "41"}, start_time=now - 9000)
    material = world.material(PULL_REQUESTS)
    material.pass_time(POLL_S)
    late = world.run(experiment, start_time=now - 10_000)  # older than the newest, and tagged after it
    world.tag(late, "pr", "40")

    (found,) = material.pass_time(POLL_S)

    assert (found.data["PR_ID"], found.data["RUN_ID"]) == ("40", late)
    assert "pull request 40" in found.comment
    assert "pull request 41" not in found.comment
    assert material.pass_time(10 * POLL_S) == []


def test_runs_that_vanish_are_no_reason_to_build(world: World, experiment: str) -> None:
    now = now_ms()
    world.run(experiment, tags={"pr": "3"}, start_time=now - 9999)  # which the newer one of the same hides
    runs = [world.run(experiment, tags={"pr": str(number)}, start_time=now - 9000 + number) for number in (1, 2, 3)]
    material = world.material(PULL_REQUESTS)
    material.pass_time(POLL_S)
    world.untag(runs[2], "pr")
    world.post("/api/2.0/mlflow/runs/delete", run_id=runs[1])
    assert material.pass_time(10 * POLL_S) == []
    world.untag(runs[0], "pr")
    assert material.pass_time(10 * POLL_S) == []
    newer = world.run(experiment, tags={"pr": "3"}, start_time=now)
    assert [each.data["RUN_ID"] for each in material.pass_time(POLL_S)] == [newer]
    assert (material.errors, material.dropped) == ([], [])


def test_old_runs_don_t_count_and_none_at_all_is_an_error(world: World, experiment: str) -> None:
    world.run(experiment, tags={"pr": "1"}, start_time=now_ms() - 3 * DAY_MS)
    assert world.material({**PULL_REQUESTS, "PR_RUNS_WITHIN_DAYS": "4"}).ask("latest-revision").status_code == 200

    answer = world.material({**PULL_REQUESTS, "PR_RUNS_WITHIN_DAYS": "2"}).ask("latest-revision")

    assert answer.status_code == 404
    assert "of the last 2 days has the tag 'pr'" in answer.json()["message"]


def test_pull_requests_and_promotions_are_apart(world: World, experiment: str) -> None:
    """In mlflow-gocd an unchanged set of pull requests hid a promotion."""
    run = world.run(experiment, tags={"pr": "1"}, start_time=now_ms())
    pull_requests, promotions = world.material(PULL_REQUESTS), world.material({"EXPERIMENT": experiment})
    pull_requests.pass_time(POLL_S)
    world.tag(run)

    assert pull_requests.pass_time(10 * POLL_S) == []
    assert [each.data["RUN_ID"] for each in promotions.pass_time(POLL_S)] == [run]
