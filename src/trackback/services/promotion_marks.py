"""Aliases and stages as ways to promote: an alias with an environment's name, a stage that is an environment.

All others are marks that mean what people want them to.
"""

from trackback.entities import Actor, Permission, PromotionOrigin, Stage
from trackback.services import access, subjects
from trackback.services.clock import Clock, now_ms
from trackback.services.promotion_gate import Asked, PromotionGate
from trackback.services.promotion_rules import STAGES
from trackback.services.subjects import Subject
from trackback.storage import Transaction, model_versions, promotions, registered_models
from trackback.storage.subjects import find_version_by_id


class PromotionMarks:
    def __init__(self, gate: PromotionGate, clock: Clock = now_ms) -> None:
        self._gate = gate
        self._clock = clock

    def set_alias(self, tx: Transaction, actor: Actor, model_version: int, alias: str) -> None:
        """Have an alias name a version. Raises InvalidState if that would promote it, and a policy says no."""
        subject = _version(tx, model_version)
        if alias in self._gate.environments.names:
            self._promote(tx, actor, subject, alias, PromotionOrigin.ALIAS)
        else:
            assert subject.model is not None
            assert subject.version is not None
            registered_models.set_alias(tx, subject.model, alias, subject.version)

    def delete_alias(self, tx: Transaction, actor: Actor, model: int, alias: str) -> None:
        """Have an alias name nothing; it need not have."""
        if alias in self._gate.environments.names:
            self._demote(tx, actor, model, alias, PromotionOrigin.ALIAS)
        registered_models.delete_alias(tx, model, alias)

    def set_stage(self, tx: Transaction, actor: Actor, model_version: int, stage: Stage) -> None:
        """Move a version to a stage: out of the environments that come after it, and of all for none or Archived."""
        subject = _version(tx, model_version)
        assert subject.model is not None
        environment = self._gate.environments.of_stage(stage)
        left = self._gate.environments.after(environment)
        for held in promotions.environments_of(tx, subject.stream, model_version):
            if held in left and held in STAGES:
                self._demote(tx, actor, subject.model, held, PromotionOrigin.STAGE)
        if environment is None:
            model_versions.set_stage(tx, model_version, stage, self._clock())
        else:
            self._promote(tx, actor, subject, environment, PromotionOrigin.STAGE)

    def leave(self, tx: Transaction, actor: Actor, model_version: int, *, reason: str) -> None:
        """Take a version that is about to be deleted out of all environments."""
        subject = _version(tx, model_version)
        for environment in promotions.environments_of(tx, subject.stream, model_version):
            access.require(actor, Permission.PROMOTE, model=subject.model)
            self._gate.demote(tx, actor, subject.stream, environment, reason=reason)

    def _promote(
        self, tx: Transaction, actor: Actor, subject: Subject, environment: str, origin: PromotionOrigin
    ) -> None:
        access.require(actor, Permission.PROMOTE, model=subject.model)
        self._gate.promote(tx, Asked(actor=actor, subject=subject, environment=environment, origin=origin))

    def _demote(self, tx: Transaction, actor: Actor, model: int, environment: str, origin: PromotionOrigin) -> None:
        access.require(actor, Permission.PROMOTE, model=model)
        self._gate.demote(tx, actor, subjects.model_stream(model), environment, origin=origin)


def _version(tx: Transaction, model_version: int) -> Subject:
    record = find_version_by_id(tx, model_version)
    assert record is not None
    return subjects.of_version(record)
