"""What was logged to runs, by key: for tables and charts of many runs at once, without a struct for each value."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from trackback.search import Aggregate
from trackback.storage.conditions import Fragment
from trackback.storage.indexed_terms import COLUMNS
from trackback.storage.interface import Row, Transaction

T = TypeVar("T")

Columns = dict[str, dict[int, T]]
"""The values of each key, by the number of the run."""

Names = Sequence[str] | None
"""The only keys that are read; None: all."""


def params(tx: Transaction, runs: Sequence[int], names: Names = None) -> Columns[str]:
    named = _named(tx, names)
    rows = tx.rows(f"SELECT key, run, value FROM params WHERE run {{ints}}{named.sql}", list(runs), *named.values)
    return _by_key(tx, rows)


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


def metrics(
    tx: Transaction, runs: Sequence[int], aggregate: Aggregate = Aggregate.LAST, names: Names = None
) -> Columns[float]:
    """The last, the least or the greatest value of each metric; NaN where that is all there is."""
    column = COLUMNS[aggregate]
    named = _named(tx, names)
    rows = tx.rows(
        f"SELECT key, run, {column}, is_nan FROM latest_metrics WHERE run {{ints}}{named.sql}",
        list(runs),
        *named.values,
    )
    is_last = aggregate is Aggregate.LAST
    return _by_key(
        tx, [(key, run, math.nan if value is None or (is_last and nan) else value) for key, run, value, nan in rows]
    )


def _named(tx: Transaction, names: Names) -> Fragment:
    if names is None:
        return Fragment("")
    return Fragment(" AND key {ints}", ([*tx.known_name_ids(names).values()],))


def _by_key(tx: Transaction, rows: Sequence[Row]) -> Columns[T]:
    found: defaultdict[int, dict[int, T]] = defaultdict(dict)
    for key, run, value in rows:
        found[key][run] = value
    return dict(zip(tx.names(list(found)), found.values(), strict=True))
