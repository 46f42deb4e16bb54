"""Stages of GoCD's pipelines as builds of the promotions that went into them.

A promotion is among a pipeline's own materials; or the pipeline has a stage of another as a material, which was
reported as a build of the promotion before.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from trackback import limits
from trackback.entities import Actor, BuildResult, Permission, Promotion
from trackback.entities.gocd import promotion_number, revision_of
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.services import streams
from trackback.services.builds import BuildReport, Builds
from trackback.storage import Storage, Transaction, promotion_log

SYSTEM = "gocd"
MATERIALS = 100

_RESULTS = {"Passed": BuildResult.PASSED, "Failed": BuildResult.FAILED, "Cancelled": BuildResult.CANCELLED}


class SeenRevision(NamedTuple):
    """A revision among a pipeline's materials, and the data that came with it."""

    revision: str
    data: Mapping[str, str]


class Stage(NamedTuple):
    """A run of a stage. ``result`` is GoCD's word: Passed, Failed, Cancelled; anything else is a stage that runs.

    ``upstream``: the stages of other pipelines among its materials, each as ``PIPELINE/COUNTER/STAGE/COUNTER``.
    ``server_url``: where GoCD's pages are; if it is not known, neither is what came of those stages.
    """

    pipeline: str
    counter: str
    name: str
    stage_counter: str
    result: str
    materials: Sequence[SeenRevision]
    started_ms: int | None = None
    finished_ms: int | None = None
    server_url: str = ""
    upstream: Sequence[str] = ()

    @property
    def build_stage(self) -> str:
        """What its build calls it: a stage that is run again is another build."""
        return self.name if self.stage_counter in ("", "1") else f"{self.name}/{self.stage_counter}"

    @property
    def url(self) -> str:
        return self.page("/".join((self.pipeline, self.counter, self.name, self.stage_counter or "1")))

    def page(self, stage: str) -> str:
        """GoCD's page of a stage, which its build has as the URL."""
        return f"{self.server_url.rstrip('/')}/pipelines/{quote(stage)}" if self.server_url else ""


class Stages:
    def __init__(self, storage: Storage, builds: Builds) -> None:
        self._storage = storage
        self._builds = builds

    async def report(self, actor: Actor, stage: Stage) -> int:
        """Keep how a stage stands as a build of each promotion that it is for; how many these are.

        Revisions that are none of this server's are passed over. The same again changes nothing, and that a stage runs
        is no news once it is known how it ended. Raises PermissionDenied if the actor may not write for a promotion.
        """
        materials = len(stage.materials) + len(stage.upstream)
        if materials > MATERIALS:
            raise InvalidParameter(f"A pipeline may have {MATERIALS} materials here, not {materials}.")
        if not stage.server_url.startswith(("http://", "https://")) and stage.server_url:
            raise InvalidParameter(f"Invalid value {shown(stage.server_url)} for 'server_url': it is no web address.")
        found = set(await self._storage.look_up(lambda tx: _promotions(tx, actor, stage.materials)))
        for each in filter(None, map(stage.page, stage.upstream)):
            before = await self._builds.search(actor, url=each, max_results=limits.BUILDS_PER_PAGE)
            found.update(build.promotion for build in before.items if build.system == SYSTEM)
        for number in sorted(found):
            await self._builds.report(actor, _build(stage, number))
        return len(found)


def _promotions(tx: Transaction, actor: Actor, materials: Sequence[SeenRevision]) -> list[int]:
    numbers = {number: seen for seen in materials if (number := promotion_number(seen.revision)) is not None}
    found = promotion_log.load(tx, [number for number in numbers if number <= limits.INT64_MAX])
    return [
        each.seq
        for each in found
        if _is_the_same(each, numbers[each.seq]) and streams.may(actor, Permission.READ, each.stream)
    ]


def _is_the_same(promotion: Promotion, seen: SeenRevision) -> bool:
    """Whether a revision is this promotion, and not one that another server gave the same number."""
    digest = limits.find_sha256(seen.data.get("DIGEST", ""))
    return revision_of(promotion) == seen.revision and digest in (None, promotion.digest)


def _build(stage: Stage, promotion: int) -> BuildReport:
    result = _RESULTS.get(stage.result, BuildResult.RUNNING)
    return BuildReport(
        promotion=promotion,
        system=SYSTEM,
        pipeline=stage.pipeline,
        counter=stage.counter,
        stage=stage.build_stage,
        url=stage.url,
        result=result,
        started_ms=stage.started_ms,
        finished_ms=None if result is BuildResult.RUNNING else stage.finished_ms,
    )
