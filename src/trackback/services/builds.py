"""Builds: what CI says it does for a promotion."""

import hashlib
import uuid
from typing import NamedTuple

from msgspec.structs import replace

from trackback import limits
from trackback.entities import Actor, Build, BuildResult, Permission
from trackback.errors import Conflict, InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import access, pages, streams
from trackback.services.clock import Clock, now_ms
from trackback.services.subjects import resolve
from trackback.storage import Storage, Transaction, builds, promotions
from trackback.storage.builds import BuildQuery, BuildRecord


class BuildReport(NamedTuple):
    """What is said of a build. What is None, or an empty text, is not said: what is known of it stays.

    ``key`` is the reporter's own; a report with one that is known is about that build. Without one, the promotion,
    system, pipeline, counter, stage and job are the key, if there is a counter.
    """

    key: str = ""
    promotion: int | None = None
    system: str = ""
    pipeline: str = ""
    counter: str = ""
    stage: str = ""
    job: str = ""
    url: str = ""
    log_url: str = ""
    result: BuildResult | None = None
    started_ms: int | None = None
    finished_ms: int | None = None


# What tells a build from others, and so never changes.
_IDENTITY = ("promotion", "system", "pipeline", "counter", "stage", "job")
_TEXTS = {
    "key": limits.DELIVERY_KEY_LENGTH,
    "system": limits.DELIVERY_NAME_LENGTH,
    "pipeline": limits.DELIVERY_NAME_LENGTH,
    "counter": limits.DELIVERY_NAME_LENGTH,
    "stage": limits.DELIVERY_NAME_LENGTH,
    "job": limits.DELIVERY_NAME_LENGTH,
    "url": limits.URL_LENGTH,
    "log_url": limits.URL_LENGTH,
}


class Builds:
    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def report(self, actor: Actor, report: BuildReport) -> Build:
        """Keep what is said of a build: of the one with its key, or else of a new one, which is running.

        Raises NotFound for an unknown promotion; InvalidParameter if a new build lacks its promotion, system or
        pipeline, and for bad values; Conflict if the key is that of another build.
        """
        _check(report)
        key = report.key or _natural_key(report)
        now = self._clock()

        def operation(tx: Transaction) -> Build:
            if (known := builds.hold_by_key(tx, key)) is None:
                number = self._begin(tx, actor, report, key, now)
                known = builds.find(tx, number) if number is not None else builds.hold_by_key(tx, key)
                assert known is not None
            return _updated(tx, _for_writing(tx, actor, known, f"with the key {shown(key)}"), report, now)

        return await self._storage.write(operation)

    def _begin(self, tx: Transaction, actor: Actor, report: BuildReport, key: str, now: int) -> int | None:
        for name in ("promotion", "system", "pipeline"):
            if not getattr(report, name):
                raise InvalidParameter(
                    f"Missing value for required parameter '{name}': there is no build with the key {shown(key)} yet, "
                    "and a new one needs its promotion, system and pipeline."
                )
        assert report.promotion is not None
        stream = promoted_stream(tx, actor, report.promotion)
        streams.require(actor, Permission.WRITE, stream)
        record = BuildRecord(
            key=key,
            promotion=report.promotion,
            system=report.system,
            pipeline=report.pipeline,
            counter=report.counter,
            stage=report.stage,
            job=report.job,
            url=report.url,
            log_url=report.log_url,
            result=BuildResult.RUNNING.value,
            actor=actor.name,
            started_ms=now if report.started_ms is None else report.started_ms,
            finished_ms=None,
        )
        return builds.add(tx, record, now)

    async def update(self, actor: Actor, build: int, report: BuildReport) -> Build:
        """Keep what is said of a build that is known by its number. Raises NotFound, InvalidParameter, Conflict."""
        limits.check_int64(build, "id")
        _check(report)
        now = self._clock()

        def operation(tx: Transaction) -> Build:
            known = builds.hold(tx, build)
            if known is None:
                raise _unknown(build)
            return _updated(tx, _for_writing(tx, actor, known, str(build)), report, now)

        return await self._storage.write(operation)

    async def get(self, actor: Actor, build: int) -> Build:
        limits.check_int64(build, "id")
        return await self._storage.look_up(lambda tx: readable_build(tx, actor, build))

    async def search(
        self,
        actor: Actor,
        *,
        promotion: int | None = None,
        subject: str = "",
        url: str = "",
        key: str = "",
        max_results: int = limits.BUILDS_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Build]:
        """A page of builds, the last reported first: of a promotion, or of all promotions of a version or run.

        Raises InvalidParameter for bad values, NotFound for an unknown version or run.
        """
        limits.check_max_results(max_results, limits.BUILDS_PER_PAGE)
        limits.check_length(url, "url", limits.URL_LENGTH)
        limits.check_length(key, "key", limits.DELIVERY_KEY_LENGTH)
        if promotion is not None:
            limits.check_int64(promotion, "promotion")
        offset = pages.decode(page_token)

        def operation(tx: Transaction) -> pages.Page[Build]:
            promoted = resolve(tx, subject, actor) if subject else None
            readable = access.readable_streams(actor)
            query = BuildQuery(
                limit=max_results + 1,
                offset=offset,
                promotion=promotion,
                model_version=promoted.model_version if promoted else None,
                run=promoted.run.id if promoted and promoted.run else None,
                url=url or None,
                key=key or None,
                streams=None if readable is None else sorted(readable),
            )
            found = builds.search(tx, query)
            return pages.cut(found[:max_results], len(found) > max_results, offset)

        return await self._storage.read(operation)


