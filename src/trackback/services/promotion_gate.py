"""The one way into the promotion log: every request to promote, demote or roll back ends here, in a transaction.

What is asked is checked against the policy in the transaction that writes the entry, and the entry moves the alias and
the stage that MLflow's clients know the environment by.
"""

from collections.abc import Mapping

from trackback.entities import (
    Actor,
    LifecycleStage,
    PendingPromotion,
    Permission,
    Promotion,
    PromotionKind,
    PromotionOrigin,
    Stage,
)
from trackback.entities.streams import parse_stream
from trackback.errors import InvalidState, NotAdmitted, NotFound
from trackback.services import events, registry_events, run_trees, subjects
from trackback.services.clock import Clock, now_ms
from trackback.services.judgement import current_digest
from trackback.services.promotion_case import Asked, Case, entry_like, entry_of, examine
from trackback.services.promotion_rules import Environments
from trackback.services.snapshots import Tree
from trackback.services.standing import standing_of
from trackback.services.subjects import Subject
from trackback.storage import (
    Transaction,
    audit,
    model_versions,
    pending_promotions,
    promotion_log,
    promotions,
    registered_models,
    runs,
)
from trackback.storage.pending_promotions import Waiting
from trackback.storage.promotions import Entry, NewEntry
from trackback.storage.subjects import find_version_by_id

_ACTIONS = {
    PromotionKind.PROMOTED: "promotion.promote",
    PromotionKind.DEMOTED: "promotion.demote",
    PromotionKind.ROLLED_BACK: "promotion.roll_back",
}
_NOTHING_PREPARED: Mapping[str, Tree] = {}


