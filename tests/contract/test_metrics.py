"""Metric series: what is appended comes back, once, in order, whatever shape it lies in on disk."""

import base64
import math
import random

import pytest

from trackback import limits
from trackback.entities import ANYONE, Metric, Points
from trackback.errors import InvalidParameter
from trackback.services.experiments import Experiments
from trackback.services.metrics import Metrics
from trackback.services.run_log import RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage, history, runs, sealing


class Logger:
    """A run to log to, and its history to look at."""

    def __init__(self, storage: Storage, run_id: str) -> None:
        self._storage = storage
        self._sealer = Sealer(storage)
        self._run_log = RunLog(storage, self._sealer)
        self.run_id = run_id
        self.metrics = Metrics(storage, self._sealer)

    async def log(self, *points: tuple[str, float, int, int]) -> None:
        """Points as (key, value, timestamp, step)."""
        keys, values, timestamps, steps = zip(*points, strict=True)
        await self._run_log.log(ANYONE, self.run_id, points=Points(keys, steps, timestamps, values))

    async def seal(self) -> None:
        record = await self._storage.read(lambda tx: runs.find(tx, self.run_id))
        assert record is not None
        await self._sealer.seal(record.id)

    async def history(self, key: str) -> list[tuple[float, int, int]]:
        page = await self.metrics.history(ANYONE, self.run_id, key)
        return [(point.value, point.timestamp, point.step) for point in page.items]

    async def latest(self) -> dict[str, Metric]:
        run = await Runs(self._storage).get(ANYONE, self.run_id)
        return {metric.key: metric for metric in run.data.metrics}

    async def matches(self, condition: str) -> bool:
        """Whether a search finds the run."""
        runs = Runs(self._storage)
        experiment = (await runs.get(ANYONE, self.run_id)).info.experiment_id
        return bool((await runs.search(ANYONE, [experiment], filter_text=condition)).items)


def rank(value: float, timestamp: int, step: int) -> tuple[int, int, float, bool]:
    """A point's place in a history, by MLflow's rule, and all that tells it from others: NaN counts as 0."""
    is_nan = math.isnan(value)
    return timestamp, step, 0.0 if is_nan else value, is_nan


@pytest.fixture
async def logger(storage: Storage) -> Logger:
    experiment = await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "metrics")
    run = await Runs(storage).create(ANYONE, experiment)
    return Logger(storage, run.info.run_id)


async def test_a_history_is_ordered_by_timestamp_then_step_then_value(logger: Logger) -> None:
    await logger.log(("loss", 3.0, 20, 0), ("loss", 2.0, 10, 7), ("loss", 1.0, 10, -1), ("loss", 0.5, 10, 7))
    assert await logger.history("loss") == [(1.0, 10, -1), (0.5, 10, 7), (2.0, 10, 7), (3.0, 20, 0)]


async def test_a_repeated_point_counts_once_also_when_its_first_copy_is_sealed(logger: Logger) -> None:
    await logger.log(("loss", 1.0, 10, 0), ("loss", 1.0, 10, 0))
    await logger.seal()
    await logger.log(("loss", 1.0, 10, 0), ("loss", 2.0, 11, 1))
    assert await logger.history("loss") == [(1.0, 10, 0), (2.0, 11, 1)]
    await logger.seal()
    assert await logger.history("loss") == [(1.0, 10, 0), (2.0, 11, 1)]


async def test_nan_comes_back_and_counts_as_zero_in_order(logger: Logger) -> None:
    await logger.log(
        ("m", math.nan, 5, 0), ("m", 0.0, 5, 0), ("m", 1.0, 5, 0), ("m", -1.0, 5, 0), ("m", math.nan, 5, 0)
    )
    await logger.seal()
    values = [value for value, _, _ in await logger.history("m")]
    assert values[:2] == [-1.0, 0.0]
    assert math.isnan(values[2])
    assert values[3:] == [1.0]


