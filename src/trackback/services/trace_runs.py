"""A run as a trace tells it: what went into it, and, as far back as that goes, its parents and the models it used."""

import msgspec

from trackback.entities import Actor, TracedModel, TracedRun
from trackback.services import access
from trackback.services.provenance import of_run
from trackback.storage import Transaction, experiments, inputs, logged_models, provenance, runs
from trackback.storage.runs import RunRecord

RUNS_TOLD = 50


class RunTeller:
    """Tells each run once, and no more than ``RUNS_TOLD``; of others, nothing but that there is more."""

    def __init__(self, tx: Transaction, actor: Actor) -> None:
        self._tx = tx
        self._actor = actor
        self._told: set[str] = set()

    def tell(self, run_id: str, model_version: int | None = None) -> TracedRun | None:
        """The run, if it is here, the actor may read it, and it was not told yet."""
        record = runs.find(self._tx, run_id)
        if record is None or run_id in self._told or not access.may_read(self._actor, experiment=record.experiment):
            return None
        self._told.add(run_id)
        told = self._alone(record, model_version)
        if len(self._told) >= RUNS_TOLD:
            return msgspec.structs.replace(told, truncated=True)
        parents, models = self._parents(record), self._models(record)
        return msgspec.structs.replace(told, parents=tuple(parents), source_models=tuple(models))

    def _alone(self, record: RunRecord, model_version: int | None) -> TracedRun:
        (run,) = runs.load(self._tx, [record])
        experiment = experiments.find(self._tx, record.experiment)
        return TracedRun(
            run_id=record.uuid,
            run_name=record.name,
            experiment_id=str(record.experiment),
            experiment_name=experiment.name if experiment else "",
            user_id=record.user_id,
            status=run.info.status,
            started=record.start_ms,
            ended=record.end_ms,
            params=tuple(sorted(run.data.params, key=lambda param: param.key)),
            metrics=tuple(sorted(run.data.metrics, key=lambda metric: metric.key)),
            provenance=of_run(self._tx, self._actor, record, model_version),
        )

    def _parents(self, record: RunRecord) -> list[TracedRun]:
        found = []
        for source in provenance.sources(self._tx, record.id):
            run_id: str | None = source.value if source.kind == provenance.RUN else None
            if source.kind == provenance.VERSION:
                run_id = provenance.run_of_version(self._tx, int(source.value))
            if run_id and (told := self.tell(run_id)):
                found.append(told)
        return found

    def _models(self, record: RunRecord) -> list[TracedModel]:
        used = inputs.of_runs(self._tx, [record.id]).get(record.id)
        ids = {each.model_id for each in used.model_inputs} if used else set()
        ids |= {each.value for each in provenance.sources(self._tx, record.id) if each.kind == provenance.MODEL}
        found = []
        for model_id in sorted(ids):
            model = logged_models.find(self._tx, model_id)
            if model is None or not access.may_read(self._actor, experiment=model.experiment):
                found.append(TracedModel(model_id))
                continue
            source = self.tell(model.source_run) if model.source_run else None
            found.append(TracedModel(model_id, model.name, model.source_run, source))
        return found