def readable_build(tx: Transaction, actor: Actor, build: int) -> Build:
    """NotFound if there is no such build that the actor may read."""
    found = builds.find(tx, build)
    if found is None or not streams.may(actor, Permission.READ, _stream(tx, found)):
        raise _unknown(build)
    return found


def promoted_stream(tx: Transaction, actor: Actor, promotion: int) -> str:
    """The stream of an entry of the log; NotFound if there is no such entry that the actor may read."""
    entry = promotions.find(tx, promotion)
    if entry is None or not streams.may(actor, Permission.READ, entry.stream):
        raise NotFound(f"There is no promotion {promotion}. Name an entry of the promotion log by its number.")
    return entry.stream


def _unknown(build: int) -> NotFound:
    return NotFound(f"There is no build {build}.")


def _stream(tx: Transaction, build: Build) -> str:
    entry = promotions.find(tx, build.promotion)
    assert entry is not None
    return entry.stream


def _for_writing(tx: Transaction, actor: Actor, build: Build, named: str) -> Build:
    stream = _stream(tx, build)
    if not streams.may(actor, Permission.READ, stream):
        raise NotFound(f"There is no build {named}.")
    streams.require(actor, Permission.WRITE, stream)
    return build


def _check(report: BuildReport) -> None:
    for name, length in _TEXTS.items():
        limits.check_length(getattr(report, name), name, length)
    if report.promotion is not None:
        limits.check_int64(report.promotion, "promotion")
    for name, time in (("started", report.started_ms), ("finished", report.finished_ms)):
        if time is not None:
            limits.check_timestamp(time, name)
    if report.finished_ms is not None and report.result in (None, BuildResult.RUNNING):
        raise InvalidParameter("A build that has 'finished' needs a 'result': passed, failed or cancelled.")


def _natural_key(report: BuildReport) -> str:
    if not report.counter:
        return uuid.uuid4().hex
    names = (report.promotion, report.system, report.pipeline, report.counter, report.stage, report.job)
    key = "/".join(map(str, names)).rstrip("/")
    return key if len(key) <= limits.DELIVERY_KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest()


def _updated(tx: Transaction, build: Build, report: BuildReport, now: int) -> Build:
    for name in _IDENTITY:
        said, known = getattr(report, name), getattr(build, name)
        if said and said != known:
            raise Conflict(
                f"The build with the key {shown(build.key)} has the {name} {shown(known)}, not {shown(said)}. "
                "Report another build under another key."
            )
    if _is_late(build, report):
        report = report._replace(result=None)
    changed = replace(
        build,
        url=report.url or build.url,
        log_url=report.log_url or build.log_url,
        result=report.result or build.result,
        started=build.started if report.started_ms is None else report.started_ms,
        finished=_finished(build, report, now),
    )
    if changed.finished is not None and changed.finished < changed.started:
        raise InvalidParameter(
            f"A build can't have finished, at {changed.finished}, before it started, at {changed.started}."
        )
    if changed == build:
        return build
    builds.update(tx, changed, now)
    return replace(changed, updated=now)


def _is_late(build: Build, report: BuildReport) -> bool:
    """Whether it is said that a build runs of which it is known how it ended: with another start it runs again."""
    ended = build.result is not BuildResult.RUNNING
    return ended and report.result is BuildResult.RUNNING and report.started_ms == build.started


def _finished(build: Build, report: BuildReport, now: int) -> int | None:
    """When the build finished, after this report: the same result again changes no time."""
    result = report.result or build.result
    if result is BuildResult.RUNNING:
        return None
    if report.finished_ms is not None:
        return report.finished_ms
    return build.finished if result is build.result else max(now, report.started_ms or build.started)
