"""Deployments as they are reported: what a report may say, and what it says is deployed."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor, Permission, Promotion
from trackback.entities.streams import model_stream
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import access, streams
from trackback.services.builds import promoted_stream, readable_build
from trackback.services.locators import Place
from trackback.services.subjects import Subject, resolve
from trackback.storage import Transaction, lineage, promotion_log, promotions, snapshots


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


class Content(NamedTuple):
    """What a deployment runs."""

    stream: str
    model_version: int | None
    digest: str | None
    promotion: Promotion | None
    build: int | None


def check_digest(text: str) -> str:
    """A SHA-256 in 64 hex digits, from a text that may say so first: ``sha256:…``."""
    digest = limits.find_sha256(text)
    if digest is None:
        raise InvalidParameter(
            f"Invalid value {shown(text)} for parameter 'digest' supplied: it must be a SHA-256 in 64 hex digits, as a "
            "version's digest is."
        )
    return digest


def check_report(report: DeploymentReport) -> None:
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
        check_period(report.started_ms, report.ended_ms)


def check_period(started_ms: int, ended_ms: int) -> None:
    if ended_ms < started_ms:
        raise InvalidParameter(f"A deployment can't have ended, at {ended_ms}, before it started, at {started_ms}.")


def content_of(tx: Transaction, actor: Actor, report: DeploymentReport) -> Content:
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
        (promotion,) = promotion_log.load(tx, [number])
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
) -> Content:
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
    return Content(stream, model_version, kept, promotion, build)


def _by_digest(tx: Transaction, actor: Actor, digest: str) -> Content:
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
    return Content(
        stream=stream,
        model_version=versions[0][0] if len(versions) == 1 else None,
        digest=digest,
        promotion=None,
        build=None,
    )
