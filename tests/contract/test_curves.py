"""Curves for charts: few points, with every peak among them, whatever shape the series lies in on disk."""

import asyncio
import math
import random
from collections.abc import Callable

import numpy as np
import pytest

from trackback.entities import ANYONE, Actor, Grants, Permission, Points
from trackback.errors import InvalidParameter
from trackback.services.charts import Axis, Charts, RunCurve, Window
from trackback.services.experiments import Experiments
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage, runs, sealing, summaries

START_MS = 1_700_000_000_000
Point = tuple[int, int, float]  # timestamp, step, value


class Plotter:
    """A run to log to, and its curves."""

    def __init__(self, storage: Storage, run_id: str) -> None:
        self.storage = storage
        self.sealer = Sealer(storage)
        self._run_log = RunLog(storage, self.sealer)
        self.run_id = run_id
        self.charts = Charts(storage, self.sealer)

    async def log(self, points: list[Point], key: str = "loss") -> None:
        for start in range(0, len(points), 1000):
            times, steps, values = zip(*points[start : start + 1000], strict=True)
            await self._run_log.log(ANYONE, self.run_id, points=Points([key] * len(steps), steps, times, values))

    async def number(self) -> int:
        record = await self.storage.read(lambda tx: runs.find(tx, self.run_id))
        assert record is not None
        return record.id

    async def seal(self) -> None:
        await self.sealer.seal(await self.number())

    async def curve(
        self, axis: Axis = Axis.STEP, window: Window | None = None, intervals: int = 50, key: str = "loss"
    ) -> RunCurve:
        (found,) = await self.charts.curves(ANYONE, [self.run_id], [key], axis=axis, window=window, intervals=intervals)
        return found


@pytest.fixture
async def plotter(storage: Storage) -> Plotter:
    experiment = await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "curves")
    run = await Runs(storage).create(ANYONE, experiment, start_time_ms=START_MS)
    return Plotter(storage, run.info.run_id)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "CHUNK_POINTS", 64)


def drawn(found: RunCurve, axis: Axis = Axis.STEP) -> list[tuple[int, float]]:
    series = found.curve.series
    places = series.steps if axis is Axis.STEP else series.timestamps_ms - found.shift
    return list(zip(places.tolist(), series.values.tolist(), strict=True))


def noise(count: int) -> list[Point]:
    chance = random.Random(3)
    return [(START_MS + 10 * i, i, chance.gauss(0, 1)) for i in range(count)]


async def test_a_series_with_few_points_is_drawn_whole(plotter: Plotter) -> None:
    await plotter.log([(START_MS + 5, 2, 0.5), (START_MS + 1, 0, math.nan), (START_MS + 3, 1, 0.75)])
    found = await plotter.curve()
    assert (found.curve.whole, found.curve.points, found.curve.nans) == (True, 3, 1)
    assert repr(drawn(found)) == "[(0, nan), (1, 0.75), (2, 0.5)]"
    assert found.curve.extent == Window(0, 2)


SHAPES: dict[str, Callable[[int], int]] = {
    "steps rise": lambda i: i,
    "steps fall": lambda i: 2000 - i,
    "steps begin anew": lambda i: i % 700,
    "steps go up and down": lambda i: (i * 37) % 2003,
    "few steps at first, many later": lambda i: i if i < 1000 else 1000 + (i - 1000) * 50,
}


@pytest.mark.parametrize("sealed", [False, True], ids=["unsealed", "sealed"])
@pytest.mark.parametrize("shape", SHAPES)
async def test_no_peak_is_lost_and_few_points_are_sent(
    plotter: Plotter, small_chunks: None, shape: str, sealed: bool
) -> None:
    intervals = 20
    points = [(time, SHAPES[shape](step), value) for time, step, value in noise(2000)]
    points[777] = (points[777][0], points[777][1], 99.0)
    points[1234] = (points[1234][0], points[1234][1], -99.0)
    await plotter.log(points)
    if sealed:
        await plotter.seal()
    found = await plotter.curve(intervals=intervals)
    shown = drawn(found)
    assert not found.curve.whole
    assert len(shown) <= 3 * intervals + 2
    assert set(shown) <= {(step, value) for _, step, value in points}
    assert [step for step, _ in shown] == sorted(step for step, _ in shown)
    assert {(points[777][1], 99.0), (points[1234][1], -99.0)} <= set(shown)
    width = (max(step for _, step, _ in points) - min(step for _, step, _ in points)) / intervals
    for _, step, value in points:
        near = [y for x, y in shown if abs(x - step) <= 1.5 * width]
        assert min(near) <= value <= max(near)


