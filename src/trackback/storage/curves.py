"""Curves: a series as a chart of some hundred intervals shows it, read without opening more of it than that takes."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from trackback.storage import history, summaries
from trackback.storage.codec import EMPTY, Floats, Ints, Series, merged
from trackback.storage.interface import Transaction
from trackback.storage.summaries import Outline, Stretches

MOST_OPENED = 64
"""Chunks that are read for a curve, at most: half a million points."""

FINE = 0.5
"""A stretch is as good as its points if it is no longer than this part of an interval."""

Places: TypeAlias = npt.NDArray[np.intp]


class Window(NamedTuple):
    """What of a series is shown, both ends included: steps, or milliseconds since the epoch."""

    start: float
    stop: float


class Curve(NamedTuple):
    """``series``: points as they were logged, ordered by what they are drawn over.

    Of each interval it has the least, the greatest and the last point, and beyond the window the nearest on either
    side. ``means`` are those of the intervals that have any, at ``mean_places``. ``whole``: there are no more points
    than these, in the window or outside. ``points`` counts all of the series, a repeated one twice; ``nans`` those of
    the window that are no number. ``extent`` is that of the whole series.
    """

    series: Series
    mean_places: Floats
    means: Floats
    whole: bool
    points: int
    nans: int
    extent: Window | None


NOTHING = Curve(EMPTY, np.empty(0), np.empty(0), True, 0, 0, None)


def read(tx: Transaction, run: int, key: int, *, over_steps: bool, window: Window | None, intervals: int) -> Curve:
    """A series over its steps, or over time. ``window``: only what is in it; None: all."""
    outline = summaries.outline(tx, run, key)
    rest = merged([history.unsealed(tx, run, key), *(history.chunk(tx, number) for number in outline.rest)])
    points = int(outline.stretches["points"].sum()) + rest.size
    if not points:
        return NOTHING
    extent = _extent(outline.stretches, rest, over_steps)
    if not outline.stretches.size and points <= 3 * intervals:
        return _whole(_ordered(rest, over_steps), over_steps, extent)
    shown = window or extent
    opened = _to_open(outline, over_steps, shown, (shown.stop - shown.start) / intervals)
    fine = merged([*(history.chunk(tx, int(number)) for number in opened), rest])
    coarse = outline.stretches[~np.isin(outline.chunks, opened)]
    curve = _cut(fine, coarse, over_steps, shown, intervals)
    return curve._replace(points=points, extent=extent)


def _whole(series: Series, over_steps: bool, extent: Window) -> Curve:
    values = series.values
    places = _places(series, over_steps)
    numbers = ~np.isnan(values)
    return Curve(series, places[numbers], values[numbers], True, series.size, int((~numbers).sum()), extent)


def _extent(stretches: Stretches, rest: Series, over_steps: bool) -> Window:
    least, most = _spans(stretches, over_steps)
    places = _places(rest, over_steps)
    return Window(
        min(float(each.min()) for each in (least, places) if each.size),
        max(float(each.max()) for each in (most, places) if each.size),
    )


def _spans(stretches: Stretches, over_steps: bool) -> tuple[Floats, Floats]:
    """Where each stretch begins and ends."""
    names = ("least_step", "most_step") if over_steps else ("first_ms", "last_ms")
    return stretches[names[0]].astype(np.float64), stretches[names[1]].astype(np.float64)


def _places(series: Series, over_steps: bool) -> Floats:
    """What points are drawn over. Whole numbers beyond 2^53 lose their last digits, which no chart shows."""
    return (series.steps if over_steps else series.timestamps_ms).astype(np.float64)


def _to_open(outline: Outline, over_steps: bool, window: Window, width: float) -> Ints:
    """The chunks of which points are to be shown that their stretches don't tell: the coarsest, by their order."""
    least, most = _spans(outline.stretches, over_steps)
    if not least.size:
        return np.empty(0, np.int64)
    coarse = (most >= window.start) & (least <= window.stop) & (most - least > FINE * width)
    before, after = most < window.start, least > window.stop
    if before.any():
        coarse[np.where(before, most, -np.inf).argmax()] = True
    if after.any():
        coarse[np.where(after, least, np.inf).argmin()] = True
    wide = np.flatnonzero(coarse)
    wide = wide[np.argsort(least[wide] - most[wide], kind="stable")]
    _, first = np.unique(outline.chunks[wide], return_index=True)
    coarsest = wide[np.sort(first)[:MOST_OPENED]]
    return outline.chunks[np.sort(coarsest)]


def _cut(fine: Series, coarse: Stretches, over_steps: bool, window: Window, intervals: int) -> Curve:
    fine = _ordered(fine, over_steps)
    kept = _thinned(fine, over_steps, window, intervals)
    if coarse.size:
        both = _joined(kept, _points_of(coarse))
        kept = _thinned(_ordered(both, over_steps), over_steps, window, intervals)
    tally = _tally(fine, coarse, over_steps, window, intervals)
    has_any = tally.counts > 0
    counts = tally.counts[has_any]
    return Curve(kept, tally.places[has_any] / counts, tally.totals[has_any] / counts, False, 0, tally.nans, None)