class PromotionGate:
    """``accounts``: whether people have roles, without which what waits does not enter on their behalf."""

    def __init__(self, environments: Environments, clock: Clock = now_ms, *, accounts: bool = False) -> None:
        self.environments = environments
        self._clock = clock
        self._accounts = accounts

    def promote(
        self, tx: Transaction, asked: Asked, prepared: Mapping[str, Tree] = _NOTHING_PREPARED
    ) -> Promotion | PendingPromotion:
        """Write the entry, unless the subject holds the environment already, whose entry it then returns.

        ``prepared``: the trees of a run's files that lie outside our storage, by URI. Raises InvalidState, with all
        that is missing, if the subject may not enter and is not to wait.
        """
        self.environments.check(asked.environment)
        promotions.hold(tx)
        if asked.subject.run and asked.subject.run.lifecycle != LifecycleStage.ACTIVE:
            raise InvalidState(f"{asked.subject.text} is deleted. Restore it first.")
        held = self.holder(tx, asked.subject.stream, asked.environment)
        case = examine(tx, asked, prepared, self._clock())
        if held and _is(held, asked.subject):
            found = promotion_log.load(tx, [held.seq])[0]
            if asked.origin is PromotionOrigin.TAG or found.digest == case.digest:
                return found
        if case.unmet and not asked.override:
            return self._wait(tx, asked, case)
        return self._enter(tx, asked, case, held)

    def demote(
        self,
        tx: Transaction,
        actor: Actor,
        stream: str,
        environment: str,
        *,
        origin: PromotionOrigin = PromotionOrigin.REQUEST,
        reason: str = "",
        subject: Subject | None = None,
    ) -> Promotion | None:
        """Have nothing hold the environment any more, or only not ``subject``; None if so it is already."""
        self.environments.check(environment)
        promotions.hold(tx)
        held = self.holder(tx, stream, environment)
        if held is None or (subject is not None and not _is(held, subject)):
            return None
        before = promotion_log.load(tx, [held.seq])[0]
        entry = entry_like(before, held, actor, PromotionKind.DEMOTED, origin, reason, replaced=held.seq)
        return self._write(tx, entry, held)

    def roll_back(self, tx: Transaction, actor: Actor, stream: str, environment: str, *, reason: str) -> Promotion:
        """Promote again what held the environment before, exactly as it was then; no policy is asked.

        What has been deleted since is passed over, and the entry's basis says so. Raises NotFound if nothing was there
        before, InvalidState if all that was has been deleted.
        """
        self.environments.check(environment)
        promotions.hold(tx)
        last = promotions.last(tx, stream, environment)
        held = self.holder(tx, stream, environment)
        holders = promotions.holders_before(tx, held) if held else promotions.holders_until(tx, last) if last else []
        if not holders:
            named = subjects.shown_stream(tx, stream)
            raise NotFound(f"Nothing was in {environment} of {named} before, so there is nothing to roll back to.")
        target = next((each for each in holders if _is_there(tx, each)), None)
        if target is None:
            raise InvalidState(
                f"What was in {environment} before, by promotion {holders[0].seq}, has been deleted since, and so has "
                "all that was there earlier. Promote another version."
            )
        before = promotion_log.load(tx, [target.seq])[0]
        kind, origin = PromotionKind.ROLLED_BACK, PromotionOrigin.REQUEST
        entry = entry_like(before, target, actor, kind, origin, reason, replaced=held.seq if held else None)
        if passed_over := [each.seq for each in holders if each.seq > target.seq]:
            entry = entry._replace(basis={**entry.basis, "passed_over": passed_over})
        return self._write(tx, entry, held)

    def retry(self, tx: Transaction, stream: str | None = None) -> None:
        """Try again what waits to be promoted, of one stream or of all."""
        promotions.hold(tx)
        for waiting in pending_promotions.waiting(tx, None if stream is None else [stream]):
            self._retry(tx, waiting)

    def retry_digest(self, tx: Transaction, digest: str, stream: str | None) -> None:
        """Try again what waits and is the files of this digest, of one stream or of all."""
        promotions.hold(tx)
        for waiting in pending_promotions.of_digest(tx, digest, stream):
            subject = _subject(tx, waiting)
            if subject and current_digest(tx, subject) == digest:
                self._retry(tx, waiting)

    def retry_run(self, tx: Transaction, run: int) -> None:
        """Try again what waits for this run, whose row is held: nothing begins to wait meanwhile."""
        for waiting in pending_promotions.of_run(tx, run):
            self._retry(tx, waiting)

    def withdraw(self, tx: Transaction, run: int, environment: str) -> None:
        """Have a run wait no longer."""
        promotions.hold(tx)
        for waiting in pending_promotions.of_run(tx, run):
            if waiting.environment == environment:
                pending_promotions.settle(tx, waiting.id, "withdrawn", None, self._clock())

    def unmet(self, tx: Transaction, waiting: Waiting) -> tuple[str, ...]:
        """What a promotion that waits still lacks."""
        if waiting.environment not in self.environments.names:
            return (f"This server has no environment {waiting.environment}.",)
        asked = self._asked_again(tx, waiting)
        if asked is None:
            return ("What was to be promoted has been deleted.",)
        return examine(tx, asked, _NOTHING_PREPARED, self._clock()).unmet

    def holder(self, tx: Transaction, stream: str, environment: str) -> Entry | None:
        """The entry by which an environment is held."""
        last = promotions.last(tx, stream, environment)
        return None if last is None or last.kind == PromotionKind.DEMOTED else last

    def _wait(self, tx: Transaction, asked: Asked, case: Case) -> PendingPromotion:
        if not asked.pending:
            missing = "; ".join(f"({number}) {each}" for number, each in enumerate(case.unmet, 1))
            said = f"{asked.subject.text} can't enter {asked.environment} yet. Missing: {missing}"
            raise NotAdmitted(said, case.unmet)
        subject = asked.subject
        for waiting in pending_promotions.waiting(tx, [subject.stream], asked.environment):
            if (waiting.model_version, waiting.run) == (subject.model_version, subject.run and subject.run.id):
                if not self._says_more(tx, asked, waiting):
                    return pending_promotions.describe(tx, waiting, case.unmet)
                pending_promotions.settle(tx, waiting.id, "superseded", None, self._clock())
        number = pending_promotions.add(
            tx,
            entry_of(asked, case, None, ()),
            permitted=asked.permitted,
            allow_unverified=asked.allow_unverified,
            now_ms=self._clock(),
        )
        added = pending_promotions.find(tx, number)
        assert added is not None
        return pending_promotions.describe(tx, added, case.unmet)

    def _enter(self, tx: Transaction, asked: Asked, case: Case, held: Entry | None) -> Promotion:
        snapshots = run_trees.freeze(tx, case.trees, self._clock()) if case.trees else ()
        return self._write(tx, entry_of(asked, case, held, snapshots), held)

    def _write(self, tx: Transaction, entry: NewEntry, held: Entry | None) -> Promotion:
        now = self._clock()
        seq = promotions.add(tx, entry, now)
        self._note(tx, entry, seq, now)
        self._move(tx, entry, now)
        if held and held.model_version is not None and held.model_version != entry.model_version:
            self._restage(tx, entry.stream, held.model_version, now)
        if entry.kind is not PromotionKind.DEMOTED:
            for waiting in pending_promotions.waiting(tx, [entry.stream], entry.environment):
                if (waiting.model_version, waiting.run) == (entry.model_version, entry.run):
                    pending_promotions.settle(tx, waiting.id, "promoted", seq, now)
        promotion = promotion_log.load(tx, [seq])[0]
        events.promoted(tx, promotion, now)
        if entry.kind is not PromotionKind.DEMOTED:
            self.retry(tx, entry.stream)  # what may enter only after it has been here
        return promotion

    def _note(self, tx: Transaction, entry: NewEntry, seq: int, now: int) -> None:
        details = {"promotion": seq, "environment": entry.environment, "origin": entry.origin, "reason": entry.reason}
        action = "promotion.override" if entry.overridden else _ACTIONS[entry.kind]
        audit.record(tx, Actor(entry.actor, entry.address), action, entry.stream, details, time_ms=now)

    def _move(self, tx: Transaction, entry: NewEntry, now: int) -> None:
        """The alias with the environment's name, and the stage, follow the entry."""
        if entry.model_version is None:
            return
        version = find_version_by_id(tx, entry.model_version)
        if entry.kind is PromotionKind.DEMOTED:
            self._remove_alias(tx, entry, now)
        elif version is not None:
            registered_models.set_alias(tx, version.model, entry.environment, version.version)
            if entry.origin is not PromotionOrigin.ALIAS:  # whoever asks for an alias tells of it
                registry_events.alias_created(tx, version.model, version.name, entry.environment, version.version, now)
        self._restage(tx, entry.stream, entry.model_version, now)

    def _remove_alias(self, tx: Transaction, entry: NewEntry, now: int) -> None:
        model = registered_models.find_by_id(tx, parse_stream(entry.stream).number)
        removed = model and registered_models.delete_alias(tx, model.id, entry.environment)
        if model and removed and entry.origin is not PromotionOrigin.ALIAS:
            registry_events.alias_deleted(tx, model.id, model.name, entry.environment, now)

    def _restage(self, tx: Transaction, stream: str, model_version: int, now: int) -> None:
        stage = self.environments.stage_of(promotions.environments_of(tx, stream, model_version))
        record = model_versions.find_by_id(tx, model_version)
        if record is None:
            return
        before = record.stage
        if stage is None and before in (Stage.STAGING, Stage.PRODUCTION):
            stage = Stage.ARCHIVED
        if stage is not None and stage != before:
            model_versions.set_stage(tx, model_version, stage, now)

    def _retry(self, tx: Transaction, waiting: Waiting) -> None:
        promotions.hold(tx)
        if waiting.environment not in self.environments.names or pending_promotions.find(tx, waiting.id) is None:
            return
        asked = self._asked_again(tx, waiting)
        if asked is None:
            pending_promotions.settle(tx, waiting.id, "withdrawn", None, self._clock())
            return
        done = self.promote(tx, asked)
        if isinstance(done, Promotion):  # by an entry that was there already, it may be waiting still
            pending_promotions.settle(tx, waiting.id, "promoted", done.seq, self._clock())

    def _asked_again(self, tx: Transaction, waiting: Waiting) -> Asked | None:
        subject = _subject(tx, waiting)
        permitted = self._is_permitted(tx, waiting)
        return subject and Asked(
            actor=Actor(waiting.actor, waiting.address),
            subject=subject,
            environment=waiting.environment,
            origin=PromotionOrigin(waiting.origin),
            reason=waiting.reason,
            pending=True,
            allow_unverified=waiting.allow_unverified,
            permitted=permitted,
            lapsed=waiting.permitted and not permitted,
        )

    def _is_permitted(self, tx: Transaction, waiting: Waiting) -> bool:
        """Whether its asker could promote it when asking, and still may."""
        if not (self._accounts and waiting.permitted):
            return waiting.permitted
        standing = standing_of(tx, waiting.actor, waiting.stream)
        return standing is not None and standing.may(Permission.PROMOTE)

    def _says_more(self, tx: Transaction, asked: Asked, waiting: Waiting) -> bool:
        """Whether a request would let in what one that waits would not."""
        permitted = self._is_permitted(tx, waiting)
        return (asked.permitted, asked.allow_unverified) > (permitted, waiting.allow_unverified)


def _is(entry: Entry, subject: Subject) -> bool:
    return (entry.model_version, entry.run) == (subject.model_version, subject.run.id if subject.run else None)


def _is_there(tx: Transaction, entry: Entry) -> bool:
    """Whether the subject of an entry has not been deleted since."""
    if entry.model_version is not None:
        return find_version_by_id(tx, entry.model_version) is not None
    run = runs.find_by_number(tx, entry.run) if entry.run is not None else None
    return run is not None and run.lifecycle == LifecycleStage.ACTIVE


def _subject(tx: Transaction, waiting: Waiting) -> Subject | None:
    if waiting.model_version is not None:
        version = find_version_by_id(tx, waiting.model_version)
        return subjects.of_version(version) if version else None
    assert waiting.run is not None
    run = runs.find_by_number(tx, waiting.run)
    return subjects.of_run(tx, run) if run and run.lifecycle == LifecycleStage.ACTIVE else None
