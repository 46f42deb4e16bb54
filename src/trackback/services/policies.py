"""Policies: what must be so before something enters an environment. ``judgement`` holds a version or a run to one."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from trackback import limits
from trackback.entities import Actor, Permission, Policy
from trackback.entities.policy_documents import PolicyDocument, canonical, read_policy
from trackback.entities.streams import ALL_MODELS, StreamKind
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import access, pages, streams, subjects
from trackback.services.clock import Clock, now_ms
from trackback.services.judgement import Judgement, PolicySubject, current_digest, judge
from trackback.services.promotion_rules import Environments
from trackback.storage import Storage, Transaction, audit, policies, promotions
from trackback.storage.policies import PolicyQuery

__all__ = ["Judgement", "Policies", "PolicySubject", "Retry", "judge", "retry_nothing"]

Retry = Callable[[Transaction, str | None], None]
"""Tries again what waits to be promoted, of one stream or (None) of all."""


def retry_nothing(tx: Transaction, stream: str | None) -> None:
    """Where nothing waits, as on a database that no server works on."""


class Policies:
    """``retry`` is called in the transaction of each change that could let something in."""

    def __init__(self, storage: Storage, environments: Environments, retry: Retry, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._environments = environments
        self._retry = retry
        self._clock = clock

    async def set(self, actor: Actor, stream: str, environment: str, document: Mapping[str, Any]) -> Policy:
        """The revision that is in force from now on; that which was, if it says the same.

        stream: a registered model, an experiment, or ``*`` for all registered models without a policy of their own.
        Raises InvalidParameter if the document says anything but what a policy can.
        """
        policy = read_policy(document)
        self._environments.check(environment)
        self._check_order(policy, environment)
        fields = canonical(policy)
        _check_size(fields)

        def operation(tx: Transaction) -> Policy:
            promotions.hold(tx)
            place = _changeable(tx, actor, stream)
            before = policies.last(tx, place, environment)
            if before is not None and not before.removed and before.document == fields:
                return before
            return self._revise(tx, actor, place, environment, before, fields)

        return await self._storage.write(operation)

    async def remove(self, actor: Actor, stream: str, environment: str) -> Policy:
        """The revision that says so. Raises NotFound if there is no policy."""
        self._environments.check(environment)

        def operation(tx: Transaction) -> Policy:
            promotions.hold(tx)
            place = _changeable(tx, actor, stream)
            before = policies.last(tx, place, environment)
            if before is None or before.removed:
                raise _none(stream, environment)
            return self._revise(tx, actor, place, environment, before, None)

        return await self._storage.write(operation)

    async def get(self, actor: Actor, stream: str, environment: str) -> Policy:
        """The policy in force for a stream: its own, else that for all models. Raises NotFound if there is none."""
        self._environments.check(environment)

        def operation(tx: Transaction) -> Policy:
            policy = policies.in_force(tx, _readable(tx, actor, stream), environment)
            if policy is None:
                raise _none(stream, environment)
            return policy

        return await self._storage.look_up(operation)

    async def search(
        self,
        actor: Actor,
        *,
        stream: str = "",
        environment: str = "",
        max_results: int = limits.POLICIES_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Policy]:
        """The policies in force, by stream and environment; empty is any."""
        limits.check_max_results(max_results, limits.POLICIES_PER_PAGE)
        limits.check_text(environment, "environment")
        offset = pages.decode(page_token)

        def operation(tx: Transaction) -> pages.Page[Policy]:
            place = _readable(tx, actor, stream) if stream else None
            readable = access.readable_streams(actor)
            found = policies.search(
                tx, PolicyQuery(place, environment or None, readable, limit=max_results + 1, offset=offset)
            )
            return pages.cut(found[:max_results], len(found) > max_results, offset)

        return await self._storage.read(operation)

    async def history(
        self,
        actor: Actor,
        stream: str,
        environment: str,
        *,
        max_results: int = limits.POLICIES_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Policy]:
        """All revisions of one policy, the newest first."""
        limits.check_max_results(max_results, limits.POLICIES_PER_PAGE)
        self._environments.check(environment)
        offset = pages.decode(page_token)

        def operation(tx: Transaction) -> pages.Page[Policy]:
            found = policies.revisions(tx, _readable(tx, actor, stream), environment, max_results + 1, offset)
            return pages.cut(found[:max_results], len(found) > max_results, offset)

        return await self._storage.read(operation)

    async def may_set(self, actor: Actor, stream: str) -> bool:
        """Whether the actor may set and remove the policies of a stream. Raises NotFound where there is none."""
        return await self._storage.look_up(
            lambda tx: streams.may(actor, Permission.ADMIN, _readable(tx, actor, stream))
        )

    async def judge(self, actor: Actor, subject: str, environment: str) -> Judgement:
        """What a version or a run still lacks, were it promoted now."""
        self._environments.check(environment)

        def operation(tx: Transaction) -> Judgement:
            found = subjects.resolve(tx, subject, actor)
            return judge(tx, PolicySubject.of(found, current_digest(tx, found)), environment, self._clock())

        return await self._storage.read(operation)

    def _revise(
        self,
        tx: Transaction,
        actor: Actor,
        stream: str,
        environment: str,
        before: Policy | None,
        document: Mapping[str, Any] | None,
    ) -> Policy:
        revision, now = (before.revision if before else 0) + 1, self._clock()
        policies.add(tx, stream, environment, revision, document, actor.name, now)
        action = "policy.remove" if document is None else "policy.set"
        named = f"{StreamKind.MODEL}/*" if stream == ALL_MODELS else stream
        audit.record(tx, actor, action, named, {"environment": environment, "revision": revision}, time_ms=now)
        self._retry(tx, None if stream == ALL_MODELS else stream)
        revised = policies.last(tx, stream, environment)
        assert revised is not None
        return revised

    def _check_order(self, policy: PolicyDocument, environment: str) -> None:
        if policy.after is None:
            return
        self._environments.check(policy.after)
        names = self._environments.names
        if names.index(policy.after) >= names.index(environment):
            raise InvalidParameter(
                f"The policy is not valid: nothing can be in {environment} only after {shown(policy.after)}, as this "
                f"server's order is {', '.join(names)}. Name one that comes before."
            )


def _changeable(tx: Transaction, actor: Actor, stream: str) -> str:
    """The stream whose policy the actor may change."""
    place = _readable(tx, actor, stream)
    streams.require(actor, Permission.ADMIN, place)
    return place


def _readable(tx: Transaction, actor: Actor, stream: str) -> str:
    return ALL_MODELS if stream == ALL_MODELS else subjects.resolve_stream(tx, stream, actor)


def _none(stream: str, environment: str) -> NotFound:
    return NotFound(f"There is no policy for {environment} of {shown(stream)}. `trackback policy list` shows all.")


def _check_size(document: Mapping[str, Any]) -> None:
    if len(json.dumps(document)) > limits.POLICY_LENGTH:
        raise InvalidParameter(f"The policy is not valid: it has more than {limits.POLICY_LENGTH} characters as JSON.")