def _joined(one: Series, other: Series) -> Series:
    return Series(
        np.concatenate([one.timestamps_ms, other.timestamps_ms]),
        np.concatenate([one.steps, other.steps]),
        np.concatenate([one.values, other.values]),
    )


def _thinned(series: Series, over_steps: bool, window: Window, intervals: int) -> Series:
    """Of an ordered series, the least, greatest and last of each interval, and the neighbours of the window."""
    places = _places(series, over_steps)
    start, stop = _inside(places, window)
    chosen = start + _extremes(series.values[start:stop], _bins(places[start:stop], window, intervals))
    before, after = np.arange(max(start - 1, 0), start), np.arange(stop, min(stop + 1, series.size))
    return series.taken(np.concatenate([before, chosen, after]))


def _inside(places: Floats, window: Window) -> tuple[int, int]:
    """The first of ordered places in the window, and the one after the last."""
    return int(np.searchsorted(places, window.start, "left")), int(np.searchsorted(places, window.stop, "right"))


def _points_of(stretches: Stretches) -> Series:
    """The least, greatest and last points of stretches; of those that are all NaN only the last."""
    columns = [
        np.concatenate([stretches[f"{point}_{column}"] for point in ("min", "max", "last")])
        for column in ("ms", "step", "value")
    ]
    is_number = np.concatenate([*[~np.isnan(stretches["min_value"])] * 2, np.ones(stretches.size, np.bool_)])
    return merged([Series(*columns).taken(is_number)])


def _ordered(series: Series, over_steps: bool) -> Series:
    first, second = series.timestamps_ms, series.steps
    if over_steps:
        first, second = second, first
    if (first[1:] > first[:-1]).all():
        return series
    return series.taken(np.lexsort((second, first)))


def _bins(places: Floats, window: Window, intervals: int) -> Places:
    """The interval that each place in the window is in."""
    found = places - window.start
    found *= intervals / (window.stop - window.start or 1.0)
    np.minimum(found, intervals - 1, out=found)
    return found.astype(np.intp)


def _extremes(values: Floats, bins: Places) -> Places:
    """Where, in points ordered by their interval, each has its least, its greatest and its last."""
    if not values.size:
        return np.empty(0, np.intp)
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    sizes = np.diff(starts, append=values.size)
    chosen = [starts + sizes - 1]
    for extreme in (np.fmin, np.fmax):  # which skip NaN
        is_extreme = np.flatnonzero(values == np.repeat(extreme.reduceat(values, starts), sizes))
        chosen.append(is_extreme[np.flatnonzero(np.diff(bins[is_extreme], prepend=-1))])
    return np.unique(np.concatenate(chosen))


class _Tally(NamedTuple):
    """Of each interval how many numbers it has, their sum, and that of their places; and how many NaN there are."""

    counts: Floats
    totals: Floats
    places: Floats
    nans: int


def _tally(fine: Series, coarse: Stretches, over_steps: bool, window: Window, intervals: int) -> _Tally:
    """A stretch counts where its middle is."""
    places = _places(fine, over_steps)
    start, stop = _inside(places, window)
    is_nan = np.isnan(fine.values[start:stop])
    points = _count(places[start:stop], fine.values[start:stop], ~is_nan, int(is_nan.sum()), window, intervals)
    if not coarse.size:
        return points
    least, most = _spans(coarse, over_steps)
    middles = (least + most) / 2
    shown = coarse[(middles >= window.start) & (middles <= window.stop)]
    middles = middles[(middles >= window.start) & (middles <= window.stop)]
    numbers = (shown["points"] - shown["nans"]).astype(np.float64)
    stretches = _count(middles, shown["total"], numbers, int(shown["nans"].sum()), window, intervals)
    return _Tally(
        points.counts + stretches.counts,
        points.totals + stretches.totals,
        points.places + stretches.places,
        points.nans + stretches.nans,
    )


def _count(
    places: Floats,
    totals: Floats,
    numbers: "npt.NDArray[np.bool_] | Floats",
    nans: int,
    window: Window,
    intervals: int,
) -> _Tally:
    bins = _bins(places, window, intervals)
    has_any = numbers > 0
    if not has_any.all():
        bins, places, totals, numbers = bins[has_any], places[has_any], totals[has_any], numbers[has_any]
    return _Tally(
        np.bincount(bins, numbers, intervals).astype(np.float64, copy=False),
        np.bincount(bins, totals, intervals).astype(np.float64, copy=False),
        np.bincount(bins, places * numbers, intervals).astype(np.float64, copy=False),
        nans,
    )