async def test_infinities_are_clamped_to_the_largest_doubles(logger: Logger) -> None:
    await logger.log(("m", math.inf, 1, 0), ("m", -math.inf, 2, 0))
    assert [value for value, _, _ in await logger.history("m")] == [limits.LARGEST_DOUBLE, -limits.LARGEST_DOUBLE]


@pytest.mark.parametrize("chunk", [None, sealing.CHUNK_POINTS, 64], ids=["unsealed", "sealed", "in many chunks"])
async def test_pages_put_together_are_the_history_wherever_they_are_cut(
    logger: Logger, chunk: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "CHUNK_POINTS", chunk)
    chance = random.Random(7)
    expected = set()
    for _ in range(12):
        values = chance.choices([-1.0, 0.0, 1.0, 2.0, math.nan], k=900)
        batch = [("m", value, chance.randrange(40), chance.randrange(40)) for value in values]
        expected |= {rank(value, timestamp, step) for _, value, timestamp, step in batch}
        await logger.log(*batch, ("other", 1.0, 1, 1))
        if chunk:
            await logger.seal()
    for size in (1000, 1, 777):
        found: list[Metric] = []
        token = ""
        while token is not None:
            page = await logger.metrics.history(ANYONE, logger.run_id, "m", max_results=size, page_token=token)
            assert len(page.items) <= size
            found.extend(page.items)
            token = page.next_page_token  # type: ignore[assignment]
            if size == 1 and len(found) > 50:
                break
        ordered = [rank(point.value, point.timestamp, point.step) for point in found]
        assert ordered == sorted(expected)[: len(ordered)]
        assert size == 1 or len(ordered) == len(expected)


async def test_the_latest_is_the_greatest_step_then_timestamp_then_value(logger: Logger) -> None:
    await logger.log(("m", 9.0, 100, 1))
    await logger.log(("m", 1.0, 50, 2))
    await logger.log(("m", 8.0, 900, 1))
    latest = (await logger.latest())["m"]
    assert (latest.value, latest.timestamp, latest.step) == (1.0, 50, 2)
    await logger.log(("m", 3.0, 50, 2), ("m", 2.0, 50, 2))
    assert (await logger.latest())["m"].value == 3.0


async def test_the_latest_may_be_nan_which_counts_as_zero_when_all_else_is_equal(logger: Logger) -> None:
    await logger.log(("m", math.nan, 1, 1), ("m", -1.0, 1, 1))
    assert math.isnan((await logger.latest())["m"].value)
    await logger.log(("m", 0.5, 1, 1))
    assert (await logger.latest())["m"].value == 0.5


async def test_extremes_are_of_all_points_but_nan(logger: Logger) -> None:
    await logger.log(("m", 3.0, 1, 1), ("m", math.nan, 2, 2), ("n", math.nan, 1, 1))
    await logger.log(("m", -4.0, 0, 0), ("m", 2.0, 9, 9))
    assert await logger.matches("min(metrics.m) = -4 AND max(metrics.m) = 3")
    assert await logger.matches("min(metrics.n) IS NULL AND max(metrics.n) IS NULL AND metrics.n IS NOT NULL")


async def test_the_largest_integers_survive_sealing(logger: Logger) -> None:
    points = [(1.5, 0, limits.INT64_MIN), (2.5, 1, limits.INT64_MAX), (3.5, limits.INT64_MAX, 0)]
    await logger.log(*(("m", value, timestamp, step) for value, timestamp, step in points))
    await logger.seal()
    assert await logger.history("m") == points


async def test_many_keys_of_one_batch_keep_apart(logger: Logger) -> None:
    for step in range(3):
        await logger.log(*((f"layer/{i}", i + step / 10, step, step) for i in range(1000)))
        await logger.seal()
    assert await logger.history("layer/999") == [(999.0, 0, 0), (999.1, 1, 1), (999.2, 2, 2)]
    assert len(await logger.latest()) == 1000


