"""Deployments: what is live where, as CI reports it. A promotion says what is to be; this says what is."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor, Deployment, Permission, Promotion
from trackback.entities.streams import model_stream
from trackback.errors import Conflict, InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import access, pages, streams
from trackback.services.builds import promoted_stream, readable_build
from trackback.services.clock import Clock, now_ms
from trackback.services.locators import Place, check_place, names_of, normal_name
from trackback.services.promotion_rules import Environments
from trackback.services.subjects import Subject, resolve, resolve_stream
from trackback.storage import Storage, Transaction, deployments, lineage, promotions, snapshots
from trackback.storage.deployments import DeploymentQuery, DeploymentRecord


class DeploymentReport(NamedTuple):
    """A deployment as it is reported.

    What runs there is said by ``subject`` (``models:/churn/7``), by the ``digest`` of its files, by the ``promotion``
    that it carries out, or by the ``build`` that made it; where several are given, they must agree. ``environment`` is
    by default the promotion's. ``key`` is the reporter's own: a repeat with it changes nothing. ``replaces`` are
    numbers of deployments that this one took over from; ``replaces_previous`` means those live in its slot.
    """

    place: Place
    environment: str = ""
    subject: str = ""
    digest: str = ""
    promotion: int | None = None
    build: int | None = None
    key: str = ""
    started_ms: int | None = None
    ended_ms: int | None = None
    replaces: Sequence[int] = ()
    replaces_previous: bool = False


class _Content(NamedTuple):
    """What a deployment runs."""

    stream: str
    model_version: int | None
    digest: str | None
    promotion: Promotion | None
    build: int | None


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
        _check(report)
        now = self._clock()

        def operation(tx: Transaction) -> Deployment:
            content = _content(tx, actor, report)
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
        self, actor: Actor, report: DeploymentReport, place: Place, content: _Content, now: int
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
            _check_period(known.started, at)
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


def readable_deployment(tx: Transaction, actor: Actor, deployment: int) -> Deployment:
    """NotFound if there is no such deployment that the actor may read."""
    found = deployments.find(tx, deployment)
    if found is None or not streams.may(actor, Permission.READ, found.stream or ""):
        raise _unknown(deployment)
    return found


def check_digest(text: str) -> str:
    """A SHA-256 in 64 hex digits, from a text that may say so first: ``sha256:…``."""
    digest = limits.find_sha256(text)
    if digest is None:
        raise InvalidParameter(
            f"Invalid value {shown(text)} for parameter 'digest' supplied: it must be a SHA-256 in 64 hex digits, as a "
            "version's digest is."
        )
    return digest


def _unknown(deployment: int) -> NotFound:
    return NotFound(f"There is no deployment {deployment}.")


def _check(report: DeploymentReport) -> None:
    limits.check_length(report.key, "key", limits.DELIVERY_KEY_LENGTH)
    for name, number in (("promotion", report.promotion), ("build", report.build)):
        if number is not None:
            limits.check_int64(number, name)
    for number in report.replaces:
        limits.check_int64(number, "replaces")
    limits.check_count(len(report.replaces), "deployments in 'replaces'", limits.DEPLOYMENTS_PER_PAGE)
    for name, time in (("started", report.started_ms), ("ended", report.ended_ms)):
        if time is not None:
            limits.check_timestamp(time, name)
    if report.ended_ms is not None:
        if report.started_ms is None:
            raise InvalidParameter("A deployment that has 'ended' needs to say when it 'started'.")
        _check_period(report.started_ms, report.ended_ms)


def _check_period(started_ms: int, ended_ms: int) -> None:
    if ended_ms < started_ms:
        raise InvalidParameter(f"A deployment can't have ended, at {ended_ms}, before it started, at {started_ms}.")


def _content(tx: Transaction, actor: Actor, report: DeploymentReport) -> _Content:
    """What a report says is deployed, by whatever it says it."""
    build = readable_build(tx, actor, report.build) if report.build is not None else None
    if build and report.promotion is not None and report.promotion != build.promotion:
        raise InvalidParameter(
            f"The build {build.id} is for the promotion {build.promotion}, not {report.promotion}. Name one of them."
        )
    number = build.promotion if build else report.promotion
    promotion = None
    if number is not None:
        promoted_stream(tx, actor, number)
        (promotion,) = promotions.load(tx, [number])
    subject = resolve(tx, report.subject, actor) if report.subject else None
    if subject and promotion:
        _check_agreement(tx, subject, promotion)
    digest = check_digest(report.digest) if report.digest else None
    if subject or promotion:
        return _promised(tx, subject, promotion, digest, report.build)
    if digest is None:
        raise InvalidParameter(
            "Nothing says what is deployed: name it by 'version' (models:/churn/7), 'digest', 'promotion' or 'build'."
        )
    return _by_digest(tx, actor, digest)


def _check_agreement(tx: Transaction, subject: Subject, promotion: Promotion) -> None:
    entry = promotions.find(tx, promotion.seq)
    assert entry is not None
    run = subject.run.id if subject.run else None
    if (entry.model_version, entry.run) != (subject.model_version, run):
        named = f"models:/{promotion.name}/{promotion.version}" if promotion.name else f"runs:/{promotion.run_id}"
        raise InvalidParameter(f"The promotion {promotion.seq} is of {named}, not of {subject.text}. Name one of them.")


def _promised(
    tx: Transaction, subject: Subject | None, promotion: Promotion | None, digest: str | None, build: int | None
) -> _Content:
    """What a version, a promotion, or both of them stand for; ``digest`` must be one of theirs."""
    entry = promotions.find(tx, promotion.seq) if promotion else None
    stream = subject.stream if subject else entry.stream if entry else ""
    model_version = subject.model_version if subject else entry.model_version if entry else None
    own = subject.digest if subject and subject.digest else promotion.digest if promotion else None
    digests = {own, *(each.digest for each in promotion.snapshots)} if promotion else {own}
    if digest is not None and digest not in digests:
        named = subject.text if subject else f"what the promotion {promotion.seq if promotion else ''} is of"
        raise InvalidParameter(f"The digest {digest} is not that of {named}, which is {own}. Name one of them.")
    kept = digest or own
    if kept is None and model_version is None:
        raise InvalidParameter(
            "A run was promoted of which no model is the main one: say by 'digest' which of its models is deployed."
        )
    return _Content(stream, model_version, kept, promotion, build)


def _by_digest(tx: Transaction, actor: Actor, digest: str) -> _Content:
    """What files are known by alone: a version, if they are those of one only; a stream, if of one model's.

    Models that the actor may not read are not there. NotFound if nobody, or only they, have the digest.
    """
    found = lineage.versions_with_digest(tx, digest)
    versions = [(row, model) for row, model in found if access.may_read(actor, model=model)]
    models = {model for _, model in versions}
    stream = model_stream(models.pop()) if len(models) == 1 else ""
    if snapshots.find(tx, digest) is None or not (versions or streams.may(actor, Permission.READ, stream)):
        raise NotFound(
            f"There is no version with the digest {digest}. It is that of a version's files, which "
            "`find . -type f` and `sha256sum` can recompute, not that of an image."
        )
    return _Content(
        stream=stream,
        model_version=versions[0][0] if len(versions) == 1 else None,
        digest=digest,
        promotion=None,
        build=None,
    )


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
