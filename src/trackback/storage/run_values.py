"""What was logged to runs, by key: for tables and charts of many runs at once, without a struct for each value."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from trackback.search import Aggregate
from trackback.storage.indexed_terms import COLUMNS
from trackback.storage.interface import Row, Transaction

T = TypeVar("T")

Columns = dict[str, dict[int, T]]
"""The values of each key, by the number of the run."""


def params(tx: Transaction, runs: Sequence[int]) -> Columns[str]:
    return _by_key(tx, tx.rows("SELECT key, run, value FROM params WHERE run {ints}", list(runs)))


def tags(tx: Transaction, runs: Sequence[int]) -> Columns[str]:
    return _by_key(tx, tx.rows("SELECT key, run, value FROM tags WHERE run {ints}", list(runs)))


def tags_named(tx: Transaction, runs: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, str]]:
    """Some tags of those of the runs that have any of them, by run and name."""
    known = {number: name for name, number in tx.known_name_ids(names).items()}
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for run, key, value in tx.rows(
        "SELECT run, key, value FROM tags WHERE run {ints} AND key {ints}", list(runs), list(known)
    ):
        found[run][known[key]] = value
    return found


def metrics(tx: Transaction, runs: Sequence[int], aggregate: Aggregate = Aggregate.LAST) -> Columns[float]:
    """The last, the least or the greatest value of each metric; NaN where that is all there is."""
    column = COLUMNS[aggregate]
    rows = tx.rows(f"SELECT key, run, {column}, is_nan FROM latest_metrics WHERE run {{ints}}", list(runs))
    is_last = aggregate is Aggregate.LAST
    return _by_key(
        tx, [(key, run, math.nan if value is None or (is_last and nan) else value) for key, run, value, nan in rows]
    )


def _by_key(tx: Transaction, rows: Sequence[Row]) -> Columns[T]:
    found: defaultdict[int, dict[int, T]] = defaultdict(dict)
    for key, run, value in rows:
        found[key][run] = value
    return dict(zip(tx.names(list(found)), found.values(), strict=True))
