"""Where the runs of a term are found: among the entries of its key, by the indexes on (experiment, key, value, run)."""

from typing import Any, NamedTuple

from trackback.search import Aggregate, Comparison, Field, Kind, Operator
from trackback.storage.conditions import NOTHING, Fragment, joined, number, predicate

INDEXED_LENGTH = 200
"""Characters of a param's or tag's value that its index has."""

INDEXED_TEXT = f"substr(t.value, 1, {INDEXED_LENGTH})"
"""What that is, of an entry ``t``."""

COLUMNS = {Aggregate.LAST: "value", Aggregate.MIN: "min", Aggregate.MAX: "max"}
RANGES = (Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)


class Place(NamedTuple):
    """The entries ``t`` of a key that a term holds of: those in a range of an index (None: anywhere), of which ``test``
    holds besides (None: all of them).
    """

    indexed: Fragment | None
    test: Fragment | None


def place(field: Field, operator: Operator, value: Any) -> Place | None:
    """Where a term's entries are; None where it is not on entries, or holds of runs that have none."""
    if operator is Operator.IS_NULL or field.kind not in (Kind.PARAM, Kind.TAG, Kind.METRIC):
        return None
    if operator is Operator.IS_NOT_NULL and field.aggregate is Aggregate.LAST:
        return Place(NOTHING, None)
    if field.kind is not Kind.METRIC:
        return _place_of_text(operator, value)
    if field.aggregate is not Aggregate.LAST:
        return Place(None, predicate(f"t.{COLUMNS[field.aggregate]}", operator, value))
    test = joined([number("t.value", operator, value)], "AND")
    return Place(test, None) if operator in (*RANGES, Operator.IN) else Place(None, test)


def _place_of_text(operator: Operator, value: Any) -> Place:
    """An index finds a long value by its start, and a pattern by its literal one: the rest is left to a test."""
    start, test = INDEXED_TEXT, predicate("t.value", operator, value)
    if operator is Operator.EQUAL:
        indexed = predicate(start, operator, value[:INDEXED_LENGTH])
        return Place(indexed, None if len(value) < INDEXED_LENGTH else test)
    if operator is Operator.IN:
        indexed = predicate(start, operator, tuple(each[:INDEXED_LENGTH] for each in value))
        return Place(indexed, None if all(len(each) < INDEXED_LENGTH for each in value) else test)
    if operator is Operator.LIKE and (prefix := _literal_prefix(value)):
        return Place(Fragment(f"{start} >= ? AND {start} < ?", (prefix, successor(prefix))), test)
    return Place(None, test)


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


def successor(prefix: str) -> str:
    """The least text, by code points, that is greater than all that begin with ``prefix``."""
    last = ord(prefix[-1])
    if last == 0x10FFFF:
        return successor(prefix[:-1]) if len(prefix) > 1 else prefix * (INDEXED_LENGTH + 1)
    following = 0xE000 if last == 0xD7FF else last + 1
    return prefix[:-1] + chr(following)
