"""Approvals: a person's consent that the files of a version, or of a run, enter an environment."""

from trackback import limits
from trackback.entities import Actor, Approval, Permission
from trackback.errors import InvalidState, NotFound, PermissionDenied
from trackback.services import streams, subjects
from trackback.services.clock import Clock, now_ms
from trackback.services.judgement import authors_of, current_digest
from trackback.services.policies import Retry
from trackback.services.promotion_rules import Environments
from trackback.services.subjects import Subject
from trackback.services.verdicts import unverified
from trackback.storage import Storage, Transaction, accounts, approvals, audit, promotions


class Approvals:
    """``retry``: see ``Policies``."""

    def __init__(self, storage: Storage, environments: Environments, retry: Retry, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._environments = environments
        self._retry = retry
        self._clock = clock

    async def approve(self, actor: Actor, subject: str, environment: str, *, reason: str = "") -> Approval:
        """Approve of what a version or a run is now; what the actor said first stays, if it was said before.

        Raises PermissionDenied to its authors and to services; InvalidState without accounts, or if it has no digest.
        """
        self._environments.check(environment)
        limits.check_length(reason, "reason", limits.REASON_LENGTH)
        _check_person(actor)

        def operation(tx: Transaction) -> Approval:
            promotions.hold(tx)
            found, digest = _approvable(tx, actor, subject)
            if actor.name in authors_of(tx, found.author, found.run_id):
                raise PermissionDenied(
                    f"{actor.name} made {found.text}, and authors don't approve of their own. Ask another who may."
                )
            user = accounts.find_user(tx, actor.name)
            if user is not None and user.service:
                raise PermissionDenied(f"{actor.name} is a service, and approvals are people's. Ask somebody who may.")
            approval = Approval(digest, found.stream, environment, actor.name, self._clock(), reason or None)
            if not approvals.add(tx, approval):
                before = approvals.find(tx, digest, found.stream, environment, actor.name)
                assert before is not None
                return before
            self._note(tx, actor, "approval.give", approval)
            self._retry(tx, found.stream)
            return approval

        return await self._storage.write(operation)

    async def withdraw(self, actor: Actor, subject: str, environment: str) -> None:
        """Take one's own approval back; what was promoted because of it stays. Raises NotFound if there is none."""
        self._environments.check(environment)
        _check_person(actor)

        def operation(tx: Transaction) -> None:
            promotions.hold(tx)
            found, digest = _approvable(tx, actor, subject)
            before = approvals.find(tx, digest, found.stream, environment, actor.name)
            if before is None:
                raise NotFound(
                    f"{actor.name} has not approved {found.text} for {environment}, so there is nothing to withdraw."
                )
            approvals.delete(tx, digest, found.stream, environment, actor.name)
            self._note(tx, actor, "approval.withdraw", before)

        await self._storage.write(operation)

    async def search(self, actor: Actor, subject: str, environment: str = "") -> list[Approval]:
        """The approvals of what a version or a run is now; an empty environment is any."""
        if environment:
            self._environments.check(environment)

        def operation(tx: Transaction) -> list[Approval]:
            found = subjects.resolve(tx, subject, actor)
            digest = current_digest(tx, found)
            return approvals.of_place(tx, digest, found.stream, environment or None) if digest else []

        return await self._storage.read(operation)

    def _note(self, tx: Transaction, actor: Actor, action: str, approval: Approval) -> None:
        details = {"environment": approval.environment, "digest": approval.digest}
        if approval.reason:
            details["reason"] = approval.reason
        audit.record(tx, actor, action, approval.stream, details, time_ms=self._clock())


def _approvable(tx: Transaction, actor: Actor, subject: str) -> tuple[Subject, str]:
    """What the actor may approve of, and its digest."""
    found = subjects.resolve(tx, subject, actor)
    streams.require(actor, Permission.APPROVE, found.stream)
    digest = current_digest(tx, found)
    if digest is None:
        raise unverified(subject, "approval")
    return found, digest


def _check_person(actor: Actor) -> None:
    if not actor.user:
        raise InvalidState(
            "Approvals need accounts: without them nobody knows who approves. Start the server with --auth, and sign "
            "in."
        )
