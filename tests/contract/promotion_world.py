"""A server's services for promotions over an empty storage, with a clock that counts calls."""

from collections.abc import Sequence

from tests.contract.registered import register_model, register_version
from tests.contract.test_artifacts import stream
from trackback.artifacts import BlobStore
from trackback.entities import ANYONE, Promotion, RunStatus
from trackback.services.artifacts import Artifacts
from trackback.services.experiments import Experiments
from trackback.services.logged_models import LoggedModels
from trackback.services.promotion_gate import PromotionGate
from trackback.services.promotion_rules import Environments
from trackback.services.promotion_tags import PromotionTags
from trackback.services.promotion_watch import PromotionWatch
from trackback.services.promotions import Promotions
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.services.snapshots import Snapshots
from trackback.storage import Storage, model_versions, registered_models

PROXIED = "mlflow-artifacts:/"


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_700_000_000_000

    def __call__(self) -> int:
        self.now_ms += 1
        return self.now_ms


class Repository:
    """``accounts``: as for ``PromotionGate``."""

    def __init__(
        self,
        storage: Storage,
        blobs: BlobStore,
        *rules: str,
        environments: Sequence[str] = ("staging", "production"),
        accounts: bool = False,
    ) -> None:
        self.storage = storage
        self.clock = Clock()
        self.gate = PromotionGate(Environments(environments, rules or ("promote=true",)), self.clock, accounts=accounts)
        self.watch = PromotionWatch(storage)
        self.promotions = Promotions(storage, Snapshots(blobs, PROXIED), self.gate, self.watch, self.clock)
        tags = PromotionTags(self.gate)
        self.experiments = Experiments(storage, PROXIED)
        self.runs = Runs(storage, promotion_tags=tags)
        self.run_log = RunLog(storage, Sealer(storage), tags)
        self.models = LoggedModels(storage)
        self.artifacts = Artifacts(storage, blobs, PROXIED)

    async def register(self, name: str, versions: int) -> list[int]:
        model = await register_model(self.storage, name)
        return [await register_version(self.storage, model, digest(number)) for number in range(1, versions + 1)]

    async def promote(self, subject: str, environment: str = "production", reason: str = "") -> Promotion:
        done = await self.promotions.promote(ANYONE, subject, environment, reason=reason)
        assert isinstance(done, Promotion)
        return done

    async def marks(self, name: str, model_version: int) -> tuple[dict[str, int], str]:
        """The aliases of a model, and the stage of a version."""

        def look(tx: object) -> tuple[dict[str, int], str]:
            model = registered_models.find(tx, name)  # type: ignore[arg-type]
            record = model_versions.find_by_id(tx, model_version)  # type: ignore[arg-type]
            assert model is not None
            assert record is not None
            names = ("staging", "production")
            found = {alias: registered_models.find_alias(tx, model.id, alias) for alias in names}  # type: ignore[arg-type]
            return {alias: number for alias, number in found.items() if number is not None}, record.stage

        return await self.storage.read(look)

    async def finished_run(self, experiment: str, **tags: str) -> str:
        run_id = (await self.runs.create(ANYONE, experiment)).info.run_id
        await self.artifacts.put(ANYONE, f"{experiment}/{run_id}/artifacts/notes.txt", stream(run_id.encode()))
        await self.runs.update(ANYONE, run_id, status=RunStatus.FINISHED)
        for key, value in tags.items():
            await self.run_log.log(ANYONE, run_id, tags=[(key, value)])
        return run_id

    async def whole_log(self) -> list[Promotion]:
        return (await self.promotions.log(ANYONE)).promotions


def digest(number: int) -> str:
    return f"{number:064x}"
