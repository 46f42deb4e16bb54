"""Logged models of one experiment on an empty storage."""

import itertools

from trackback.entities import ANYONE, DatasetFilter, LoggedModel, Points
from trackback.services.experiments import Experiments
from trackback.services.logged_models import LoggedModels, ModelOrder
from trackback.services.pages import Page
from trackback.services.run_log import ModelOfPoint, RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage


class World:
    """An experiment with a run, and the models that are logged to it; the clock ticks at every look."""

    def __init__(self, storage: Storage) -> None:
        self.experiments = Experiments(storage, "mlflow-artifacts:/")
        self.models = LoggedModels(storage, itertools.count(1000).__next__)
        self._runs = Runs(storage)
        self._run_log = RunLog(storage, Sealer(storage))
        self.experiment_id = self.run_id = ""

    async def begin(self, name: str = "experiment") -> None:
        self.experiment_id = await self.experiments.create(ANYONE, name)
        self.run_id = (await self._runs.create(ANYONE, self.experiment_id)).info.run_id

    async def add(
        self,
        name: str,
        *,
        model_type: str = "",
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
        **metrics: float,
    ) -> str:
        model = await self.models.create(
            ANYONE,
            self.experiment_id,
            name=name,
            model_type=model_type,
            source_run_id=self.run_id,
            params=list((params or {}).items()),
            tags=list((tags or {}).items()),
        )
        for key, value in metrics.items():
            await self.log(model.info.model_id, key, value)
        return model.info.model_id

    async def log(
        self, model_id: str, key: str, value: float, step: int = 0, timestamp_ms: int = 1, dataset: str = " "
    ) -> None:
        """Log a point for a model; ``dataset`` is a name and a digest."""
        name, digest = dataset.split(" ")
        await self._run_log.log(
            ANYONE,
            self.run_id,
            points=Points([key], [step], [timestamp_ms], [value]),
            models=[ModelOfPoint(0, model_id, name, digest)],
        )

    async def log_batch(self, values: dict[str, float]) -> None:
        """Log a point for each model, all in one batch."""
        count = len(values)
        await self._run_log.log(
            ANYONE,
            self.run_id,
            points=Points(["m"] * count, [0] * count, [1] * count, list(values.values())),
            models=[ModelOfPoint(place, model_id, "", "") for place, model_id in enumerate(values)],
        )

    async def page(self, filter_text: str = "", *datasets: DatasetFilter, **options: int | str) -> Page[LoggedModel]:
        return await self.models.search(
            ANYONE,
            [self.experiment_id],
            filter_text=filter_text,
            datasets=datasets,
            max_results=int(options.get("max_results", 100)),
            page_token=str(options.get("page_token", "")),
        )

    async def names(self, filter_text: str = "", *datasets: DatasetFilter) -> list[str]:
        return [model.info.name for model in (await self.page(filter_text, *datasets)).items]

    async def ordered(self, *order_by: ModelOrder) -> list[str]:
        page = await self.models.search(ANYONE, [self.experiment_id], order_by=order_by)
        return [model.info.name for model in page.items]
