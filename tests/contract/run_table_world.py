"""An experiment over an empty storage, and the services that make tables of its runs."""

from collections.abc import Sequence

from trackback.entities import ANYONE, Actor, Grants, Points
from trackback.services.experiments import Experiments
from trackback.services.run_completion import RunCompletion
from trackback.services.run_exports import RunExports
from trackback.services.run_groups import RunGroups
from trackback.services.run_log import RunLog
from trackback.services.run_tables import PARENT_TAG, RunTables
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage

NOBODY = Actor("nobody", grants=Grants())


class RunTableWorld:
    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.runs = Runs(storage)
        self.log = RunLog(storage, Sealer(storage))
        self.tables = RunTables(storage)
        self.groups = RunGroups(storage)
        self.exports = RunExports(storage)
        self.completion = RunCompletion(storage)
        self.experiment = ""
        self._started = 1000

    async def run(
        self,
        name: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        tags: Sequence[tuple[str, str]] = (),
        metrics: Sequence[tuple[str, float]] = (),
        inside: str = "",
    ) -> str:
        """A run that began after those before; a metric with several values has them at steps 0, 1, …"""
        self._started += 1
        run = await self.runs.create(ANYONE, self.experiment, user_id="", run_name=name, start_time_ms=self._started)
        run_id = run.info.run_id
        keys = [key for key, _ in metrics]
        steps = [keys[:place].count(key) for place, key in enumerate(keys)]
        points = Points(keys, steps, [1] * len(keys), [value for _, value in metrics])
        kept = [*tags, (PARENT_TAG, inside)] if inside else tags
        await self.log.log(ANYONE, run_id, points=points, params=params, tags=kept)
        return run_id


async def open_world(storage: Storage) -> RunTableWorld:
    made = RunTableWorld(storage)
    made.experiment = await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "one")
    return made
