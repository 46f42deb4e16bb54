"""What a job of GoCD says of itself: which one it is, and which revisions of its materials went into it."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from trackback import limits
from trackback.entities import PROVENANCE_VERSION, CodeRecord, ParentRecord, ProvenanceRecord
from trackback.errors import InvalidParameter

CAPTURED_BY = "GoCD"
TAGS = "gocd."

_NAMED = ("GO_PIPELINE_NAME", "GO_PIPELINE_COUNTER", "GO_STAGE_NAME", "GO_STAGE_COUNTER", "GO_JOB_NAME")
_KNOWN = frozenset((*_NAMED, "GO_SERVER_URL", "GO_PIPELINE_LABEL", "GO_PIPELINE_GROUP_NAME", "GO_TRIGGER_USER"))
_PREFIXES = (
    "GO_REVISION",
    "GO_TO_REVISION",
    "GO_FROM_REVISION",
    "GO_MATERIAL",
    "GO_SCM_",
    "GO_PACKAGE_",
    "GO_REPO_",
    "GO_DEPENDENCY_",
)
_SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|CREDENTIAL")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_VERSION = re.compile(r"models:/[^/]+/\d+")
_KEPT_AS = {"GO_REVISION": "revision", "GO_DEPENDENCY_LOCATOR": "upstream", "GO_MATERIAL_BRANCH": "branch"}
_PACKAGE_LABEL = re.compile(r"GO_PACKAGE_(.+)_LABEL")


class Job(NamedTuple):
    """``variables`` are those of GoCD's that say something of the job, and no secret."""

    server_url: str
    pipeline: str
    counter: str
    stage: str
    stage_counter: str
    name: str
    variables: Mapping[str, str]

    @property
    def place(self) -> str:
        """What GoCD knows it by."""
        return "/".join((self.pipeline, self.counter, self.stage, self.stage_counter, self.name))

    @property
    def url(self) -> str:
        return f"{self.server_url.rstrip('/')}/tab/build/detail/{quote(self.place)}" if self.server_url else ""


def read_job(variables: Mapping[str, str]) -> Job:
    """Raises InvalidParameter if it can't be told which job it is."""
    for name in _NAMED:
        if not variables.get(name, "").strip():
            raise InvalidParameter(f"Missing value for the job's variable '{name}'. GoCD sets it in every job.")
        limits.check_length(variables[name], name, limits.DELIVERY_NAME_LENGTH)
    kept = {name: limits.check_text(value, name) for name, value in variables.items() if value and _may_be_kept(name)}
    pipeline, counter, stage, stage_counter, job = (kept[name] for name in _NAMED)
    return Job(kept.get("GO_SERVER_URL", ""), pipeline, counter, stage, stage_counter, job, kept)


def run_id_of(job: Job, experiment: str, model: str, artifact: str) -> str:
    """The id of the run, in an experiment, by which a job publishes an artifact as a model: always the same."""
    named = "\n".join((job.server_url, job.place, experiment, model, artifact))
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def tags_of(job: Job) -> dict[str, str]:
    """The job and its materials' revisions as tags; the commit as MLflow's clients tag it."""
    told = {
        "server": job.server_url,
        "pipeline": job.pipeline,
        "counter": job.counter,
        "stage": job.stage,
        "stage_counter": job.stage_counter,
        "job": job.name,
        "label": job.variables.get("GO_PIPELINE_LABEL", ""),
        "triggered_by": job.variables.get("GO_TRIGGER_USER", ""),
        "url": job.url,
        **dict(_materials(job)),
    }
    found = {
        TAGS + key: value[: limits.TAG_VALUE_LENGTH]
        for key, value in told.items()
        if value and limits.is_key(TAGS + key)
    }
    if commit := _commit(job):
        found["mlflow.source.git.commit"] = commit
    return found


def provenance_of(job: Job) -> ProvenanceRecord | None:
    """The job's code, and the promoted models among its materials, as what its model came from; None if it has none."""
    commit, parents = _commit(job), tuple(_parents(job))
    if not (commit or parents):
        return None
    code = CodeRecord(commit=commit, branch=job.variables.get("GO_MATERIAL_BRANCH")) if commit else None
    return ProvenanceRecord(PROVENANCE_VERSION, captured_by=CAPTURED_BY, code=code, parents=parents)


def _may_be_kept(name: str) -> bool:
    return (name in _KNOWN or name.startswith(_PREFIXES)) and not _SECRET.search(name)


def _materials(job: Job) -> Iterator[tuple[str, str]]:
    """Revisions by their material: ``revision`` of the only one, ``revision.<NAME>`` of each of several."""
    for variable, value in job.variables.items():
        for prefix, kept_as in _KEPT_AS.items():
            if variable == prefix:
                yield kept_as, value
            elif variable.startswith(f"{prefix}_"):
                yield f"{kept_as}.{variable.removeprefix(f'{prefix}_')}", value
        if package := _PACKAGE_LABEL.fullmatch(variable):
            yield f"package.{package[1]}", value


def _commit(job: Job) -> str | None:
    """The commit that the job was of, if its materials have one only."""
    revisions = {value for name, value in job.variables.items() if name.startswith("GO_REVISION")}
    commits = [each for each in revisions if _COMMIT.fullmatch(each)]
    return commits[0] if len(commits) == 1 else None


def _parents(job: Job) -> Iterator[ParentRecord]:
    for name in sorted(job.variables):
        if name.startswith("GO_PACKAGE_") and name.endswith("_PROMOTION"):
            material = name.removesuffix("PROMOTION")
            model, run_id = job.variables.get(f"{material}MODEL_URI", ""), job.variables.get(f"{material}RUN_ID", "")
            if _VERSION.fullmatch(model):
                yield ParentRecord(version=model)
            elif limits.is_run_id(run_id):
                yield ParentRecord(run_id=run_id)
