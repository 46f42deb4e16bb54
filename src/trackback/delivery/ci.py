"""The CI job that runs us, as GoCD, GitHub Actions and GitLab say it in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

_SYSTEMS = {"GO_PIPELINE_NAME": "gocd", "GITHUB_ACTIONS": "github", "GITLAB_CI": "gitlab"}
_NAMES = {
    "pipeline": ("TRACKBACK_PIPELINE", "GO_PIPELINE_NAME", "GITHUB_WORKFLOW", "CI_PROJECT_PATH"),
    "counter": ("TRACKBACK_COUNTER", "GO_PIPELINE_COUNTER", "GITHUB_RUN_ID", "CI_PIPELINE_ID"),
    "stage": ("TRACKBACK_STAGE", "GO_STAGE_NAME", "CI_JOB_STAGE"),
    "job": ("TRACKBACK_JOB", "GO_JOB_NAME", "GITHUB_JOB", "CI_JOB_NAME"),
    "attempt": ("TRACKBACK_ATTEMPT", "GO_STAGE_COUNTER", "GITHUB_RUN_ATTEMPT", "CI_JOB_ID"),
}


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
    system = environ.get("TRACKBACK_SYSTEM") or next((name for each, name in _SYSTEMS.items() if environ.get(each)), "")
    said = {field: next(filter(None, map(environ.get, names)), "") or "" for field, names in _NAMES.items()}
    if not (system and said["pipeline"] and said["counter"]):
        return None
    return Job(system=system, url=_url(environ), **said)


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