async def test_a_window_is_drawn_with_more_of_its_points_and_its_neighbours(
    plotter: Plotter, small_chunks: None
) -> None:
    points = noise(2000)
    await plotter.log(points)
    await plotter.seal()
    whole = await plotter.curve(intervals=20)
    part = await plotter.curve(intervals=20, window=Window(1000, 1039))
    inside = [(step, value) for _, step, value in points[1000:1040]]
    assert set(drawn(part)[1:-1]) <= set(inside)
    assert len(drawn(part)) > 5 * len([step for step, _ in drawn(whole) if 1000 <= step <= 1039])
    assert [drawn(part)[0], drawn(part)[-1]] == [(999, points[999][2]), (1040, points[1040][2])]
    assert part.curve.extent == Window(0, 1999)
    all_of_it = await plotter.curve(intervals=40, window=Window(1000, 1039))
    assert drawn(all_of_it)[1:-1] == inside


async def test_a_window_between_two_points_still_has_the_line_through_it(plotter: Plotter, small_chunks: None) -> None:
    await plotter.log([(START_MS + i, 1000 * i, float(i)) for i in range(500)])
    await plotter.seal()
    found = await plotter.curve(intervals=10, window=Window(7100, 7900))
    assert drawn(found) == [(7000, 7.0), (8000, 8.0)]


async def test_curves_run_over_steps_over_time_or_over_the_time_since_the_start(plotter: Plotter) -> None:
    await plotter.log([(START_MS + 1000, 5, 1.0), (START_MS + 3000, 4, 2.0)])
    assert drawn(await plotter.curve(Axis.STEP)) == [(4, 2.0), (5, 1.0)]
    assert drawn(await plotter.curve(Axis.TIME), Axis.TIME) == [(START_MS + 1000, 1.0), (START_MS + 3000, 2.0)]
    relative = await plotter.curve(Axis.RELATIVE)
    assert drawn(relative, Axis.RELATIVE) == [(1000, 1.0), (3000, 2.0)]


async def test_a_window_of_relative_time_is_counted_from_each_runs_start(plotter: Plotter, small_chunks: None) -> None:
    await plotter.log(noise(1000))
    await plotter.seal()
    found = await plotter.curve(Axis.RELATIVE, window=Window(2000, 3000), intervals=10)
    places = [place for place, _ in drawn(found, Axis.RELATIVE)]
    assert (places[0], places[-1]) == (1990, 3010)


async def test_means_of_intervals_are_those_of_all_their_points(plotter: Plotter, small_chunks: None) -> None:
    points = [(START_MS + i, i, float(i % 2) if i % 10 else math.nan) for i in range(6400)]
    await plotter.log(points)
    await plotter.seal()
    curve = (await plotter.curve(intervals=10)).curve
    assert curve.nans == 640
    assert curve.means.tolist() == pytest.approx([5 / 9] * 10, abs=0.02)
    assert curve.mean_places.tolist() == pytest.approx([320 + 640 * i for i in range(10)], abs=10)


async def test_a_series_that_is_all_nan_has_a_curve_of_nothing(plotter: Plotter, small_chunks: None) -> None:
    await plotter.log([(START_MS + i, i, math.nan) for i in range(500)])
    await plotter.seal()
    found = (await plotter.curve(intervals=10)).curve
    assert found.nans == 500
    assert np.isnan(found.series.values).all()
    assert found.means.size == 0