async def test_an_unknown_run_or_key_has_an_empty_history(logger: Logger) -> None:
    assert await logger.history("never") == []
    assert (await logger.metrics.history(ANYONE, "0" * 32, "m")).items == ()


@pytest.mark.parametrize(
    ("count", "steps"),
    [
        (3, [0, 1000, 2999]),
        (2, [0, 2999]),
        (1, [2999]),
        (10, [0, 300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2999]),
    ],
)
async def test_samples_are_those_that_mlflow_takes(logger: Logger, count: int, steps: list[int]) -> None:
    for start in range(0, 3000, 1000):
        await logger.log(*(("m", 1.0, 5, step) for step in range(start, start + 1000)))
    sample = await logger.metrics.sampled_history(ANYONE, [logger.run_id], "m", max_results=count)
    assert [point.step for point in sample] == steps


async def test_samples_of_a_range_begin_and_end_with_it(logger: Logger) -> None:
    await logger.log(*(("m", 1.0, 5, step) for step in range(1000)))
    sample = await logger.metrics.sampled_history(
        ANYONE, [logger.run_id], "m", start_step=100, end_step=200, max_results=5
    )
    assert [point.step for point in sample] == [100, 121, 141, 161, 200]


async def test_samples_of_what_lies_in_many_chunks_are_those_of_the_whole(
    logger: Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "CHUNK_POINTS", 64)
    monkeypatch.setattr(history, "PIECE_POINTS", 150)
    chance = random.Random(7)
    points: set[tuple[int, int, float]] = set()
    for batch in range(8):
        logged = [(chance.randrange(500), 300 * batch + chance.randrange(400), 1.0) for _ in range(300)]
        points.update(logged)
        await logger.log(*(("m", value, timestamp, step) for step, timestamp, value in [*logged, *logged[:9]]))
        if batch < 7:
            await logger.seal()
    for start, end, count in [(None, None, 7), (None, None, 2500), (100, 300, 50), (100, 300, 2500), (501, 502, 5)]:
        sample = await logger.metrics.sampled_history(
            ANYONE, [logger.run_id], "m", start_step=start, end_step=end, max_results=count
        )
        ordered = sorted(point for point in points if start is None or end is None or start <= point[0] <= end)
        assert len(sample) == min(count, len(ordered))
        found = [(point.step, point.timestamp, point.value) for point in sample]
        size, larger = divmod(len(ordered), count)
        starts = [part * size + min(part, larger) for part in range(count)]
        assert found == (ordered if size == 0 else [ordered[start] for start in starts[:-1]] + ordered[-1:])


async def test_the_limit_of_a_bulk_history_is_over_all_runs(logger: Logger, storage: Storage) -> None:
    other = Logger(storage, (await Runs(storage).create(ANYONE, "1")).info.run_id)
    for run in (logger, other):
        await run.log(*(("m", float(step), step, step) for step in range(10)))
    found = await logger.metrics.bulk_history(ANYONE, [other.run_id, logger.run_id], "m", 15)
    first, second = sorted([logger.run_id, other.run_id])
    assert [point.run_id for point in found] == [first] * 10 + [second] * 5
    assert [point.step for point in found] == [*range(10), *range(5)]


@pytest.mark.parametrize(
    "token",
    ["x", "eyJvZmZzZXQiOiAxfQ==", "WzEsMSwibmFuIiwwXQ==", base64.b64encode(b"[9223372036854775808,1,0.5,0]").decode()],
    ids=["no base64", "another search's", "a text for a number", "beyond 64 bits"],
)
async def test_a_token_that_is_none_of_ours_is_refused(logger: Logger, token: str) -> None:
    with pytest.raises(InvalidParameter, match="Invalid page token"):
        await logger.metrics.history(ANYONE, logger.run_id, "m", max_results=1, page_token=token)
