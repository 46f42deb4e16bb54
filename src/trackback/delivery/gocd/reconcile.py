"""Builds that GoCD has run and trackback was not told of: its notifications live two minutes, and may be lost."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

import msgspec

from trackback.client.api import Client, walk
from trackback.delivery.gocd.answers import PipelineRun, StageRun
from trackback.delivery.gocd.api import GoCD
from trackback.delivery.gocd.setup import PLUGIN, URL
from trackback.entities import BuildResult
from trackback.entities.gocd import promotion_number, revision_of
from trackback.errors import InvalidParameter, NotFound

PIPELINE = "Pipeline"

_UPSTREAM = re.compile(r"([^/]+)/([0-9]+)/[^/]+/[0-9]+")
_RESULTS = {"Passed": BuildResult.PASSED, "Failed": BuildResult.FAILED, "Cancelled": BuildResult.CANCELLED}


class LostBuild(NamedTuple):
    """A stage that was reported now."""

    promotion: int
    pipeline: str
    counter: int
    stage: str
    result: BuildResult


class StageAnswer(msgspec.Struct):
    status: str


class Reconciliation:
    """``url``: where GoCD reaches this trackback server, so that it is known which packages are its own."""

    def __init__(self, gocd: GoCD, client: Client, url: str) -> None:
        self._gocd = gocd
        self._client = client
        self._fingerprints = _fingerprints(gocd, url)
        self._known: dict[int, dict[tuple[str, str, str], BuildResult]] = {}
        self._revisions: dict[int, str | None] = {}
        self._promoted: dict[tuple[str, str], frozenset[str]] = {}

    def reconcile(self, pipeline: str, most: int) -> Iterator[LostBuild]:
        """Report what is missing of the newest runs of a pipeline; what was reported."""
        for run in islice(self._gocd.history(pipeline), most):
            for revision in self._revisions_of(run):
                for stage in run.stages:
                    if lost := self._report(run, stage, revision):
                        yield lost

    def _revisions_of(self, run: PipelineRun) -> list[str]:
        """The promotions that a run is for, as revisions."""
        found = sorted(self._materials_of(run))
        return [each for each in found if (number := promotion_number(each)) and self._revision(number) == each]

    def _materials_of(self, run: PipelineRun) -> frozenset[str]:
        """The revisions of this server's packages that went into a run, be it through pipelines before."""
        found: set[str] = set()
        for each in run.build_cause.material_revisions:
            revision = each.modifications[0].revision or "" if each.modifications else ""
            if each.material.fingerprint in self._fingerprints:
                found.add(revision)
            elif each.material.type == PIPELINE:
                found |= self._materials_upstream(revision)
        return frozenset(found)

    def _materials_upstream(self, stage: str) -> frozenset[str]:
        """Those that went into the run of a pipeline of which this is a stage, ``PIPELINE/COUNTER/STAGE/COUNTER``."""
        match = _UPSTREAM.fullmatch(stage)
        if match is None:
            return frozenset()
        name, counter = match.groups()
        if (name, counter) not in self._promoted:
            try:
                self._promoted[name, counter] = self._materials_of(self._gocd.run(name, counter))
            except NotFound:  # a pipeline that was deleted since
                self._promoted[name, counter] = frozenset()
        return self._promoted[name, counter]

    def _report(self, run: PipelineRun, stage: StageRun, revision: str) -> LostBuild | None:
        promotion = promotion_number(revision)
        assert promotion is not None
        if not (stage.scheduled and stage.jobs):
            return None
        result = _RESULTS.get(stage.result or "", BuildResult.RUNNING)
        counter = str(stage.counter)
        named = stage.name if counter == "1" else f"{stage.name}/{counter}"
        known = self._builds(promotion).get((run.name, str(run.counter), named))
        if known is result or (known is not None and result is BuildResult.RUNNING):
            return None
        body = _notification(run, stage, revision, self._gocd.url)
        self._client.transport.call("POST", "/gocd/v1/notification/stage-status", body, StageAnswer)
        return LostBuild(promotion, run.name, run.counter, named, result)

    def _builds(self, promotion: int) -> dict[tuple[str, str, str], BuildResult]:
        if promotion not in self._known:
            builds = walk(self._client.list_builds, promotion=promotion)
            self._known[promotion] = {
                (each.pipeline, each.counter or "", each.stage or ""): each.result
                for each in builds
                if each.system == "gocd" and not each.job
            }
        return self._known[promotion]

    def _revision(self, promotion: int) -> str | None:
        """What the promotion of a number is as a revision; None if there is none."""
        if promotion not in self._revisions:
            try:
                self._revisions[promotion] = revision_of(self._client.get_promotion(promotion))
            except NotFound:
                self._revisions[promotion] = None
        return self._revisions[promotion]


def _fingerprints(gocd: GoCD, url: str) -> frozenset[str]:
    """Those of the materials that are packages of this trackback server."""
    ours = [each for each in gocd.repositories() if each.plugin_metadata.id == PLUGIN]
    urls = {
        each.repo_id: _plain(next((p.value or "" for p in each.configuration if p.key == URL), "")) for each in ours
    }
    if _plain(url) not in urls.values():
        known = ", ".join(sorted(set(urls.values()))) or "none"
        raise InvalidParameter(
            f"No repository in GoCD has {url} as its {URL}: there are {known}. Set --url to the one that is this "
            "server, or run `trackback gocd init` first."
        )
    packages = {each.id for each in gocd.packages() if urls.get(each.package_repo.id) == _plain(url)}
    materials = (each for each in gocd.materials() if each.type == "package")
    return frozenset(each.fingerprint for each in materials if each.attributes.get("ref") in packages)


def _plain(url: str) -> str:
    return url.strip().rstrip("/")


def _notification(run: PipelineRun, stage: StageRun, revision: str, gocd_url: str) -> dict[str, object]:
    """What GoCD's notification would have said."""
    began = [job.scheduled_date for job in stage.jobs if job.scheduled_date]
    created = datetime.fromtimestamp(min(began) / 1000, UTC).isoformat(timespec="milliseconds") if began else None
    return {
        "server_url": gocd_url,
        "pipeline": {
            "name": run.name,
            "counter": str(run.counter),
            "build-cause": [{"material": {"type": "package"}, "modifications": [{"revision": revision, "data": {}}]}],
            "stage": {
                "name": stage.name,
                "counter": str(stage.counter),
                "result": stage.result or "",
                "create-time": created,
            },
        },
    }
