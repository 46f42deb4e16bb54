"""What charts draw: series of runs, each cut to what a chart can show, whatever its length."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor, RunInfo
from trackback.errors import InvalidParameter
from trackback.services import access
from trackback.services.runs import readable_run
from trackback.services.sealing import Sealer
from trackback.storage import Storage, Transaction, curves, latest_metrics, runs
from trackback.storage.curves import Curve, Window
from trackback.storage.latest_metrics import LatestMetric
from trackback.storage.runs import RunRecord

__all__ = ["INTERVALS", "Axis", "Charts", "Curve", "LatestMetric", "Names", "RunCurve", "RunState", "Window"]

SYSTEM = "system/"
"""What the names of the machine's metrics begin with."""

INTERVALS = 400
MOST_INTERVALS = 1000
MOST_CURVES = 100
MOST_NAMES = 1000


class Axis(StrEnum):
    """What a chart is drawn over; ``RELATIVE`` is milliseconds since the run's start."""

    STEP = "step"
    TIME = "time"
    RELATIVE = "relative"


class RunCurve(NamedTuple):
    """One metric of one run. What it is drawn over is a point's step, or its time less ``shift``.

    ``version`` changes when the series gets a new last, least or greatest point.
    """

    run: RunInfo
    key: str
    shift: int
    curve: Curve
    version: str


class Names(NamedTuple):
    """A run's metrics by name, and how many more it has."""

    names: list[str]
    more: int


class RunState(NamedTuple):
    """A run, and the versions of those of its metrics that were asked for."""

    run: RunInfo
    versions: dict[str, str]


class Charts:
    def __init__(self, storage: Storage, sealer: Sealer) -> None:
        self._storage = storage
        self._sealer = sealer

    async def curves(
        self,
        actor: Actor,
        run_ids: Sequence[str],
        keys: Sequence[str],
        *,
        axis: Axis = Axis.STEP,
        window: Window | None = None,
        intervals: int = INTERVALS,
    ) -> list[RunCurve]:
        """Each of the metrics of each of the runs that has it, in the order asked for; what is not known is left out.

        window: only so much of the axis, and the nearest points beside it. A curve has at most three points for each
        interval of the window, and two beside it: the least, the greatest and the last, so that no peak is lost.
        Raises InvalidParameter for more than ``MOST_CURVES``, or bad values.
        """
        _check(run_ids, keys, window, intervals)
        self._sealer.look_at(run_ids)

        def operation(tx: Transaction) -> list[RunCurve]:
            numbers = tx.known_name_ids(list(keys))
            found = []
            for run in _readable(tx, actor, run_ids):
                versions = latest_metrics.versions(tx, run.id, [numbers[key] for key in keys if key in numbers])
                shift = run.start_ms if axis is Axis.RELATIVE else 0
                shifted = Window(window.start + shift, window.stop + shift) if window else None
                for key in dict.fromkeys(keys):
                    number = numbers.get(key, -1)
                    if number in versions:
                        curve = curves.read(
                            tx, run.id, number, over_steps=axis is Axis.STEP, window=shifted, intervals=intervals
                        )
                        found.append(RunCurve(run.info, key, shift, curve, versions[number]))
            return found

        return await self._storage.read(operation)

    async def names(self, actor: Actor, run_ids: Sequence[str], *, contains: str = "") -> Names:
        """The names of the metrics that any of some runs has, by name, those that contain a text in any case."""
        _check_runs(run_ids)
        limits.check_length(contains, "contains", limits.KEY_LENGTH)

        def operation(tx: Transaction) -> Names:
            readable = [run.id for run in _readable(tx, actor, run_ids)]
            wanted = contains.casefold()
            found = sorted(name for name in latest_metrics.names(tx, readable) if wanted in name.casefold())
            return Names(found[:MOST_NAMES], max(len(found) - MOST_NAMES, 0))

        return await self._storage.look_up(operation)

    async def summary(self, actor: Actor, run_id: str) -> list[LatestMetric]:
        """The last, the least and the greatest value of each of a run's metrics, by name."""
        return await self._storage.look_up(lambda tx: latest_metrics.of_run(tx, readable_run(tx, actor, run_id).id))

    async def versions(self, actor: Actor, run_ids: Sequence[str], keys: Sequence[str]) -> list[RunState]:
        """How metrics of runs stand: of each a text that changes when it gets a new last, least or greatest point."""
        _check_runs(run_ids)
        limits.check_count(len(keys), "key", MOST_CURVES)

        def operation(tx: Transaction) -> list[RunState]:
            numbers = tx.known_name_ids(list(keys))
            by_number = {number: key for key, number in numbers.items()}
            found = []
            for run in _readable(tx, actor, run_ids):
                versions = latest_metrics.versions(tx, run.id, [*by_number])
                found.append(RunState(run.info, {by_number[number]: text for number, text in versions.items()}))
            return found

        return await self._storage.look_up(operation)


def _readable(tx: Transaction, actor: Actor, run_ids: Sequence[str]) -> list[RunRecord]:
    """Those of the runs that are there and may be read, in the order asked for, each once."""
    known = {run.uuid: run for run in runs.find_many(tx, list(run_ids))}
    found = [known[run_id] for run_id in dict.fromkeys(run_ids) if run_id in known]
    return [run for run in found if access.may_read(actor, experiment=run.experiment)]


def _check(run_ids: Sequence[str], keys: Sequence[str], window: Window | None, intervals: int) -> None:
    _check_runs(run_ids)
    for key in keys:
        limits.check_text(key, "key")
    limits.check_count(len(run_ids) * len(keys), "curves (runs times keys)", MOST_CURVES)
    if not 1 <= intervals <= MOST_INTERVALS:
        raise InvalidParameter(f"Invalid number of intervals {intervals}. It is from 1 to {MOST_INTERVALS}.")
    if window and not window.start < window.stop:
        raise InvalidParameter(f"Invalid window from {window.start} to {window.stop}: it must end after its start.")


def _check_runs(run_ids: Sequence[str]) -> None:
    limits.check_count(len(run_ids), "run", MOST_CURVES)
    for run_id in run_ids:
        limits.check_run_id(run_id)
