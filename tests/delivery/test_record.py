"""What stages tell the server: once, also if they are killed and run again."""

from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import pytest

from tests.delivery.world import World
from trackback.delivery.ci import current_job
from trackback.delivery.record import Record, recorded
from trackback.delivery.subject import Subject, resolve
from trackback.entities import BuildResult, DeploymentKind

Saved = Callable[[str], Path]
GOCD = {
    "GO_PIPELINE_NAME": "deliver",
    "GO_PIPELINE_COUNTER": "7",
    "GO_STAGE_NAME": "validate",
    "GO_STAGE_COUNTER": "1",
    "GO_JOB_NAME": "validate",
    "GO_SERVER_URL": "https://gocd.example/go",
}


class Killed(BaseException):
    """As by a signal that leaves no time: nothing is put away."""


def killed_after(delivery: World, subject: Subject, step: Callable[[Record], object]) -> None:
    """Begin a stage, and end it by force after a step."""

    def stage() -> None:
        with recorded(delivery.client, subject, "validate", {}) as record:
            step(record)
            raise Killed

    with pytest.raises(Killed):
        stage()


def test_a_verdict_is_written_once_by_a_stage_that_is_killed_and_run_again(delivery: World, saved: Saved) -> None:
    version = delivery.register("cancer", saved("cancer"))
    subject = resolve(delivery.client, "models:/cancer/1", {})
    killed_after(delivery, subject, lambda record: record.verdict("validation", True, {"latency_ms": 1.5}))
    with recorded(delivery.client, subject, "validate", {}) as record:
        record.verdict("validation", True, {"latency_ms": 1.6})
        record.passed = True
    assert [each.report["latency_ms"] for each in delivery.verdicts(version)] == [1.5]


def test_what_is_found_anew_counts_when_a_killed_stage_is_run_again(delivery: World, saved: Saved) -> None:
    version = delivery.register("cancer", saved("cancer"))
    subject = resolve(delivery.client, "models:/cancer/1", {})
    for passed in (True, False, True):
        killed_after(delivery, subject, methodcaller("verdict", "validation", passed, {}))
    assert [each.passed for each in delivery.verdicts(version)] == [True, False, True]


def test_a_stage_that_has_ended_and_is_run_again_tells_what_it_found_again(delivery: World, saved: Saved) -> None:
    version = delivery.register("cancer", saved("cancer"))
    subject = resolve(delivery.client, "models:/cancer/1", {})
    for _ in range(2):
        with recorded(delivery.client, subject, "validate", {}) as record:
            record.verdict("validation", True, {})
            record.passed = True
    assert len(delivery.verdicts(version)) == 2


def test_in_ci_the_jobs_run_is_the_attempt(delivery: World, saved: Saved) -> None:
    version = delivery.register("cancer", saved("cancer"))
    subject = resolve(delivery.client, "models:/cancer/1", {})
    for counter in ("1", "1", "2"):
        environ = {**GOCD, "GO_STAGE_COUNTER": counter}
        with recorded(delivery.client, subject, "validate", {}, environ) as record:
            told = record.verdict("validation", True, {})
            record.passed = True
        assert told.url == f"https://gocd.example/go/tab/build/detail/deliver/7/validate/{counter}/validate"
    assert len(delivery.verdicts(version)) == 2


@pytest.mark.parametrize(
    ("passed", "error", "result"),
    [
        (True, None, BuildResult.PASSED),
        (False, None, BuildResult.FAILED),
        (None, ValueError, BuildResult.FAILED),
        (None, KeyboardInterrupt, BuildResult.CANCELLED),
        (None, SystemExit, BuildResult.CANCELLED),
    ],
)
def test_a_stage_for_a_promotion_is_a_build_of_it(
    delivery: World, saved: Saved, passed: bool | None, error: type[BaseException] | None, result: BuildResult
) -> None:
    delivery.register("cancer", saved("cancer"))
    delivery.client.promote("models:/cancer/1", "staging")
    subject = resolve(delivery.client, "1", {})

    def stage() -> None:
        with recorded(delivery.client, subject, "validate", {}) as record:
            (build,) = delivery.client.list_builds(promotion=1)
            assert build.result is BuildResult.RUNNING
            record.passed = passed
            if error is not None:
                raise error

    if error is None:
        stage()
    else:
        with pytest.raises(error):
            stage()
    (build,) = delivery.client.list_builds(promotion=1)
    assert (build.result, build.system, build.stage) == (result, "trackback", "validate")


def test_an_attempt_that_nobody_has_heard_of_since_has_failed_once_ci_begins_the_next(
    delivery: World, saved: Saved
) -> None:
    delivery.register("cancer", saved("cancer"))
    delivery.client.promote("models:/cancer/1", "staging")
    subject = resolve(delivery.client, "1", {})

    def begin(**environ: str) -> None:
        job = current_job({**GOCD, **environ})
        Record(delivery.client, subject, "validate", job.key if job else "", job).begin()

    begin(GO_STAGE_COUNTER="1")
    begin(GO_JOB_NAME="another")
    begin(GO_STAGE_COUNTER="2")
    builds = sorted(delivery.client.list_builds(promotion=1), key=lambda each: each.id)
    assert [(each.job, each.result) for each in builds] == [
        ("validate/validate", "failed"),
        ("another/validate", "running"),
        ("validate/validate", "running"),
    ]


def test_a_deployment_is_of_the_promotion_and_the_build(delivery: World, saved: Saved) -> None:
    version = delivery.register("cancer", saved("cancer"))
    delivery.client.promote("models:/cancer/1", "staging")
    subject = resolve(delivery.client, "1", {})
    with recorded(delivery.client, subject, "deploy", {}) as record:
        for _ in range(2):
            told = record.deployed(DeploymentKind.ENDPOINT, "http://127.0.0.1:5001")
        record.passed = True
        build = record.build
    assert build is not None
    assert (told.promotion, told.build, told.digest, told.environment) == (1, build.id, version.digest, "staging")
    assert len(delivery.client.list_deployments()) == 1


def test_ci_systems_are_known_by_their_variables() -> None:
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKFLOW": "deliver",
        "GITHUB_RUN_ID": "99",
        "GITHUB_JOB": "validate",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "acme/churn",
    }
    gitlab = {
        "GITLAB_CI": "true",
        "CI_PROJECT_PATH": "acme/churn",
        "CI_PIPELINE_ID": "5",
        "CI_JOB_STAGE": "validate",
        "CI_JOB_NAME": "validate",
        "CI_JOB_ID": "77",
        "CI_JOB_URL": "https://gitlab.example/jobs/77",
    }
    jobs = [current_job(each) for each in (GOCD, github, gitlab, {})]
    assert [job.key if job else None for job in jobs] == [
        "gocd/deliver/7/validate/validate/1",
        "github/deliver/99//validate/2",
        "gitlab/acme/churn/5/validate/validate/77",
        None,
    ]
    assert [job.url for job in jobs if job][1:] == [
        "https://github.example/acme/churn/actions/runs/99",
        "https://gitlab.example/jobs/77",
    ]
