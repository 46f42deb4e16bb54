"""MLflow's endpoints for what goes into runs and comes out of them."""

import msgspec

from trackback.entities import (
    Actor,
    Dataset,
    DatasetInput,
    DatasetSummary,
    ModelInput,
    ModelOutput,
    Permission,
    Tag,
)
from trackback.server.mlflow.endpoints import AJAX_ONLY, rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.server.mlflow.runs import KeyValue
from trackback.services import Services


class DatasetFields(Message, frozen=True):
    name: str = ""
    digest: str = ""
    source_type: str = ""
    source: str = ""
    schema: str | None = None
    profile: str | None = None


class DatasetInputFields(Message, frozen=True):
    dataset: DatasetFields
    tags: tuple[KeyValue, ...] = ()

    @property
    def entity(self) -> DatasetInput:
        dataset = self.dataset
        return DatasetInput(
            Dataset(dataset.name, dataset.digest, dataset.source_type, dataset.source, dataset.schema, dataset.profile),
            tuple(Tag(tag.key, tag.value) for tag in self.tags),
        )


class ModelInputFields(Message, frozen=True):
    model_id: str = ""


class ModelOutputFields(Message, frozen=True):
    model_id: str = ""
    step: Int64 = 0


class LogInputs(Message, frozen=True):
    run_id: NonEmpty
    datasets: tuple[DatasetInputFields, ...] = ()
    models: tuple[ModelInputFields, ...] = ()


class LogOutputs(Message, frozen=True):
    run_id: NonEmpty
    models: tuple[ModelOutputFields, ...]


class SearchDatasets(Message, frozen=True):
    experiment_ids: tuple[str, ...] = ()


class DatasetsAnswer(msgspec.Struct, omit_defaults=True):
    dataset_summaries: tuple[DatasetSummary, ...] = ()


async def log_inputs(services: Services, actor: Actor, request: LogInputs) -> None:
    await services.inputs.log_inputs(
        actor,
        request.run_id,
        [dataset.entity for dataset in request.datasets],
        [ModelInput(model.model_id) for model in request.models],
    )


async def log_outputs(services: Services, actor: Actor, request: LogOutputs) -> None:
    models = [ModelOutput(model.model_id, model.step) for model in request.models]
    await services.inputs.log_outputs(actor, request.run_id, models)


async def search_datasets(services: Services, actor: Actor, request: SearchDatasets) -> DatasetsAnswer:
    return DatasetsAnswer(tuple(await services.inputs.search_datasets(actor, request.experiment_ids)))


ROUTES = [
    *rpc("POST", "runs/log-inputs", Permission.WRITE, LogInputs, log_inputs),
    *rpc("POST", "runs/outputs", Permission.WRITE, LogOutputs, log_outputs),
    *rpc("POST", "experiments/search-datasets", Permission.READ, SearchDatasets, search_datasets, under=AJAX_ONLY),
]
