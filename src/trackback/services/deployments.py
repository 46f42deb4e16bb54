"""Deployments: what is live where, as CI reports it. A promotion says what is to be; this says what is."""

import uuid

from trackback import limits
from trackback.entities import Actor, Deployment, Permission
from trackback.errors import Conflict, InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import access, pages, streams
from trackback.services.clock import Clock, now_ms
from trackback.services.deployment_reports import (
    Content,
    DeploymentReport,
    check_digest,
    check_period,
    check_report,
    content_of,
)
from trackback.services.locators import Place, check_place, names_of, normal_name
from trackback.services.promotion_rules import Environments
from trackback.services.subjects import resolve, resolve_stream
from trackback.storage import Storage, Transaction, deployments
from trackback.storage.deployments import DeploymentQuery, DeploymentRecord


class Deployments:
    def __init__(self, storage: Storage, environments: Environments, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._environments = environments
        self._clock = clock

    async def report(self, actor: Actor, report: DeploymentReport) -> Deployment:
        """Keep a deployment; the one that is there, where it was reported before.

        That is so with a key that is known, and without one where the same runs in the same place already.

        Raises NotFound for a version, digest, promotion or build that is not known; InvalidParameter where nothing
        says what runs there, where what is said does not agree, and for bad values; Conflict if the key is that of
        another deployment.
        """
        place = check_place(report.place)
        check_report(report)
        now = self._clock()

        def operation(tx: Transaction) -> Deployment:
            content = content_of(tx, actor, report)
            streams.require(actor, Permission.WRITE, content.stream)
            record = self._record(actor, report, place, content, now)
            if (known := _repeated(tx, actor, record, report)) is not None:
                return known
            if not deployments.hold_content(tx, record):
                raise NotFound("What is said to be deployed was purged just now: its files are gone.")
            replaced = _replaced(tx, record, report)
            number = deployments.add(tx, record, names_of(place), now)
            if number is None:
                return _same(tx, actor, deployments.find_by_key(tx, record.key), record)
            for each in replaced:
                deployments.end(tx, each.id, max(record.started_ms, each.started), number)
            added = deployments.find(tx, number)
            assert added is not None
            return added

        return await self._storage.write(operation)

    def _record(
        self, actor: Actor, report: DeploymentReport, place: Place, content: Content, now: int
    ) -> DeploymentRecord:
        environment = report.environment or (content.promotion.environment if content.promotion else "")
        if not environment:
            raise InvalidParameter("Missing value for required parameter 'environment'. It says where the version is.")
        return DeploymentRecord(
            key=report.key or uuid.uuid4().hex,
            environment=self._environments.check(environment),
            kind=place.kind.value,
            locator=place.locator,
            image=place.image,
            region=place.region,
            slot=place.slot,
            stream=content.stream,
            model_version=content.model_version,
            digest=content.digest,
            promotion=content.promotion.seq if content.promotion else None,
            build=content.build,
            actor=actor.name,
            started_ms=now if report.started_ms is None else report.started_ms,
            ended_ms=report.ended_ms,
        )

    async def end(self, actor: Actor, deployment: int, ended_ms: int | None = None) -> Deployment:
        """Say that a deployment is gone, by default now. One that has ended stays as it was.

        Raises NotFound for an unknown deployment, InvalidParameter for a time before it started.
        """
        limits.check_int64(deployment, "id")
        if ended_ms is not None:
            limits.check_timestamp(ended_ms, "ended")
        now = self._clock()

        def operation(tx: Transaction) -> Deployment:
            known = deployments.hold(tx, deployment)
            if known is None or not streams.may(actor, Permission.READ, known.stream or ""):
                raise _unknown(deployment)
            streams.require(actor, Permission.WRITE, known.stream or "")
            if known.ended is not None:
                return known
            at = max(now, known.started) if ended_ms is None else ended_ms
            check_period(known.started, at)
            deployments.end(tx, deployment, at, None)
            return deployments.load(tx, [deployment])[0]

        return await self._storage.write(operation)

    async def get(self, actor: Actor, deployment: int) -> Deployment:
        limits.check_int64(deployment, "id")
        return await self._storage.look_up(lambda tx: readable_deployment(tx, actor, deployment))

    async def search(
        self,
        actor: Actor,
        *,
        environment: str = "",
        at_ms: int | None = None,
        live: bool = False,
        stream: str = "",
        subject: str = "",
        digest: str = "",
        locator: str = "",
        max_results: int = limits.DEPLOYMENTS_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Deployment]:
        """A page of deployments, the last started first: of an environment, a model or version, a digest or a place.

        ``at_ms``: those that were live then; ``live``: those that are now. Raises InvalidParameter for bad values,
        NotFound for what is named but not there.
        """
        limits.check_max_results(max_results, limits.DEPLOYMENTS_PER_PAGE)
        limits.check_text(locator, "locator")
        if environment:
            self._environments.check(environment)
        if at_ms is not None:
            limits.check_timestamp(at_ms, "at")
        wanted = check_digest(digest) if digest else None
        offset = pages.decode(page_token)

        def operation(tx: Transaction) -> pages.Page[Deployment]:
            named = resolve(tx, subject, actor) if subject else None
            readable = access.readable_streams(actor)
            query = DeploymentQuery(
                limit=max_results + 1,
                offset=offset,
                environment=environment or None,
                live_at_ms=at_ms,
                live=live,
                stream=resolve_stream(tx, stream, actor) if stream else None,
                model_version=named.model_version if named else None,
                digest=wanted or (named.digest if named else None),
                name=normal_name(locator) if locator else None,
                streams=None if readable is None else sorted(readable),
            )
            found = deployments.search(tx, query)
            return pages.cut(found[:max_results], len(found) > max_results, offset)

        return await self._storage.read(operation)

    async def change_times(
        self,
        actor: Actor,
        *,
        environment: str = "",
        stream: str = "",
        before_ms: int = limits.INT64_MAX,
        max_results: int = limits.DEPLOYMENTS_PER_PAGE_DEFAULT,
    ) -> list[int]:
        """The last times before one at which something began or ceased to be live, the newest first."""
        limits.check_max_results(max_results, limits.DEPLOYMENTS_PER_PAGE)
        if environment:
            self._environments.check(environment)

        def operation(tx: Transaction) -> list[int]:
            readable = access.readable_streams(actor)
            query = DeploymentQuery(
                limit=max_results,
                offset=0,
                environment=environment or None,
                stream=resolve_stream(tx, stream, actor) if stream else None,
                streams=None if readable is None else sorted(readable),
            )
            return deployments.change_times(tx, query, before_ms)

        return await self._storage.read(operation)


def readable_deployment(tx: Transaction, actor: Actor, deployment: int) -> Deployment:
    """NotFound if there is no such deployment that the actor may read."""
    found = deployments.find(tx, deployment)
    if found is None or not streams.may(actor, Permission.READ, found.stream or ""):
        raise _unknown(deployment)
    return found


def _unknown(deployment: int) -> NotFound:
    return NotFound(f"There is no deployment {deployment}.")


def _repeated(tx: Transaction, actor: Actor, record: DeploymentRecord, report: DeploymentReport) -> Deployment | None:
    """The deployment that was reported so before."""
    if report.key:
        known = deployments.find_by_key(tx, report.key)
        return _same(tx, actor, known, record) if known else None
    for live in deployments.hold_live(tx, record.environment, record.kind, record.slot, record.stream):
        if not _differences(tx, live, record) and report.started_ms in (None, live.started):
            return live
    return None


def _same(tx: Transaction, actor: Actor, known: Deployment | None, record: DeploymentRecord) -> Deployment:
    """The deployment that has the key, if it is the same. Of one that may not be read, only that the key is taken."""
    assert known is not None
    if not streams.may(actor, Permission.READ, known.stream or ""):
        raise Conflict(f"The key {shown(record.key)} is taken. Report the deployment under another key.")
    if differences := _differences(tx, known, record):
        raise Conflict(
            f"The deployment {known.id} was reported with the key {shown(record.key)}, and it differs in its "
            f"{', '.join(differences)}. Report another deployment under another key."
        )
    return known


def _differences(tx: Transaction, known: Deployment, record: DeploymentRecord) -> list[str]:
    pairs = {
        "environment": (known.environment, record.environment),
        "kind": (known.kind.value, record.kind),
        "locator": (known.locator, record.locator),
        "image": (known.image or "", record.image),
        "region": (known.region or "", record.region),
        "digest": (known.digest, record.digest),
        "version": (deployments.version_row(tx, known.id), record.model_version),
    }
    return [name for name, (one, other) in pairs.items() if one != other]


def _replaced(tx: Transaction, record: DeploymentRecord, report: DeploymentReport) -> list[Deployment]:
    """The deployments that end with the new one."""
    found = {}
    for number in sorted(set(report.replaces)):
        known = deployments.hold(tx, number)
        if known is None or (known.stream or "") != record.stream:
            raise NotFound(f"There is no deployment {number} of this model that could be replaced.")
        if (known.environment, known.kind.value) != (record.environment, record.kind):
            raise InvalidParameter(
                f"The deployment {number} is of the kind {known.kind} in {known.environment}, so that one of the kind "
                f"{record.kind} in {record.environment} can't replace it. End it instead."
            )
        found[number] = known
    if report.replaces_previous:
        for known in deployments.hold_live(tx, record.environment, record.kind, record.slot, record.stream):
            if known.started <= record.started_ms:
                found[known.id] = known
    return [known for known in found.values() if known.ended is None]
