"""Verdicts: what checks found of the files that a version or a run is, by their digest."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trackback import limits
from trackback.entities import Actor, Permission, Verdict
from trackback.errors import Conflict, InvalidParameter, InvalidState
from trackback.limits import shown
from trackback.services import access, pages, streams, subjects
from trackback.services.clock import Clock, now_ms
from trackback.services.judgement import current_digest
from trackback.storage import Storage, Transaction, promotions, verdicts
from trackback.storage.verdicts import VerdictQuery

RetryDigest = Callable[[Transaction, str, str | None], None]
"""Tries again what waits to be promoted and is the files of a digest, of one stream or (None) of all."""

_URL = re.compile(r"https?://\S+")


class Verdicts:
    """``retry`` is called in the transaction of each new verdict."""

    def __init__(self, storage: Storage, retry: RetryDigest, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._retry = retry
        self._clock = clock

    async def report(
        self,
        actor: Actor,
        subject: str,
        name: str,
        *,
        passed: bool,
        url: str = "",
        report: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> Verdict:
        """Keep what a check found; the last verdict of a name counts.

        It counts for the files wherever they are, if the actor may write to everything; else for the model or
        experiment that was named, and for no other that has equal files.

        subject: a version, a run, or the digest of files, which need not be here.
        url, report: where to read more, and what was found, up to ``limits.VERDICT_REPORT_LENGTH`` as JSON.
        key: the reporter's own. A repeat with the same key writes nothing, and gets the verdict that is there; Conflict
            if it says something else.
        """
        limits.check_key(name, "name")
        limits.check_length(key, "key", limits.VERDICT_KEY_LENGTH)
        found = Verdict(0, "", name, passed, self._clock(), actor.name, _checked_url(url), _checked_report(report))

        def operation(tx: Transaction) -> Verdict:
            promotions.hold(tx)
            digest, named = _digest(tx, actor, subject, Permission.WRITE)
            if digest is None:
                raise unverified(subject, "verdict")
            stream = "" if access.may(actor, Permission.WRITE) else named
            verdict = msgspec.structs.replace(found, digest=digest)
            added = verdicts.add(tx, verdict, stream, key or None)
            if added is None:
                return _repeated(tx, verdict, key)
            self._retry(tx, digest, stream or None)
            return added

        return await self._storage.write(operation)

    async def search(
        self,
        actor: Actor,
        subject: str,
        *,
        name: str = "",
        max_results: int = limits.VERDICTS_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Verdict]:
        """What counts for a version or a run, or all there is on a digest, the newest first; an empty name is any."""
        limits.check_max_results(max_results, limits.VERDICTS_PER_PAGE)
        limits.check_text(name, "name")
        offset = pages.decode(page_token)

        def operation(tx: Transaction) -> pages.Page[Verdict]:
            digest, stream = _digest(tx, actor, subject, Permission.READ)
            if digest is None:
                return pages.Page(())
            found = verdicts.search(tx, VerdictQuery(digest, stream or None, name or None, max_results + 1, offset))
            return pages.cut(found[:max_results], len(found) > max_results, offset)

        return await self._storage.read(operation)


def unverified(subject: str, what: str) -> InvalidState:
    return InvalidState(
        f"There can be no {what} on {shown(subject)}: it is unverified, without a digest, as this server does not have "
        "its files. Register it again from files that this server can read."
    )


def _digest(tx: Transaction, actor: Actor, subject: str, permission: Permission) -> tuple[str | None, str]:
    """The digest that a text names or is, and its stream; a bare one has none, and takes the permission for all."""
    if digest := limits.find_sha256(subject):
        access.require(actor, permission)
        return digest, ""
    found = subjects.resolve(tx, subject, actor)
    streams.require(actor, permission, found.stream)
    return current_digest(tx, found), found.stream


def _repeated(tx: Transaction, verdict: Verdict, key: str) -> Verdict:
    """The verdict that its actor has given the key before, if it says the same."""
    before = verdicts.find_by_key(tx, verdict.actor, key)
    assert before is not None
    if before != msgspec.structs.replace(verdict, id=before.id, time=before.time):
        raise Conflict(
            f"The key {shown(key)} is that of another verdict, {before.id}: {before.name!r} "
            f"{'passed' if before.passed else 'failed'} on {before.digest}. A key is for one report and its repeats; "
            "give this one another."
        )
    return before


def _checked_url(url: str) -> str | None:
    limits.check_length(url, "url", limits.URL_LENGTH)
    if url and not _URL.fullmatch(url):
        raise InvalidParameter(
            f"Invalid value {shown(url)} for parameter 'url' supplied: it must begin with http:// or https://, and "
            "have no spaces."
        )
    return url or None


def _checked_report(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The report as it is read back: a number that JSON has no word for, as NaN, is null."""
    if report is None:
        return None
    text = msgspec.json.encode(report)
    if len(text) > limits.VERDICT_REPORT_LENGTH:
        raise InvalidParameter(
            f"'report' exceeds the maximum length of {limits.VERDICT_REPORT_LENGTH} bytes as JSON: it has {len(text)}. "
            "Report what matters, and link to the rest with 'url'."
        )
    kept: dict[str, Any] = msgspec.json.decode(text)
    return kept
