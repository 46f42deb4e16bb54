"""Aliases and stages as ways to promote: an alias with an environment's name, a stage that is an environment.

All others are marks that mean what people want them to.
"""

from trackback.entities import Actor, Permission, PromotionOrigin, Stage
from trackback.entities.streams import model_stream
from trackback.services import access, subjects
from trackback.services.promotion_case import Asked
from trackback.services.promotion_gate import PromotionGate
from trackback.services.promotion_rules import STAGES
from trackback.storage import Transaction, model_versions, promotions, registered_models
from trackback.storage.model_versions import ModelVersionRecord
from trackback.storage.subjects import find_version_by_id


class PromotionMarks:
    def __init__(self, gate: PromotionGate) -> None:
        self._gate = gate

    def hold(self, tx: Transaction) -> None:
        """Before a model or a version is held: what holds both takes the log first, so that no two wait in a ring."""
        promotions.hold(tx)

    def is_environment(self, alias: str) -> bool:
        return alias in self._gate.environments.names

    def set_alias(self, tx: Transaction, actor: Actor, version: ModelVersionRecord, alias: str) -> None:
        """Have ``alias`` name the version, and no other of its model, which is held.

        Raises InvalidState if that would promote it, and something is missing for that.
        """
        if self.is_environment(alias):
            self._promote(tx, actor, version, alias, PromotionOrigin.ALIAS)
        else:
            registered_models.set_alias(tx, version.model, alias, version.version)

    def delete_alias(self, tx: Transaction, actor: Actor, model: int, alias: str) -> None:
        """Have ``alias`` name none of the model's versions. The model is held."""
        if self.is_environment(alias):
            self._demote(tx, actor, model, alias, PromotionOrigin.ALIAS)
        registered_models.delete_alias(tx, model, alias)

    def set_stage(
        self,
        tx: Transaction,
        actor: Actor,
        version: ModelVersionRecord,
        stage: Stage,
        *,
        archive_existing: bool,
        now_ms: int,
    ) -> None:
        """Move the version, whose model is held, to a stage.

        It leaves the environments that come after the stage's own, all of them if it has none. What is in the stage's
        environment is archived in any case, the others in a stage that is no environment with ``archive_existing``.
        """
        environment = self._gate.environments.of_stage(stage)
        left = self._gate.environments.after(environment)
        for held in promotions.environments_of(tx, model_stream(version.model), version.id):
            if held in left and held in STAGES:
                self._demote(tx, actor, version.model, held, PromotionOrigin.STAGE)
        if environment is not None:
            self._promote(tx, actor, version, environment, PromotionOrigin.STAGE)
            return
        if archive_existing:
            model_versions.archive_others(tx, version, stage, now_ms)
        model_versions.set_stage(tx, version.id, stage, now_ms)

    def described(self, tx: Transaction, version: ModelVersionRecord) -> None:
        """The version has a description, which may be what its promotion waited for. The log is held."""
        self._gate.retry(tx, model_stream(version.model))

    def leave(self, tx: Transaction, actor: Actor, model: int, *, reason: str, version: int | None = None) -> None:
        """Take a model, or one version of it by the id of its row, out of all environments: it is about to go."""
        stream = model_stream(model)
        for environment in self._gate.environments.names:
            held = self._gate.holder(tx, stream, environment)
            if held is not None and version in (None, held.model_version):
                access.require(actor, Permission.PROMOTE, model=model)
                self._gate.demote(tx, actor, stream, environment, reason=reason)

    def _promote(
        self, tx: Transaction, actor: Actor, version: ModelVersionRecord, environment: str, origin: PromotionOrigin
    ) -> None:
        record = find_version_by_id(tx, version.id)
        assert record is not None
        access.require(actor, Permission.PROMOTE, model=version.model)
        subject = subjects.of_version(record)
        self._gate.promote(tx, Asked(actor=actor, subject=subject, environment=environment, origin=origin))

    def _demote(self, tx: Transaction, actor: Actor, model: int, environment: str, origin: PromotionOrigin) -> None:
        access.require(actor, Permission.PROMOTE, model=model)
        self._gate.demote(tx, actor, model_stream(model), environment, origin=origin)
