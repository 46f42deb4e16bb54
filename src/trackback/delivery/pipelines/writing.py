"""Pipelines written for CI systems: a file of stages, and the system's own, whose jobs run one of them each."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from trackback.delivery.pipelines.file import FILE, PipelineFile, read_pipeline
from trackback.delivery.pipelines.templates import CHECKS, GITHUB, GITLAB, GOCD, STAGES
from trackback.delivery.written import write_whole
from trackback.errors import AlreadyExists, InvalidParameter

CHECKS_FILE = "checks.yaml"
REPORTS = "trackback-reports"


@dataclass(frozen=True)
class Wanted:
    """What a pipeline is to do.

    model, environment: whose promotions trigger it. data, target: the test set and its column. image: its name, which
    is pushed if it is given. to: what runs the model. server: trackback's, as CI reaches it. repository: the URL of the
    code, package: GoCD's id of the package; both for GoCD only.
    """

    model: str
    environment: str
    data: str
    target: str
    image: str = ""
    to: str = "kubernetes"
    server: str = ""
    repository: str = ""
    package: str = ""


def write_pipeline(system: str, wanted: Wanted, folder: Path, *, force: bool = False) -> list[Path]:
    """Write what is not there yet; the files that were written, the system's own last.

    A file of stages, or of checks, that is there stays as it is, and is what the system's file is made from.

    AlreadyExists: the system's file is there, and ``force`` is not set. InvalidParameter: something is missing.
    """
    place, make = SYSTEMS[system]
    own = folder / place.format(model=_slug(wanted.model))
    if own.exists() and not force:
        raise AlreadyExists(f"{own} is there already. Have it written anew with --force.")
    stages = folder / FILE
    written: list[Path] = []
    if not stages.exists():
        _write(stages, _stages(wanted), written)
    pipeline = read_pipeline(stages)
    text = make(pipeline, wanted, folder)
    if not (folder / CHECKS_FILE).exists():
        _write(folder / CHECKS_FILE, CHECKS, written)
    _write(own, text, written)
    return written


def _write(path: Path, text: str, written: list[Path]) -> None:
    write_whole(path, text)
    written.append(path)


def _stages(wanted: Wanted) -> str:
    text = _filled(
        STAGES,
        pipeline=f"deliver-{_slug(wanted.model)}",
        model=json.dumps(f"models:/{wanted.model}@{wanted.environment}", ensure_ascii=False),
        environment=_word(wanted.environment),
        data=_word(wanted.data),
        target=_word(wanted.target),
        image=_word(wanted.image or wanted.model),
        push=" --push" if wanted.image else "",
        to=wanted.to,
        apply=" --apply" if wanted.to == "kubernetes" else "",
    )
    return re.sub(r"(?m)^( +run: )(.*( #|: ).*)$", lambda line: line[1] + json.dumps(line[2], ensure_ascii=False), text)


def _gocd(pipeline: PipelineFile, wanted: Wanted, folder: Path) -> str:
    repository = wanted.repository or _origin(folder)
    if not repository:
        raise InvalidParameter(
            f"GoCD has to know where {FILE} is kept: {folder} has no remote 'origin' of Git. Name it: --repository URL."
        )
    if not wanted.package:
        raise InvalidParameter(
            f"GoCD has to know which package triggers the pipeline. `trackback gocd init --model {wanted.model} "
            f"--environment {wanted.environment}` makes it; the page of the repository shows its id: --package."
        )
    stages = [
        f"      - {_key(name)}:\n"
        f"          jobs:\n"
        f"            {_key(name)}:\n"
        f"              artifacts:\n"
        f"                - build: {{source: {REPORTS}, destination: {REPORTS}}}\n"
        f"              tasks:\n"
        f"                - exec: {{working_directory: code, command: trackback, "
        f"arguments: [deliver, run, {FILE}, --stage, {_key(name)}]}}\n"
        for name in _names(pipeline)
    ]
    stages = [each.replace(f"source: {REPORTS}", f"source: code/{REPORTS}") for each in stages]
    return _filled(
        GOCD,
        pipeline=_key(pipeline.pipeline),
        repository=json.dumps(repository),
        package=json.dumps(wanted.package),
        server=json.dumps(wanted.server),
        stages="".join(stages),
    )


def _github(pipeline: PipelineFile, wanted: Wanted, folder: Path) -> str:
    jobs = []
    for before, name in _in_order(pipeline):
        needs = (
            f"    needs: {_job_id(before)}\n"
            if before
            else "    if: github.event.client_payload.promotion.kind != 'demoted'\n"
        )
        jobs.append(
            f"  {_job_id(name)}:\n{needs}"
            "    runs-on: ubuntu-latest\n"
            "    steps:\n"
            "      - uses: actions/checkout@v4\n"
            "      - uses: actions/setup-python@v5\n"
            "        with: {python-version: '3.11'}\n"
            "      - run: python -m pip install 'trackback[deliver,scoring]'\n"
            f"      - run: trackback deliver run {FILE} --stage {name}\n"
            "      - uses: actions/upload-artifact@v4\n"
            "        if: always()\n"
            f"        with: {{name: {_key(name)}, path: {REPORTS}, if-no-files-found: ignore}}\n"
        )
    return _filled(GITHUB, **_promoted(wanted), pipeline=_key(pipeline.pipeline), jobs="\n".join(jobs))


def _gitlab(pipeline: PipelineFile, wanted: Wanted, folder: Path) -> str:
    jobs = [  # by names that are none of GitLab's own words, as image is one
        f"deliver-{name}:\n  extends: .deliver\n  stage: {_key(name)}\n"
        f"  script:\n    - trackback deliver run {FILE} --stage {name}\n"
        for name in _names(pipeline)
    ]
    stages = "".join(f"  - {_key(name)}\n" for name in _names(pipeline))
    return _filled(GITLAB, **_promoted(wanted), stages=stages, jobs="\n".join(jobs), reports=REPORTS)


def _promoted(wanted: Wanted) -> dict[str, str]:
    """What comments and variables say of where promotions come from."""
    stream = _word(f"models:/{wanted.model}")
    return {"server": json.dumps(wanted.server), "stream": stream, "environment": _word(wanted.environment)}


SYSTEMS: dict[str, tuple[str, Callable[[PipelineFile, Wanted, Path], str]]] = {
    "gocd": ("deliver-{model}.gocd.yaml", _gocd),
    "github": (".github/workflows/deliver-{model}.yml", _github),
    "gitlab": (".gitlab-ci.yml", _gitlab),
}
"""What each system's file is called, and what makes it."""


def _names(pipeline: PipelineFile) -> list[str]:
    return [stage.name for stage in pipeline.stages]


def _in_order(pipeline: PipelineFile) -> list[tuple[str, str]]:
    """Each stage with the one before it; empty before the first."""
    names = _names(pipeline)
    return list(zip(["", *names[:-1]], names, strict=True))


def _filled(template: str, **values: str) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def _slug(text: str) -> str:
    """As the name of a pipeline or a file."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", text)[:50]


def _key(name: str) -> str:
    """The name of a stage or a pipeline in a line of YAML, where 1, no and null are no names."""
    return name if isinstance(yaml.safe_load(name), str) else json.dumps(name)


def _job_id(name: str) -> str:
    """GitHub's begin with no digit."""
    return _key(name if name[0].isalpha() else f"_{name}")


def _word(text: str) -> str:
    """As a word of the shell, within a line of YAML."""
    plain = text and all(each.isalnum() or each in "/._-:@" for each in text)
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def _origin(folder: Path) -> str:
    """The URL of the repository that the folder is in, if it is in one."""
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), "config", "--get", "remote.origin.url"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()
