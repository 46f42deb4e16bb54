"""What went into runs and came out of them: data sets, and logged models."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trackback.entities import (
    Dataset,
    DatasetInput,
    DatasetSummary,
    ModelInput,
    ModelOutput,
    RunInputs,
    RunOutputs,
    Tag,
)
from trackback.search import Operator
from trackback.storage.conditions import Fragment, predicate
from trackback.storage.interface import Transaction

CONTEXT_TAG = "mlflow.data.context"

_INPUT_DATASETS = "FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset WHERE i.run = r.id"
_INPUT_TAGS = "FROM dataset_inputs i JOIN dataset_input_tags t ON t.input = i.id WHERE i.run = r.id AND t.key = ?"


class DatasetKey(NamedTuple):
    """What tells the data sets of one experiment apart."""

    name: str
    digest: str


def add_datasets(tx: Transaction, experiment: int, datasets: Sequence[Dataset]) -> dict[DatasetKey, int]:
    """The number of each data set; what the experiment has already stays as it is."""
    distinct = {DatasetKey(dataset.name, dataset.digest): dataset for dataset in reversed(datasets)}
    added = [distinct[key] for key in sorted(distinct)]
    tx.insert_columns(
        "INSERT INTO datasets (experiment, name, digest, source_type, source, schema, profile)"
        " {columns bigint, text, text, text, text, text, text} ON CONFLICT (experiment, name, digest) DO NOTHING",
        [experiment] * len(added),
        [dataset.name for dataset in added],
        [dataset.digest for dataset in added],
        [dataset.source_type for dataset in added],
        [dataset.source for dataset in added],
        [dataset.schema for dataset in added],
        [dataset.profile for dataset in added],
    )
    rows = tx.rows(
        "SELECT id, name, digest FROM datasets WHERE experiment = ? AND name {texts} AND digest {texts}",
        experiment,
        [dataset.name for dataset in added],
        [dataset.digest for dataset in added],
    )
    numbers = {DatasetKey(name, digest): number for number, name, digest in rows}
    return {key: numbers[key] for key in distinct}


def add_dataset_inputs(tx: Transaction, run: int, tags: Mapping[int, Mapping[str, str]]) -> None:
    """Make data sets, given by number, inputs of a run; those that are already keep the tags they have."""
    added = tx.rows(
        "INSERT INTO dataset_inputs (run, dataset) SELECT CAST(? AS bigint), id FROM datasets WHERE id {ints}"
        " ORDER BY id ON CONFLICT (run, dataset) DO NOTHING RETURNING id, dataset",
        run,
        sorted(tags),
    )
    tagged = [(number, key, value) for number, dataset in added for key, value in tags[dataset].items()]
    tx.insert_columns(
        "INSERT INTO dataset_input_tags (input, key, value) {columns bigint, text, text}",
        [number for number, _, _ in tagged],
        [key for _, key, _ in tagged],
        [value for _, _, value in tagged],
    )


def add_model_inputs(tx: Transaction, run: int, models: Sequence[str]) -> None:
    """Make models inputs of a run; those that are already stay."""
    distinct = sorted(set(models))
    tx.insert_columns(
        "INSERT INTO model_inputs (run, model) {columns bigint, text} ON CONFLICT DO NOTHING",
        [run] * len(distinct),
        distinct,
    )


def add_model_outputs(tx: Transaction, run: int, steps: Mapping[str, int]) -> dict[str, int]:
    """Make models outputs of a run; the step that each has then, which is another where it was one already."""
    models = sorted(steps)
    tx.insert_columns(
        "INSERT INTO model_outputs (run, model, step) {columns bigint, text, bigint} ON CONFLICT DO NOTHING",
        [run] * len(models),
        models,
        [steps[model] for model in models],
    )
    return dict(tx.rows("SELECT model, step FROM model_outputs WHERE run = ? AND model {texts}", run, models))


def of_runs(tx: Transaction, runs: list[int]) -> dict[int, RunInputs]:
    """The inputs of those runs that have any: data sets request by request as they were logged, models by id."""
    dataset_inputs = _dataset_inputs(tx, runs)
    models: defaultdict[int, list[ModelInput]] = defaultdict(list)
    for run, model in tx.rows("SELECT run, model FROM model_inputs WHERE run {ints} ORDER BY run, model", runs):
        models[run].append(ModelInput(model))
    return {
        run: RunInputs(tuple(dataset_inputs.get(run, ())), tuple(models.get(run, ())))
        for run in dataset_inputs.keys() | models.keys()
    }


def _dataset_inputs(tx: Transaction, runs: list[int]) -> dict[int, list[DatasetInput]]:
    rows = tx.rows("SELECT id, run, dataset FROM dataset_inputs WHERE run {ints} ORDER BY id", runs)
    if not rows:
        return {}
    datasets = _datasets(tx, sorted({dataset for _, _, dataset in rows}))
    tags: defaultdict[int, list[Tag]] = defaultdict(list)
    for number, key, value in tx.rows(
        "SELECT input, key, value FROM dataset_input_tags WHERE input {ints} ORDER BY input, key",
        [number for number, _, _ in rows],
    ):
        tags[number].append(Tag(key, value))
    found: defaultdict[int, list[DatasetInput]] = defaultdict(list)
    for number, run, dataset in rows:
        found[run].append(DatasetInput(datasets[dataset], tuple(tags.get(number, ()))))
    return found


def _datasets(tx: Transaction, numbers: list[int]) -> dict[int, Dataset]:
    """Each once, however many runs share it: a profile may have megabytes."""
    rows = tx.rows(
        "SELECT id, name, digest, source_type, source, schema, profile FROM datasets WHERE id {ints}", numbers
    )
    return {number: Dataset(*columns) for number, *columns in rows}


def outputs_of_runs(tx: Transaction, runs: list[int]) -> dict[int, RunOutputs]:
    """The outputs of those runs that have any, by step and model id."""
    models: defaultdict[int, list[ModelOutput]] = defaultdict(list)
    rows = tx.rows("SELECT run, model, step FROM model_outputs WHERE run {ints} ORDER BY run, step, model", runs)
    for run, model, step in rows:
        models[run].append(ModelOutput(model, step))
    return {run: RunOutputs(tuple(outputs)) for run, outputs in models.items()}


def summaries(tx: Transaction, experiments: list[int], limit: int) -> list[DatasetSummary]:
    """The data sets that went into runs of some experiments, once for each context they were used in."""
    rows = tx.rows(
        "SELECT DISTINCT d.experiment, d.name, d.digest, t.value FROM datasets d"
        " JOIN dataset_inputs i ON i.dataset = d.id"
        " LEFT JOIN dataset_input_tags t ON t.input = i.id AND t.key = ?"
        " WHERE d.experiment {ints} ORDER BY d.experiment, d.name, d.digest, t.value LIMIT ?",
        CONTEXT_TAG,
        experiments,
        limit,
    )
    return [DatasetSummary(str(experiment), name, digest, context) for experiment, name, digest, context in rows]


def dataset_condition(field: str, operator: Operator, value: Any) -> Fragment:
    """What holds of a run ``r`` that has a data set whose ``name``, ``digest`` or ``context`` compares so."""
    if field == "context":
        source, column = Fragment(_INPUT_TAGS, (CONTEXT_TAG,)), "t.value"
    else:
        source, column = Fragment(_INPUT_DATASETS), f"d.{field}"
    test = predicate(column, operator, value)
    return Fragment(f"(SELECT 1 {source.sql} AND {test.sql} LIMIT 1) IS NOT NULL", (*source.values, *test.values))
