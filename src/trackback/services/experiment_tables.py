"""What a list of experiments shows of each beside itself."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import Actor, Experiment, LifecycleStage, RunStatus, ViewType
from trackback.services import access
from trackback.storage import Storage, Transaction, run_columns

MOST_COUNTED = 1000


class ExperimentRow(NamedTuple):
    """``runs`` are counted up to ``MOST_COUNTED``; the last one that began is told by its status and start."""

    experiment: Experiment
    runs: int
    last_status: RunStatus | None = None
    last_start_ms: int | None = None


class ExperimentTables:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def rows(self, actor: Actor, experiments: Sequence[Experiment]) -> list[ExperimentRow]:
        """Of experiments that were found for the actor. Of a deleted one its deleted runs count: they all are."""

        def operation(tx: Transaction) -> list[ExperimentRow]:
            return [
                _row(tx, each) for each in experiments if access.may_read(actor, experiment=int(each.experiment_id))
            ]

        return await self._storage.read(operation)


def _row(tx: Transaction, experiment: Experiment) -> ExperimentRow:
    number = int(experiment.experiment_id)
    is_active = experiment.lifecycle_stage is LifecycleStage.ACTIVE
    view = ViewType.ACTIVE_ONLY if is_active else ViewType.ALL
    count = run_columns.count_of_experiment(tx, number, view, MOST_COUNTED + 1)
    newest = run_columns.newest_of_experiment(tx, number)
    if newest is None:
        return ExperimentRow(experiment, count)
    status, start_ms = newest
    return ExperimentRow(experiment, count, RunStatus(status), start_ms)
