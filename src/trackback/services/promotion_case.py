"""A request to promote, what is found when it is looked at, and the entry that it may become."""

from collections.abc import Mapping
from typing import NamedTuple

from trackback.entities import Actor, PromotedSnapshot, Promotion, PromotionKind, PromotionOrigin, RunStatus
from trackback.services import run_trees
from trackback.services.judgement import Judgement, PolicySubject, judge
from trackback.services.run_trees import RunTrees
from trackback.services.snapshots import Tree
from trackback.services.subjects import Subject
from trackback.storage import Transaction
from trackback.storage.promotions import Entry, NewEntry


class Asked(NamedTuple):
    """A request to promote. With ``pending`` it waits for what is missing; otherwise it is refused.

    ``permitted``: whether the actor may promote this at all. Only a tag gets so far without. ``lapsed``: the actor
    might when asking, and may not any more.
    """

    actor: Actor
    subject: Subject
    environment: str
    origin: PromotionOrigin = PromotionOrigin.REQUEST
    reason: str = ""
    pending: bool = False
    override: bool = False
    allow_unverified: bool = False
    permitted: bool = True
    lapsed: bool = False


class Case(NamedTuple):
    """What is known of a request once its files have been looked at and the policy asked."""

    digest: str | None
    trees: RunTrees | None
    unverified: bool
    judgement: Judgement
    unmet: tuple[str, ...]


def examine(tx: Transaction, asked: Asked, prepared: Mapping[str, Tree], now_ms: int) -> Case:
    """Look at the files of what is to be promoted, and hold it to the policy. ``prepared``: as for ``run_trees``."""
    subject = asked.subject
    trees = run_trees.collect(tx, subject.run, prepared) if subject.run else None
    digest = trees.digest if trees else subject.digest
    faults = trees.faults if trees else _faults_of_version(subject)
    judgement = judge(tx, PolicySubject.of(subject, digest), asked.environment, now_ms)
    return Case(digest, trees, bool(faults), judgement, (*_unmet(asked, faults), *judgement.unmet))


def entry_of(asked: Asked, case: Case, held: Entry | None, snapshots: tuple[PromotedSnapshot, ...]) -> NewEntry:
    """The entry by which what was asked enters, in the place of ``held``."""
    subject = asked.subject
    return NewEntry(
        stream=subject.stream,
        environment=asked.environment,
        kind=PromotionKind.PROMOTED,
        model_version=subject.model_version,
        run=subject.run.id if subject.run else None,
        digest=case.digest,
        replaced=held.seq if held else None,
        actor=asked.actor.name,
        address=asked.actor.address,
        reason=asked.reason,
        origin=asked.origin,
        overridden=bool(case.unmet),
        unverified=case.unverified,
        basis={**case.judgement.basis, "overridden": list(case.unmet)} if case.unmet else case.judgement.basis,
        snapshots=snapshots,
    )


def entry_like(
    before: Promotion,
    entry: Entry,
    actor: Actor,
    kind: PromotionKind,
    origin: PromotionOrigin,
    reason: str,
    replaced: int | None,
) -> NewEntry:
    """An entry for what an earlier one was about."""
    return NewEntry(
        stream=entry.stream,
        environment=entry.environment,
        kind=kind,
        model_version=entry.model_version,
        run=entry.run,
        digest=before.digest,
        replaced=replaced,
        actor=actor.name,
        address=actor.address,
        reason=reason,
        origin=origin,
        overridden=False,
        unverified=before.unverified,
        basis={"of": before.seq},
        snapshots=before.snapshots,
    )


def _unmet(asked: Asked, faults: list[str]) -> list[str]:
    unmet = []
    if not asked.permitted:
        lapsed, never = "who asked, may not promote it any more", "asked without being allowed to"
        why = f"{asked.actor.name}, {lapsed}" if asked.lapsed else f"{asked.actor.name} {never}"
        ask = f"trackback promote {asked.subject.text} --to {asked.environment}"
        unmet.append(f"{why}. Somebody with the role promoter has to ask: {ask}")
    run = asked.subject.run
    if run and run.status != RunStatus.FINISHED:
        unmet.append(f"The run has the status {run.status}; it is promoted when it has FINISHED.")
    if faults and not asked.allow_unverified:
        unmet.append(f"Its files are unverified ({' '.join(faults)}); --allow-unverified promotes it all the same.")
    return unmet


def _faults_of_version(subject: Subject) -> list[str]:
    return [] if subject.digest else ["this server could not take them in when the version was registered."]
