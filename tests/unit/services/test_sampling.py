"""Samples of a series that comes in pieces: the same as of the whole, in the memory of a few pieces."""

import math
import random
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice, pairwise

import numpy as np
import pytest

from trackback.services.sampling import PIVOT_POINTS, sample
from trackback.storage.codec import Series

Point = tuple[int, int, float]  # step, timestamp, value


def of_points(points: list[Point]) -> Series:
    steps, timestamps, values = zip(*points, strict=True)
    return Series(np.array(timestamps, np.int64), np.array(steps, np.int64), np.array(values, np.float64))


def points_of(series: Series) -> list[str]:
    """Texts, since NaN is not equal to itself."""
    columns = (series.steps.tolist(), series.timestamps_ms.tolist(), series.values.tolist())
    return [repr(point) for point in zip(*columns, strict=True)]


def rank(point: Point) -> tuple[int, int, float, bool]:
    step, timestamp, value = point
    return step, timestamp, 0.0 if math.isnan(value) else value, math.isnan(value)


def by_definition(points: list[Point], count: int) -> list[str]:
    """What SQL's NTILE takes: of each part the first point, and of all the last."""
    ordered = sorted(points, key=rank)
    if len(ordered) <= count:
        return [repr(point) for point in ordered]
    parts: list[list[Point]] = [[] for _ in range(count)]
    left = iter(ordered)
    for number, part in enumerate(parts):
        part.extend(islice(left, len(ordered) // count + (number < len(ordered) % count)))
    return [repr(point) for point in [*[part[0] for part in parts][:-1], ordered[-1]]]


def in_time(points: list[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point[1], *rank(point)))


ORDERS: dict[str, Callable[[int, random.Random], Point]] = {
    "steps rise": lambda i, chance: (i, i, chance.random()),
    "steps fall": lambda i, chance: (-i, i, chance.random()),
    "steps begin anew": lambda i, chance: (i % 700, i, chance.random()),
    "no steps": lambda i, chance: (0, i, chance.random()),
    "any steps, and few timestamps": lambda i, chance: (chance.randrange(-9, 9), i // 5000, i / 7),
    "only values differ": lambda i, chance: (0, 0, (i - 3000) / 7 if i else math.nan),
    "the largest numbers": lambda i, chance: (
        chance.choice([-(2**63), 2**63 - 1]),
        i,
        chance.choice([-1.7e308, -0.0, 5e-324, math.nan]),
    ),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("count", [1, 2, 9, 2500, 9000])
def test_samples_of_pieces_are_those_of_the_whole(order: str, count: int) -> None:
    chance = random.Random(5)
    points = in_time([ORDERS[order](i, chance) for i in range(8000)])
    pieces = [of_points(points[start : start + 1100]) for start in range(0, len(points), 1100)]
    expected = by_definition(points, count)
    assert points_of(sample(lambda: pieces, count)) == expected
    assert points_of(sample(lambda: [of_points(points)], count)) == expected


def test_pieces_may_be_empty_or_smaller_than_a_pivot_is_from_the_next() -> None:
    points: list[Point] = [(step, step, 1.0) for step in range(3 * PIVOT_POINTS)]
    edges = [0, 0, 1, 2, PIVOT_POINTS, PIVOT_POINTS, len(points)]
    pieces = [of_points(points).taken(slice(*edge)) for edge in pairwise(edges)]
    assert points_of(sample(lambda: pieces, 10)) == by_definition(points, 10)
    assert sample(lambda: [piece.taken(slice(0)) for piece in pieces], 10).size == 0


@pytest.mark.parametrize("cycle", [2_000_000, 1000], ids=["steps rise", "steps begin anew"])
def test_a_long_series_is_never_in_memory_as_a_whole(cycle: int) -> None:
    size, whole = 65_536, 2_000_000

    def pieces() -> Iterator[Series]:
        for start in range(0, whole, size):
            numbers = np.arange(start, min(start + size, whole))
            yield Series(numbers, numbers % cycle, np.ones(numbers.size))

    tracemalloc.start()
    try:
        assert sample(pieces, 1000).size == 1000
        assert tracemalloc.get_traced_memory()[1] < whole * 24 / 2
    finally:
        tracemalloc.stop()
