"""A registry on an empty storage, with an experiment, a run and files to register from."""

import itertools

from tests.contract.test_artifacts import stream
from trackback.artifacts import BlobStore
from trackback.entities import ANYONE, ModelVersion, Points
from trackback.services.artifacts import Artifacts
from trackback.services.experiments import Experiments
from trackback.services.logged_models import LoggedModels
from trackback.services.model_versions import ModelVersions
from trackback.services.promotion_gate import PromotionGate
from trackback.services.promotion_marks import PromotionMarks
from trackback.services.promotion_rules import Environments
from trackback.services.registered_models import RegisteredModels
from trackback.services.run_log import ModelOfPoint, RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.services.snapshots import Snapshots
from trackback.storage import Storage

ROOT = "mlflow-artifacts:/"


class World:
    """The clock ticks at every look: it is 1000 at the first."""

    def __init__(self, storage: Storage, blobs: BlobStore, artifact_root: str = ROOT) -> None:
        clock = itertools.count(1000).__next__
        self.storage = storage
        self.blobs = blobs
        marks = PromotionMarks(PromotionGate(Environments(("staging", "production"), ()), clock))
        self.models = RegisteredModels(storage, marks, clock)
        self.versions = ModelVersions(storage, Snapshots(blobs, artifact_root), marks, clock)
        self.artifacts = Artifacts(storage, blobs, artifact_root)
        self.runs = Runs(storage)
        self.logged_models = LoggedModels(storage)
        self._experiments = Experiments(storage, artifact_root)
        self._data = RunLog(storage, Sealer(storage))
        self.experiment_id = self.run_id = self.run_uri = ""

    async def begin(self, artifact_location: str = "") -> None:
        """Make the experiment, and a run whose folder ``model`` holds a model."""
        self.experiment_id = await self.new_experiment("training", artifact_location)
        info = (await self.runs.create(ANYONE, self.experiment_id)).info
        self.run_id, self.run_uri = info.run_id, info.artifact_uri
        if self.run_uri.startswith(ROOT):
            await self.put(f"{self.run_uri}/model/MLmodel", b"flavors: {}")

    async def new_experiment(self, name: str, artifact_location: str) -> str:
        return await self._experiments.create(ANYONE, name, artifact_location=artifact_location)

    async def put(self, uri: str, content: bytes) -> None:
        await self.artifacts.put(ANYONE, uri.removeprefix(ROOT), stream(content))

    async def log(self, params: dict[str, str], model_id: str = "", step: int = 0, **metrics: float) -> None:
        """Log to the run; the metrics for a logged model too."""
        points = Points(list(metrics), [step] * len(metrics), [step + 1] * len(metrics), list(metrics.values()))
        models = [ModelOfPoint(place, model_id, "", "") for place in range(len(metrics))] if model_id else []
        await self._data.log(ANYONE, self.run_id, params=list(params.items()), points=points, models=models)

    async def register(self, name: str = "churn", source: str = "", tags: dict[str, str] | None = None) -> ModelVersion:
        """A version of a model that is there; by default of the run's."""
        if not self.run_id:
            await self.begin()
        source = source or f"{self.run_uri}/model"
        return await self.versions.create(ANYONE, name, source, tags=list((tags or {}).items()))