async def test_all_points_at_one_step_are_one_interval(plotter: Plotter, small_chunks: None) -> None:
    await plotter.log([(START_MS + i, 0, float(i)) for i in range(1000)])
    await plotter.seal()
    assert {0.0, 999.0} <= {value for _, value in drawn(await plotter.curve(intervals=10))}


async def test_filled_chunks_get_a_summary_and_opening_them_is_not_needed(
    plotter: Plotter, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plotter.log(noise(6400))
    await plotter.seal()
    opened: list[int] = []
    monkeypatch.setattr("trackback.storage.history.unpack_chunk", lambda data: opened.append(len(data)))
    found = await plotter.curve(intervals=20)
    assert (found.curve.points, opened) == (6400, [])


async def test_chunks_of_an_earlier_trackback_are_summed_up_once_they_are_looked_at(
    plotter: Plotter, small_chunks: None
) -> None:
    await plotter.log(noise(640))
    await plotter.seal()
    run = await plotter.number()
    await plotter.storage.write(lambda tx: tx.run("DELETE FROM metric_summaries WHERE run = ?", run))
    charts = Charts(plotter.storage, Sealer(plotter.storage))
    for _ in range(2):
        (found,) = await charts.curves(ANYONE, [plotter.run_id], ["loss"], intervals=10)
        assert found.curve.points == 640
    async with asyncio.timeout(10):
        while await plotter.storage.read(lambda tx: summaries.lacking(tx, [plotter.run_id], 64)):
            pass
    (again,) = await charts.curves(ANYONE, [plotter.run_id], ["loss"], intervals=10)
    assert again.curve.points == 640


async def test_only_runs_that_may_be_read_and_metrics_that_are_there_have_curves(
    storage: Storage, plotter: Plotter
) -> None:
    await plotter.log([(START_MS, 0, 1.0)])
    experiment = int((await Runs(storage).get(ANYONE, plotter.run_id)).info.experiment_id)
    reader = Actor("ann", None, Grants(experiments={experiment: frozenset({Permission.READ})}))
    stranger = Actor("bob", None, Grants())
    keys, run_ids = ["none", "loss"], ["0" * 32, plotter.run_id]
    found = await plotter.charts.curves(reader, run_ids, keys)
    assert [(each.run.run_id, each.key) for each in found] == [(plotter.run_id, "loss")]
    assert await plotter.charts.curves(stranger, run_ids, keys) == []
    assert (await plotter.charts.names(stranger, run_ids)).names == []
    assert await plotter.charts.versions(stranger, run_ids, keys) == []


async def test_names_are_found_by_a_part_in_any_case(plotter: Plotter) -> None:
    for key in ("train/Loss", "val/loss", "auc"):
        await plotter.log([(START_MS, 0, 1.0)], key)
    assert (await plotter.charts.names(ANYONE, [plotter.run_id], contains="LOSS")).names == ["train/Loss", "val/loss"]


async def test_a_version_changes_with_the_last_point_and_with_the_extremes(plotter: Plotter) -> None:
    async def version() -> str:
        ((_, versions),) = await plotter.charts.versions(ANYONE, [plotter.run_id], ["loss"])
        return versions["loss"]

    seen = []
    for point in [(START_MS + 5, 5, 1.0), (START_MS + 6, 6, 1.0), (START_MS + 1, 1, 9.0), (START_MS + 2, 2, -9.0)]:
        await plotter.log([point])
        seen.append(await version())
    assert len(set(seen)) == 4
    assert seen[-1] == (await plotter.curve()).version


async def test_what_no_chart_can_show_is_refused(plotter: Plotter) -> None:
    for arguments, message in (
        ({"intervals": 0}, "intervals"),
        ({"window": Window(5, 5)}, "must end after its start"),
        ({"key": "a\0b"}, "NUL"),
    ):
        with pytest.raises(InvalidParameter, match=message):
            await plotter.curve(**arguments)
    with pytest.raises(InvalidParameter, match="at most 100"):
        await plotter.charts.curves(ANYONE, [f"{n:032x}" for n in range(51)], ["a", "b"])
