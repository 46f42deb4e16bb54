"""Keys and values that differ, found by skipping from one to the next along an index, whatever lies between them."""

from typing import Any

from trackback.search import Kind, Operator
from trackback.storage.conditions import Fragment, predicate
from trackback.storage.indexed_terms import INDEXED_LENGTH, INDEXED_TEXT
from trackback.storage.interface import Transaction
from trackback.storage.run_terms import TABLES

_SKIPPING = (
    "WITH RECURSIVE found (it, n) AS ("
    "SELECT {first}, 1 UNION ALL SELECT {following}, n + 1 FROM found WHERE found.it IS NOT NULL AND n < ?"
    ") SELECT it FROM found WHERE it IS NOT NULL"
)


def keys_of_experiment(tx: Transaction, kind: Kind, experiment: int, limit: int) -> list[str]:
    """The keys that any run of the experiment has, those that were used first anywhere first; no more than so many."""
    one = f"(SELECT t.key FROM {TABLES[kind]} t WHERE t.experiment = ? AND t.key > {{after}} ORDER BY t.key LIMIT 1)"
    rows = tx.rows(
        _SKIPPING.format(first=one.format(after=0), following=one.format(after="found.it")),
        experiment,
        experiment,
        limit,
    )
    return tx.names([key for (key,) in rows])


def values_of_key(
    tx: Transaction, kind: Kind, experiment: int, key: int, limit: int, *, start: str = "", after: str | None = None
) -> list[str]:
    """The values of a param or tag, each once and in order: those that begin with ``start`` and come after ``after``.

    They are as long as the index has them: ``INDEXED_LENGTH`` characters.
    """
    found = _values(kind, experiment, key, limit, ">=" if after is None else ">", start if after is None else after)
    return [text for (text,) in tx.rows(found.sql, *found.values) if text.startswith(start)]


def matching_values(
    tx: Transaction, kind: Kind, experiment: int, key: int, operator: Operator, value: Any, limit: int
) -> list[str] | None:
    """Those values of a param or tag for which a comparison holds, and all that may be longer than the index has them;
    None where more than ``limit`` would have to be looked at.
    """
    found = _values(kind, experiment, key, limit + 1, ">=", "")
    test = predicate("v.it", operator, value)
    rows = tx.rows(
        f"SELECT v.it, {test.sql} OR length(v.it) >= {INDEXED_LENGTH} FROM ({found.sql}) v", *test.values, *found.values
    )
    return [text for text, holds in rows if holds] if len(rows) <= limit else None


def _values(kind: Kind, experiment: int, key: int, limit: int, sign: str, start: str) -> Fragment:
    among = f"FROM {TABLES[kind]} t WHERE t.experiment = ? AND t.key = ?"
    return Fragment(
        _SKIPPING.format(
            first=f"(SELECT {INDEXED_TEXT} {among} AND {INDEXED_TEXT} {sign} ? ORDER BY {INDEXED_TEXT} LIMIT 1)",
            following=f"(SELECT {INDEXED_TEXT} {among} AND {INDEXED_TEXT} > found.it ORDER BY {INDEXED_TEXT} LIMIT 1)",
        ),
        (experiment, key, start, experiment, key, limit),
    )
