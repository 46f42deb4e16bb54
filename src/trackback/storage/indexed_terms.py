"""What an index can answer of a filter of runs: the indexes are on (experiment, key, value, run)."""

from typing import Any, NamedTuple

from trackback.search import Aggregate, Comparison, Field, Kind, Operator
from trackback.storage.conditions import NOTHING, Fragment, joined, predicate

INDEXED_LENGTH = 200
"""Characters of a param's or tag's value that its index has."""

RANGES = (Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)


class Indexed(NamedTuple):
    """What an index finds for a term: all of its runs, and no others where it is ``exact``."""

    condition: Fragment
    exact: bool


def indexed(field: Field, operator: Operator, value: Any) -> Indexed | None:
    """What an index on the value can answer, without a look at the row."""
    if field.kind is Kind.METRIC and field.aggregate is Aggregate.LAST:
        if operator in RANGES or operator is Operator.IN:
            return Indexed(joined((Fragment("t.is_nan = 0"), predicate("t.value", operator, value)), "AND"), True)
    elif field.kind in (Kind.PARAM, Kind.TAG):
        start = f"substr(t.value, 1, {INDEXED_LENGTH})"
        if operator is Operator.EQUAL:
            return Indexed(predicate(start, operator, value[:INDEXED_LENGTH]), len(value) < INDEXED_LENGTH)
        if operator is Operator.IN:
            starts = tuple(each[:INDEXED_LENGTH] for each in value)
            return Indexed(predicate(start, operator, starts), all(len(each) < INDEXED_LENGTH for each in value))
        if operator is Operator.LIKE and (prefix := _literal_prefix(value)):
            return Indexed(Fragment(f"{start} >= ? AND {start} < ?", (prefix, _successor(prefix))), False)
    else:
        return None
    if operator is Operator.IS_NOT_NULL and field.aggregate is Aggregate.LAST:
        return Indexed(NOTHING, True)
    return None


def commonness(term: Comparison) -> int:
    """A guess at how many runs a term leaves, for the order in which terms are counted."""
    if term.field.kind is Kind.ATTRIBUTE:
        return 0
    if term.operator is Operator.EQUAL:
        return 1
    if term.operator in (Operator.IN, Operator.LIKE):
        return 2
    return 4 if term.operator is Operator.IS_NOT_NULL else 3


def _literal_prefix(pattern: str) -> str:
    wild = [place for place in (pattern.find("%"), pattern.find("_")) if place >= 0]
    return pattern[: min(wild, default=len(pattern))][:INDEXED_LENGTH]


def _successor(prefix: str) -> str:
    """The least text, by code points, that is greater than all that begin with ``prefix``."""
    last = ord(prefix[-1])
    if last == 0x10FFFF:
        return _successor(prefix[:-1]) if len(prefix) > 1 else prefix * (INDEXED_LENGTH + 1)
    following = 0xE000 if last == 0xD7FF else last + 1
    return prefix[:-1] + chr(following)
