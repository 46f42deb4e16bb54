"""The tag on a run as a way to promote it: rules say which key and value, in which experiment, lead where.

A tag never makes a client's request fail: what may not enter yet waits. So does a run that has not finished.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from trackback.entities import Actor, Permission, PromotionOrigin
from trackback.services import access, subjects
from trackback.services.promotion_case import Asked
from trackback.services.promotion_gate import PromotionGate
from trackback.services.promotion_rules import PromotionRule
from trackback.storage import Transaction, runs
from trackback.storage.runs import RunRecord


class PromotionTags:
    """The tags that ``gate`` has rules for; without a gate none."""

    def __init__(self, gate: PromotionGate | None = None) -> None:
        self._gate = gate
        self._rules = gate.environments.rules if gate else ()
        self._keys = frozenset(rule.key for rule in self._rules)

    def may_follow(self, keys: Iterable[str]) -> bool:
        """Whether tags of these keys may promote a run or demote it."""
        return not self._keys.isdisjoint(keys)

    @contextmanager
    def followed(self, tx: Transaction, actor: Actor, run: RunRecord, keys: Iterable[str]) -> Iterator[None]:
        """Within it those tags of a run change; then it is promoted or demoted as the rules say."""
        if not (watched := self._keys.intersection(keys)):
            yield
            return
        # Held, so that the run does not finish unseen; and what it was before may have been read before that.
        runs.hold(tx, run.id)
        run = runs.find_by_number(tx, run.id) or run
        before = _values(tx, run, watched)
        yield
        after = _values(tx, run, watched)
        for rule in self._rules:
            if rule.key in watched and rule.experiment in (None, run.experiment):
                was, now = before[rule.key] == rule.value, after[rule.key] == rule.value
                if now and not was:
                    self._promote(tx, actor, run, rule)
                elif was and not now:
                    self._demote(tx, actor, run, rule)

    def finished(self, tx: Transaction, run: RunRecord) -> None:
        """The run has finished, which may be what its promotion has waited for."""
        if self._gate:
            self._gate.retry_run(tx, run.id)

    def _promote(self, tx: Transaction, actor: Actor, run: RunRecord, rule: PromotionRule) -> None:
        asked = Asked(
            actor=actor,
            subject=subjects.of_run(tx, run),
            environment=rule.environment,
            origin=PromotionOrigin.TAG,
            pending=True,
            permitted=access.may(actor, Permission.PROMOTE, experiment=run.experiment),
        )
        assert self._gate
        self._gate.promote(tx, asked)

    def _demote(self, tx: Transaction, actor: Actor, run: RunRecord, rule: PromotionRule) -> None:
        assert self._gate
        self._gate.withdraw(tx, run.id, rule.environment)
        if access.may(actor, Permission.PROMOTE, experiment=run.experiment):
            subject = subjects.of_run(tx, run)
            origin = PromotionOrigin.TAG
            self._gate.demote(tx, actor, subject.stream, rule.environment, origin=origin, subject=subject)


def _values(tx: Transaction, run: RunRecord, keys: Iterable[str]) -> dict[str, str | None]:
    return {key: runs.find_tag(tx, run.id, key) for key in keys}


NO_PROMOTION_TAGS = PromotionTags()
