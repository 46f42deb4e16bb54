"""Promotions: asked for, read, and waited for. What a promotion does is in ``promotion_gate``."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from trackback import limits
from trackback.artifacts import paths
from trackback.entities import Actor, PendingPromotion, Permission, Promotion
from trackback.entities.streams import StreamKind
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import access, pages, run_trees, streams, subjects
from trackback.services.clock import Clock, now_ms
from trackback.services.promotion_case import Asked
from trackback.services.promotion_gate import PromotionGate
from trackback.services.promotion_watch import PromotionWatch
from trackback.services.snapshots import Snapshots, Tree
from trackback.services.subjects import Subject
from trackback.storage import Storage, Transaction, pending_promotions, promotion_log, promotions
from trackback.storage.promotion_log import Scope

Again = Callable[[], Awaitable[Actor]]


class LogPage(NamedTuple):
    """``cursor`` is where to read on: the number of the last entry that was read."""

    promotions: list[Promotion]
    cursor: int


class Promotions:
    def __init__(
        self,
        storage: Storage,
        snapshots: Snapshots,
        gate: PromotionGate,
        watch: PromotionWatch,
        clock: Clock = now_ms,
    ) -> None:
        self._storage = storage
        self._snapshots = snapshots
        self._gate = gate
        self._watch = watch
        self._clock = clock

    @property
    def stopping(self) -> bool:
        """Whether the server is about to stop, so that nobody should wait any more."""
        return self._watch.stopped

    def stop_waiting(self) -> None:
        """Answer all who wait for the log with what there is: the server stops."""
        self._watch.stop()

    async def promote(
        self,
        actor: Actor,
        subject: str,
        environment: str,
        *,
        reason: str = "",
        pending: bool = False,
        override: bool = False,
        allow_unverified: bool = False,
    ) -> Promotion | PendingPromotion:
        """Promote a version, ``models:/churn/7``, or a run, ``runs:/<id>``; what holds the environment already, stays.

        ``pending``: wait for what the policy wants, if it wants anything. ``override``: enter in spite of it, which
        takes the permission to administer, and a reason. Raises InvalidState, with all that is missing, if the subject
        may not enter and is not to wait.
        """
        limits.check_length(reason, "reason", limits.REASON_LENGTH)
        if override and not reason.strip():
            raise InvalidParameter("A promotion that overrides a policy needs a reason, for those who read the log.")
        permission = Permission.ADMIN if override else Permission.PROMOTE
        prepared = await self._prepared(actor, subject, permission)

        def operation(tx: Transaction) -> Promotion | PendingPromotion:
            promotions.hold(tx)
            asked = Asked(
                actor=actor,
                subject=_permitted(tx, actor, subject, permission),
                environment=environment,
                reason=reason,
                pending=pending,
                override=override,
                allow_unverified=allow_unverified,
            )
            return self._gate.promote(tx, asked, prepared)

        return await self._storage.write(operation)

    async def demote(self, actor: Actor, subject: str, environment: str, *, reason: str = "") -> Promotion:
        """Have a version or a run, or whatever holds it of a stream, leave the environment. NotFound if it is empty."""
        limits.check_length(reason, "reason", limits.REASON_LENGTH)

        def operation(tx: Transaction) -> Promotion:
            promotions.hold(tx)
            if _names_stream(subject):
                stream, only = _permitted_stream(tx, actor, subject), None
            else:
                only = _permitted(tx, actor, subject, Permission.PROMOTE)
                stream = only.stream
            done = self._gate.demote(tx, actor, stream, environment, reason=reason, subject=only)
            if done is None:
                raise NotFound(f"{shown(subject)} is not in {environment}, so it can't be taken out of there.")
            return done

        return await self._storage.write(operation)

    async def roll_back(self, actor: Actor, stream: str, environment: str, *, reason: str = "") -> Promotion:
        """Promote again what was in the environment before, as it was then. No policy is asked: it was asked then."""
        limits.check_length(reason, "reason", limits.REASON_LENGTH)

        def operation(tx: Transaction) -> Promotion:
            promotions.hold(tx)
            found = _permitted_stream(tx, actor, stream)
            return self._gate.roll_back(tx, actor, found, environment, reason=reason)

        return await self._storage.write(operation)

    async def get(self, actor: Actor, seq: int) -> Promotion:
        def operation(tx: Transaction) -> Promotion:
            found = promotion_log.load(tx, [seq])
            if not found or not streams.may(actor, Permission.READ, found[0].stream):
                raise NotFound(f"There is no promotion {seq}.")
            return found[0]

        return await self._storage.look_up(operation)

    async def log(
        self,
        actor: Actor,
        *,
        stream: str = "",
        environment: str = "",
        after: int = 0,
        max_results: int = limits.PROMOTIONS_PER_PAGE_DEFAULT,
        wait_s: float = 0,
        again: Again | None = None,
    ) -> LogPage:
        """The entries after a number, in order; if there are none yet, those that come within ``wait_s`` seconds.

        Whoever goes on from the cursor sees every entry exactly once. ``again`` is asked after each wait who the actor
        is by now, and what it raises ends the waiting.
        """
        limits.check_max_results(max_results, limits.PROMOTIONS_PER_PAGE)
        wait_s = min(wait_s, limits.PROMOTIONS_WAIT_S)
        ends_ms = self._clock() + wait_s * 1000

        def operation(tx: Transaction, reader: Actor) -> LogPage:
            last = promotions.last_number(tx)
            found = promotion_log.log(tx, self._scope(tx, reader, stream, environment), after, max_results)
            # What was looked at and belongs to others need not be looked at again.
            cursor = found[-1].seq if len(found) == max_results else max(after, last)
            return LogPage(found, cursor)

        page = await self._storage.look_up(partial(operation, reader=actor))
        while not page.promotions and not self._watch.stopped and (left_ms := ends_ms - self._clock()) > 0:
            await self._watch.wait(page.cursor, left_ms / 1000)
            reader = await again() if again else actor
            page = await self._storage.look_up(partial(operation, reader=reader))
        return page

    async def newest(
        self,
        actor: Actor,
        *,
        stream: str = "",
        environment: str = "",
        before: int = limits.INT64_MAX,
        max_results: int = limits.PROMOTIONS_PER_PAGE_DEFAULT,
    ) -> list[Promotion]:
        """The last entries before a number, the newest first."""
        limits.check_max_results(max_results, limits.PROMOTIONS_PER_PAGE)
        return await self._storage.look_up(
            lambda tx: promotion_log.newest(tx, self._scope(tx, actor, stream, environment), before, max_results)
        )

    async def in_force(
        self,
        actor: Actor,
        *,
        stream: str = "",
        environment: str = "",
        at_ms: int | None = None,
        max_results: int = limits.PROMOTIONS_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Promotion]:
        """What was meant to be in the environments at a time, by default now; by stream and environment."""
        limits.check_max_results(max_results, limits.PROMOTIONS_PER_PAGE)
        at = limits.INT64_MAX if at_ms is None else limits.check_timestamp(at_ms, "at")
        offset = pages.decode(page_token)

        def operation(tx: Transaction) -> pages.Page[Promotion]:
            scope = self._scope(tx, actor, stream, environment)
            found = promotion_log.in_force(tx, scope, at, max_results + 1, offset)
            return pages.cut(found[:max_results], len(found) > max_results, offset)

        return await self._storage.read(operation)

    async def holders(self, actor: Actor, streams_of: Sequence[str]) -> dict[str, list[Promotion]]:
        """What holds the environments of some streams now; nothing is told of those that the actor may not read."""
        readable = [each for each in streams_of if streams.may(actor, Permission.READ, each)]
        most = len(readable) * len(self._gate.environments.names)

        def operation(tx: Transaction) -> dict[str, list[Promotion]]:
            found: dict[str, list[Promotion]] = {each: [] for each in readable}
            for entry in promotion_log.in_force(tx, Scope(readable), limits.INT64_MAX, most, 0) if readable else ():
                found[entry.stream].append(entry)
            return found

        return await self._storage.read(operation)

    async def pending(
        self,
        actor: Actor,
        *,
        stream: str = "",
        max_results: int = limits.PROMOTIONS_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[PendingPromotion]:
        """What waits, the oldest first, and for what."""
        limits.check_max_results(max_results, limits.PROMOTIONS_PER_PAGE)
        offset = pages.decode(page_token)

        def operation(tx: Transaction) -> pages.Page[PendingPromotion]:
            found = pending_promotions.page(tx, self._scope(tx, actor, stream, "").streams, max_results + 1, offset)
            told = [pending_promotions.describe(tx, each, self._gate.unmet(tx, each)) for each in found[:max_results]]
            return pages.cut(told, len(found) > max_results, offset)

        return await self._storage.read(operation)

    async def withdraw(self, actor: Actor, number: int) -> None:
        """Have a promotion wait no longer: its own asker may say so, and whoever may promote."""

        def operation(tx: Transaction) -> None:
            promotions.hold(tx)
            found = pending_promotions.find(tx, number)
            if found is None or not streams.may(actor, Permission.READ, found.stream):
                raise NotFound(f"There is no pending promotion {number}; it may have entered, or been withdrawn.")
            if found.actor != actor.name:
                streams.require(actor, Permission.PROMOTE, found.stream)
            pending_promotions.settle(tx, number, "withdrawn", None, self._clock())

        await self._storage.write(operation)

    def _scope(self, tx: Transaction, actor: Actor, stream: str, environment: str) -> Scope:
        if environment:
            self._gate.environments.check(environment)
        if stream:
            return Scope([subjects.resolve_stream(tx, stream, actor)], environment or None)
        readable = access.readable_streams(actor)
        return Scope(None if readable is None else sorted(readable), environment or None)

    async def _prepared(self, actor: Actor, subject: str, permission: Permission) -> Mapping[str, Tree]:
        """The trees of a run's files that lie outside our storage, taken in."""

        def operation(tx: Transaction) -> list[str]:
            found = _permitted(tx, actor, subject, permission)
            return run_trees.uris(tx, found.run) if found.run else []

        uris = await self._storage.look_up(operation)
        return {uri: await self._snapshots.prepare(uri) for uri in uris if paths.proxy_path(uri) is None}


def _permitted(tx: Transaction, actor: Actor, text: str, permission: Permission) -> Subject:
    subject = subjects.resolve(tx, text, actor)
    streams.require(actor, permission, subject.stream)
    return subject


def _permitted_stream(tx: Transaction, actor: Actor, text: str) -> str:
    stream = subjects.resolve_stream(tx, text, actor)
    streams.require(actor, Permission.PROMOTE, stream)
    return stream


def _names_stream(text: str) -> bool:
    """``models:/churn`` or ``experiments:/12``, and not ``models:/churn/7``."""
    scheme, _, rest = text.partition(":/")
    return (
        scheme == StreamKind.EXPERIMENT
        or "/" in scheme
        or (scheme == StreamKind.MODEL and "/" not in rest and "@" not in rest)
    )
