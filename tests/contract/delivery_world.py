"""A repository with all that leads from a data set to a deployment: the services, and what tests do with them."""

import json
from collections.abc import Mapping

from tests.contract.lineage_world import lineage_index
from tests.contract.test_artifacts import stream
from trackback.artifacts import BlobStore
from trackback.entities import (
    ANYONE,
    PROVENANCE_PATH,
    Dataset,
    DatasetInput,
    DeploymentKind,
    Impact,
    ModelInput,
    Promotion,
    Provenance,
    RunStatus,
    Trace,
)
from trackback.services.artifacts import Artifacts
from trackback.services.builds import Builds
from trackback.services.deployment_reports import DeploymentReport
from trackback.services.deployments import Deployments
from trackback.services.experiments import Experiments
from trackback.services.impact import Impacts, Question
from trackback.services.inputs import Inputs
from trackback.services.locators import Place
from trackback.services.logged_models import LoggedModels
from trackback.services.model_versions import ModelVersions
from trackback.services.promotion_gate import PromotionGate
from trackback.services.promotion_marks import PromotionMarks
from trackback.services.promotion_rules import Environments
from trackback.services.promotion_watch import PromotionWatch
from trackback.services.promotions import Promotions
from trackback.services.provenance import ProvenanceIndex
from trackback.services.registered_models import RegisteredModels
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.services.snapshots import Snapshots
from trackback.services.traces import Traces
from trackback.storage import Storage

ROOT = "mlflow-artifacts:/"
WEAK = "1a2b3c4d"
STRONG = "d" * 64
COMMIT = "abc1234def5678abc1234def5678abc1234def56"


class World:
    def __init__(self, storage: Storage, blobs: BlobStore) -> None:
        environments = Environments(("staging", "production"), ())
        gate = PromotionGate(environments)
        snapshots = Snapshots(blobs, ROOT)
        marks = PromotionMarks(gate)
        self.storage = storage
        self.blobs = blobs
        self.provenance = ProvenanceIndex(storage, blobs)
        self.artifacts = Artifacts(storage, blobs, ROOT, arrived=[self.provenance.arrived])
        self.experiments = Experiments(storage, ROOT)
        self.runs = Runs(storage)
        self.run_log = RunLog(storage, Sealer(storage))
        self.inputs = Inputs(storage)
        self.logged_models = LoggedModels(storage)
        self.models = RegisteredModels(storage, marks)
        self.versions = ModelVersions(storage, snapshots, marks)
        self.promotions = Promotions(storage, snapshots, gate, PromotionWatch(storage))
        self.builds = Builds(storage)
        self.deployments = Deployments(storage, environments)
        self.index = lineage_index(storage, blobs)
        self.traces = Traces(storage)
        self.impacts = Impacts(storage, self.index)

    async def begin(self) -> None:
        await self.experiments.ensure_default()
        await self.models.create(ANYONE, "churn")

    async def run(
        self, *, commit: str = "", parent: str = "", params: Mapping[str, str] | None = None, experiment: str = "0"
    ) -> str:
        """A finished run."""
        tags = {"mlflow.source.git.commit": commit, "mlflow.parentRunId": parent}
        given = [(key, value) for key, value in tags.items() if value]
        run = await self.runs.create(ANYONE, experiment, user_id="ada", run_name="train", tags=given)
        if params:
            await self.run_log.log(ANYONE, run.info.run_id, params=list(params.items()))
        await self.runs.update(ANYONE, run.info.run_id, status=RunStatus.FINISHED)
        return run.info.run_id

    async def put(self, run_id: str, path: str, content: bytes) -> None:
        await self.artifacts.put_to_run(ANYONE, run_id, path, stream(content))

    async def put_document(self, run_id: str, **parts: object) -> None:
        await self.put(run_id, PROVENANCE_PATH, json.dumps({"schema_version": 1, **parts}).encode())

    async def use(self, run_id: str, name: str, digest: str = WEAK) -> None:
        """Log a data set as an input of a run."""
        await self.inputs.log_inputs(ANYONE, run_id, [DatasetInput(Dataset(name, digest, "local", "{}"))])

    async def log_model(self, run_id: str) -> str:
        """A logged model that a run made; its id."""
        model = await self.logged_models.create(ANYONE, "0", name="m", source_run_id=run_id)
        return model.info.model_id

    async def use_model(self, run_id: str, model_id: str) -> None:
        await self.inputs.log_inputs(ANYONE, run_id, models=[ModelInput(model_id)])

    async def register(self, run_id: str, name: str = "churn", requirements: str = "") -> str:
        """The number of the next version, whose files are a folder of the run."""
        await self.put(run_id, "model/MLmodel", f"run: {run_id}\n".encode())
        if requirements:
            await self.put(run_id, "model/requirements.txt", requirements.encode())
        source = f"runs:/{run_id}/model"
        return (await self.versions.create(ANYONE, name, source, run_id=run_id)).version

    async def promote(self, subject: str, environment: str = "production") -> Promotion:
        done = await self.promotions.promote(ANYONE, subject, environment, reason="it is better")
        assert isinstance(done, Promotion)
        return done

    async def deploy(self, image: str = "1", **report: object) -> int:
        """The number of a deployment of an image, whose digest is made of this digit."""
        place = Place(DeploymentKind.IMAGE, f"registry.example/churn@sha256:{image * 64}")
        return (await self.deployments.report(ANYONE, DeploymentReport(place, **report))).id  # type: ignore[arg-type]

    async def known_of(self, run_id: str) -> Provenance:
        return await self.provenance.get(ANYONE, run_id)

    async def trace(self, x: str) -> Trace:
        return await self.traces.find(ANYONE, x)

    async def impact(self, **question: str) -> Impact:
        page = await self.impacts.find(ANYONE, Question(**question))
        return page.items[0]

    async def affected(self, **question: str) -> dict[str, list[str]]:
        """The affected versions of each model, by name."""
        found = await self.impact(**question)
        return {model.name: [each.version for each in model.versions] for model in found.models}
