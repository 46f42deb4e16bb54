"""What goes into runs and comes out of them: data sets, and logged models."""

from collections.abc import Mapping, Sequence

from trackback import limits
from trackback.entities import Actor, Dataset, DatasetInput, DatasetSummary, ModelInput, ModelOutput, Tag
from trackback.errors import BadRequest, InvalidParameter
from trackback.services import access
from trackback.services.runs import writable_run
from trackback.storage import Storage, Transaction, inputs, provenance
from trackback.storage.inputs import DatasetKey


class Inputs:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def log_inputs(
        self,
        actor: Actor,
        run_id: str,
        datasets: Sequence[DatasetInput] = (),
        models: Sequence[ModelInput] = (),
    ) -> None:
        """Make data sets and models inputs of a run, all or nothing; what is an input already stays as it is.

        In one experiment a name and a digest are one data set, as it was first logged. Models need not be known here.
        Raises NotFound for an unknown run, InvalidParameter for a deleted one or bad values.
        """
        limits.check_run_id(run_id)
        limits.check_count(len(datasets), "datasets", limits.DATASETS_PER_REQUEST)
        limits.check_count(len(models), "models", limits.MODELS_PER_REQUEST)
        tags: dict[DatasetKey, Mapping[str, str]] = {}
        for i, each in enumerate(datasets):
            _check_dataset(each.dataset, f"datasets[{i}].dataset")
            key = DatasetKey(each.dataset.name, each.dataset.digest)
            tags.setdefault(key, _checked_tags(each.tags, f"datasets[{i}].tags"))
        model_ids = [_checked_model_id(model.model_id, i) for i, model in enumerate(models)]

        def operation(tx: Transaction) -> None:
            run = writable_run(tx, actor, run_id)
            if tags:
                numbers = inputs.add_datasets(tx, run.experiment, [each.dataset for each in datasets])
                inputs.add_dataset_inputs(tx, run.id, {numbers[key]: tags[key] for key in tags})
            if model_ids:
                inputs.add_model_inputs(tx, run.id, model_ids)
            provenance.reindex_versions_of(tx, run.id)

        await self._storage.write(operation)

    async def log_outputs(self, actor: Actor, run_id: str, models: Sequence[ModelOutput]) -> None:
        """Make models outputs of a run, all or nothing. The same again, step too, is nothing new; MLflow refuses it.

        Raises NotFound for an unknown run, InvalidParameter for a deleted one or bad values, BadRequest for a model
        that is an output of the run at another step.
        """
        limits.check_run_id(run_id)
        limits.check_count(len(models), "models", limits.MODELS_PER_REQUEST)
        steps: dict[str, int] = {}
        for i, model in enumerate(models):
            limits.check_int64(model.step, f"models[{i}].step")
            _check_step(model, steps.setdefault(_checked_model_id(model.model_id, i), model.step))

        def operation(tx: Transaction) -> None:
            run = writable_run(tx, actor, run_id)
            if not steps:
                return
            kept = inputs.add_model_outputs(tx, run.id, steps)
            for model in models:
                _check_step(model, kept[model.model_id])

        await self._storage.write(operation)

    async def search_datasets(self, actor: Actor, experiment_ids: Sequence[str]) -> list[DatasetSummary]:
        """The data sets that went into the runs of 1 to 20 experiments: the first 1000, once for each context."""
        if not experiment_ids:
            raise InvalidParameter("SearchDatasets request must specify at least one experiment_id.")
        if len(experiment_ids) > limits.DATASET_SEARCH_EXPERIMENTS:
            raise InvalidParameter(
                f"SearchDatasets request cannot specify more than {limits.DATASET_SEARCH_EXPERIMENTS} experiment_ids. "
                f"Received {len(experiment_ids)} experiment_ids."
            )
        asked = [limits.check_experiment_id(each, "experiment_ids") for each in experiment_ids]
        experiments = access.among_readable(actor, asked)
        return await self._storage.read(lambda tx: inputs.summaries(tx, experiments, limits.DATASET_SUMMARIES))


def _check_dataset(dataset: Dataset, what: str) -> None:
    for name, value in (("name", dataset.name), ("digest", dataset.digest)):
        if not value:
            raise InvalidParameter(f"Missing value for required parameter '{what}.{name}'. It tells data sets apart.")
    limits.check_length(dataset.name, f"{what}.name", limits.DATASET_NAME_LENGTH)
    limits.check_length(dataset.digest, f"{what}.digest", limits.DATASET_DIGEST_LENGTH)
    limits.check_length(dataset.source_type, f"{what}.source_type", limits.DATASET_NAME_LENGTH)
    limits.check_length(dataset.source, f"{what}.source", limits.DATASET_SOURCE_LENGTH)
    limits.check_length(dataset.schema or "", f"{what}.schema", limits.DATASET_SCHEMA_LENGTH)
    limits.check_length(dataset.profile or "", f"{what}.profile", limits.DATASET_PROFILE_LENGTH)


def _checked_tags(tags: Sequence[Tag], what: str) -> dict[str, str]:
    """The tags of an input; of a key that comes twice the last value stays."""
    checked = {}
    for i, tag in enumerate(tags):
        limits.check_length(tag.key, f"{what}[{i}].key", limits.INPUT_TAG_KEY_LENGTH)
        checked[tag.key] = limits.check_length(tag.value, f"{what}[{i}].value", limits.INPUT_TAG_VALUE_LENGTH)
    return checked


def _checked_model_id(model_id: str, index: int) -> str:
    if not model_id:
        raise InvalidParameter(f"Missing value for required parameter 'models[{index}].model_id'.")
    return limits.check_length(model_id, f"models[{index}].model_id", limits.ID_LENGTH)


def _check_step(model: ModelOutput, kept: int) -> None:
    if model.step != kept:
        raise BadRequest(
            f"The model '{model.model_id}' is an output of the run at step {kept} already, so it can't be one at step "
            f"{model.step}. Log another model."
        )
