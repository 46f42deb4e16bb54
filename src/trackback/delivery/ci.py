"""What CI says in the environment of a job: which job it is, and what has triggered its pipeline."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

PROMOTION = "TRACKBACK_PROMOTION"
MODEL = "TRACKBACK_MODEL"
"""Variables by which a pipeline says what it is for: the number of a promotion, or a model's URI."""

NAMES = {
    "pipeline": ("TRACKBACK_PIPELINE", "GO_PIPELINE_NAME", "GITHUB_WORKFLOW", "CI_PROJECT_PATH"),
    "counter": ("TRACKBACK_COUNTER", "GO_PIPELINE_COUNTER", "GITHUB_RUN_ID", "CI_PIPELINE_ID"),
    "stage": ("TRACKBACK_STAGE", "GO_STAGE_NAME", "CI_JOB_STAGE"),
    "job": ("TRACKBACK_JOB", "GO_JOB_NAME", "GITHUB_JOB", "CI_JOB_NAME"),
    "attempt": ("TRACKBACK_ATTEMPT", "GO_STAGE_COUNTER", "GITHUB_RUN_ATTEMPT", "CI_JOB_ID"),
}
"""The variables that say what is known of a job, ours before those of GoCD, GitHub Actions and GitLab."""

_SYSTEMS = {"GO_PIPELINE_NAME": "gocd", "GITHUB_ACTIONS": "github", "GITLAB_CI": "gitlab"}
_OF_PACKAGE = re.compile(r"GO_PACKAGE_.+_(PROMOTION|MODEL_URI)")


@dataclass(frozen=True)
class Job:
    """``counter`` is which run of the pipeline it is, ``attempt`` which time that this run is at the job.

    url: where people see it; empty, where the system does not say.
    """

    system: str
    pipeline: str
    counter: str
    stage: str = ""
    job: str = ""
    attempt: str = ""
    url: str = ""

    @property
    def key(self) -> str:
        """What is the same whenever this very attempt is run."""
        return "/".join((self.system, self.pipeline, self.counter, self.stage, self.job, self.attempt))


def current_job(environ: Mapping[str, str] = os.environ) -> Job | None:
    """The job that this process is part of; None outside of CI."""
    system = environ.get("TRACKBACK_SYSTEM") or current_system(environ)
    said = {field: next(filter(None, map(environ.get, names)), "") or "" for field, names in NAMES.items()}
    if not (system and said["pipeline"] and said["counter"]):
        return None
    return Job(system=system, url=_url(environ), **said)


def current_system(environ: Mapping[str, str] = os.environ) -> str:
    """The name of the CI system that runs this process; empty if that is not known."""
    return next((name for each, name in _SYSTEMS.items() if environ.get(each)), "")


def of_packages(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What GoCD's plugin sets for the packages that are materials, by the variables' names: promotions' numbers, or
    models' URIs where it tells no promotion. GoCD puts no variable into another.
    """
    said = {name: value for name, value in environ.items() if _OF_PACKAGE.fullmatch(name) and value}
    return {name: value for name, value in said.items() if name.endswith("_PROMOTION")} or said


def promotion_of_package(environ: Mapping[str, str] = os.environ) -> int | None:
    """The promotion that GoCD's pipeline has as its only package; None if there are several, or none."""
    found = set(of_packages(environ).values())
    number = found.pop() if len(found) == 1 else ""
    return int(number) if number.isascii() and number.isdigit() and int(number) else None


def _url(environ: Mapping[str, str]) -> str:
    if url := environ.get("TRACKBACK_BUILD_URL") or environ.get("CI_JOB_URL"):
        return url
    if environ.get("GITHUB_RUN_ID") and environ.get("GITHUB_SERVER_URL"):
        return (
            f"{environ['GITHUB_SERVER_URL']}/{environ.get('GITHUB_REPOSITORY')}/actions/runs/{environ['GITHUB_RUN_ID']}"
        )
    parts = [
        environ.get(f"GO_{each}", "") for each in ("PIPELINE_NAME", "PIPELINE_COUNTER", "STAGE_NAME", "STAGE_COUNTER")
    ]
    server = environ.get("GO_SERVER_URL", "").rstrip("/")
    return (
        f"{server}/tab/build/detail/{'/'.join(parts)}/{environ.get('GO_JOB_NAME', '')}" if server and all(parts) else ""
    )
