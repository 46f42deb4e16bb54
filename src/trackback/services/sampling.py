"""Sampling a series by the order of its steps, while only a piece of it is in memory at a time."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trackback.storage.codec import Ints, Series, merged

Keys: TypeAlias = npt.NDArray[np.bytes_]

# Each piece gives one pivot for so many points, so that about as many of all pieces' points lie between two pivots.
PIVOT_POINTS = 128
_STRIDE = 79  # by the golden ratio: however many multiples of it are taken modulo 128, they lie evenly apart

_SIGN = np.uint64(1 << 63)


def sample(pieces: Callable[[], Iterable[Series]], count: int) -> Series:
    """The first point of each of ``count`` equal parts of a series ordered by step, and always the last point.

    It cuts as SQL's NTILE does (the first parts get what is left over), and puts the last point in the place of the
    last sample where there is no room: MLflow 3.18 does so, measured through its API.

    Each call of ``pieces`` reads the series: at least one piece, and no point twice. Steps may go up and down within
    it, so that one of several pieces is read three times: for pivots, to count what comes before each pivot, and for
    the points of those spans, from one pivot to the next, that samples are in.
    """
    first, *others = islice(pieces(), 2)
    if not others:
        return first.taken(np.argsort(_keys(first))[_ranks(first.size, count)])
    pivots = np.sort(np.concatenate([_pivots(piece, number) for number, piece in enumerate(pieces())]))
    before, total = np.zeros(pivots.size, np.int64), 0
    for piece in pieces():
        before += np.searchsorted(_sorted_keys(piece), pivots)
        total += piece.size
    ranks = _ranks(total, count)
    spans = np.searchsorted(before, ranks, "right")
    has_sample = np.isin(np.arange(pivots.size + 1), spans)
    near = merged([piece.taken(has_sample[_spans(piece, pivots)]) for piece in pieces()])
    sizes = np.diff(before, prepend=0, append=total)
    skipped = np.cumsum(np.where(has_sample, 0, sizes))
    return near.taken(np.argsort(_keys(near))[ranks - skipped[spans]])


def _pivots(piece: Series, number: int) -> Keys:
    """Begins elsewhere in each piece: where all pieces have the same steps, their pivots would else lie together."""
    return _sorted_keys(piece)[number * _STRIDE % PIVOT_POINTS :: PIVOT_POINTS].copy()


def _spans(piece: Series, pivots: Keys) -> Ints:
    """For each point, how many pivots come before it, or are it."""
    return np.searchsorted(pivots, _keys(piece), "right")


def _ranks(total: int, count: int) -> Ints:
    """The places of the samples in the order of steps."""
    if total <= count:
        return np.arange(total)
    size, larger = divmod(total, count)
    parts = np.arange(count)
    ranks = parts * size + np.minimum(parts, larger)
    ranks[-1] = total - 1
    return ranks


def _sorted_keys(series: Series) -> Keys:
    keys = _keys(series)
    return keys if (keys[1:] > keys[:-1]).all() else np.sort(keys)


def _keys(series: Series) -> Keys:
    """Of each point a text of 32 bytes; they sort as points do: by step, timestamp, value, and NaN after 0."""
    is_nan = np.isnan(series.values)
    values = (np.where(is_nan, 0.0, series.values) + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
    keys = np.empty((series.size, 4), ">u8")
    keys[:, 0] = series.steps.view(np.uint64) ^ _SIGN
    keys[:, 1] = series.timestamps_ms.view(np.uint64) ^ _SIGN
    keys[:, 2] = np.where(values & _SIGN, ~values, values | _SIGN)
    keys[:, 3] = is_nan
    return keys.view("S32").reshape(-1)
