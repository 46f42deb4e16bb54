"""How a version or a run stands before each environment: what holds it, what the policy says, and what is missing."""

from typing import NamedTuple

from trackback.entities import Actor, Approval, PendingPromotion, Policy, Promotion
from trackback.entities.policy_documents import kept_policy, requirements
from trackback.services import subjects
from trackback.services.clock import Clock, now_ms
from trackback.services.judgement import authors_of
from trackback.services.promotion_case import Asked, examine
from trackback.services.promotion_gate import PromotionGate
from trackback.services.subjects import Subject
from trackback.storage import Storage, Transaction, approvals, pending_promotions, policies, promotion_log, promotions


class Prospect(NamedTuple):
    """``unmet``: what it would be refused for, were it promoted there now, a sentence each; nothing if it may enter.

    ``holder`` is the entry by which the environment is held, ``holds`` whether that is of the subject itself; and
    ``before`` whether something was there before the holder, so that it can be rolled back. ``requirements`` are the
    policy's points, met or not. ``waiting`` is the subject's own promotion that waits.
    """

    environment: str
    holder: Promotion | None
    holds: bool
    before: bool
    policy: Policy | None
    requirements: tuple[str, ...]
    unmet: tuple[str, ...]
    approvals: tuple[Approval, ...]
    waiting: PendingPromotion | None


class Outlook(NamedTuple):
    """A subject's prospects, in the order of the environments. ``authors`` can't approve of it."""

    stream: str
    authors: tuple[str, ...]
    prospects: tuple[Prospect, ...]


class Prospects:
    def __init__(self, storage: Storage, gate: PromotionGate, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._gate = gate
        self._clock = clock

    @property
    def environments(self) -> tuple[str, ...]:
        """Their names, in the order that models go through them."""
        return self._gate.environments.names

    async def find(self, actor: Actor, subject: str) -> Outlook:
        """Raises NotFound or InvalidParameter for what is no version or run that the actor may read."""

        def operation(tx: Transaction) -> Outlook:
            found = subjects.resolve(tx, subject, actor)
            told = tuple(self._prospect(tx, actor, found, environment) for environment in self.environments)
            return Outlook(found.stream, authors_of(tx, found.author, found.run_id), told)

        return await self._storage.read(operation)

    def _prospect(self, tx: Transaction, actor: Actor, subject: Subject, environment: str) -> Prospect:
        held = self._gate.holder(tx, subject.stream, environment)
        policy = policies.in_force(tx, subject.stream, environment)
        case = examine(tx, Asked(actor, subject, environment), {}, self._clock())
        given = approvals.of_place(tx, case.digest, subject.stream, environment) if case.digest else []
        own = (subject.model_version, subject.run.id if subject.run else None)
        return Prospect(
            environment=environment,
            holder=promotion_log.load(tx, [held.seq])[0] if held else None,
            holds=held is not None and (held.model_version, held.run) == own,
            before=held is not None and promotions.was_held_before(tx, held),
            policy=policy,
            requirements=tuple(requirements(kept_policy(policy.document))) if policy else (),
            unmet=case.unmet,
            approvals=tuple(given),
            waiting=self._waiting(tx, subject, environment, own),
        )

    def _waiting(
        self, tx: Transaction, subject: Subject, environment: str, own: tuple[int | None, int | None]
    ) -> PendingPromotion | None:
        for each in pending_promotions.waiting(tx, [subject.stream], environment):
            if (each.model_version, each.run) == own:
                return pending_promotions.describe(tx, each, self._gate.unmet(tx, each))
        return None
