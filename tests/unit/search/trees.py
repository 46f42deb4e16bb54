"""Trees of filters on runs: how hypothesis makes them, how they are written, and which runs they match."""

import operator
import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from trackback.search import Aggregate, And, Comparison, Field, Kind, Node, Operator, Or

Run = dict[Field, Any]
"""What a run has: no entry is a missing key."""

_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_keys = _texts.filter(lambda key: key != "" and "`" not in key)
_values = _texts.filter(lambda text: not ("'" in text and '"' in text))
_numbers = st.floats(allow_nan=False, allow_infinity=False)
_integers = st.integers(-(2**63), 2**63 - 1)

_RANGES = ["=", "!=", "<", "<=", ">", ">="]
_PATTERNS = ["=", "!=", "LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"]
_NULLS = ["IS NULL", "IS NOT NULL"]


def _comparisons_of(
    fields: st.SearchStrategy[Field], operators: list[str], values: st.SearchStrategy[Any]
) -> st.SearchStrategy[Comparison]:
    lists = st.lists(values, min_size=1, max_size=3, unique=True).map(tuple)
    return st.one_of(
        st.builds(Comparison, fields, st.sampled_from([Operator(text) for text in operators]), values),
        st.builds(Comparison, fields, st.sampled_from([Operator.IN, Operator.NOT_IN]), lists),
    )


_metrics = st.builds(Field, st.just(Kind.METRIC), _keys, st.sampled_from(Aggregate))
_keyed_texts = st.builds(Field, st.sampled_from([Kind.PARAM, Kind.TAG]), _keys)
_text_attributes = st.sampled_from(["run_id", "run_name", "user_id", "status", "artifact_uri"])
_number_attributes = st.sampled_from(["start_time", "end_time"])
_dataset_attributes = st.sampled_from(["name", "digest", "context"])

fields = st.one_of(
    _metrics,
    _keyed_texts,
    st.builds(Field, st.just(Kind.ATTRIBUTE), _text_attributes | _number_attributes),
)

comparisons = st.one_of(
    _comparisons_of(_metrics, _RANGES, _numbers),
    _comparisons_of(_keyed_texts, _PATTERNS, _values),
    _comparisons_of(st.builds(Field, st.just(Kind.ATTRIBUTE), _text_attributes), _PATTERNS, _values),
    _comparisons_of(st.builds(Field, st.just(Kind.ATTRIBUTE), _number_attributes), _RANGES, _integers),
    _comparisons_of(st.builds(Field, st.just(Kind.DATASET), _dataset_attributes), _PATTERNS, _values),
    st.builds(Comparison, _metrics | _keyed_texts, st.sampled_from([Operator(text) for text in _NULLS])),
)


def trees(leaves: st.SearchStrategy[Comparison] = comparisons) -> st.SearchStrategy[Node]:
    """Trees in the form that the parser gives: no And directly under an And, no Or under an Or."""

    def grown(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        lists = st.lists(children, min_size=2, max_size=4)
        return lists.map(lambda nodes: joined(And, nodes)) | lists.map(lambda nodes: joined(Or, nodes))

    return st.recursive(leaves, grown, max_leaves=12)


def joined(kind: type[And] | type[Or], nodes: list[Node]) -> Node:
    parts: list[Node] = []
    for node in nodes:
        parts += node.children if isinstance(node, kind) else [node]
    return kind(tuple(parts))


def written(node: Node) -> str:
    """A text that means ``node``."""
    match node:
        case And(children):
            return " AND ".join(
                f"({written(child)})" if isinstance(child, Or) else written(child) for child in children
            )
        case Or(children):
            return " OR ".join(written(child) for child in children)
        case Comparison(field, comparator, value):
            return f"{written_field(field)} {comparator} {_written_value(value)}".rstrip()


def written_field(field: Field) -> str:
    name = f"{field.kind}.`{field.key}`"
    return name if field.aggregate is Aggregate.LAST else f"{field.aggregate}({name})"


def _written_value(value: Any) -> str:
    match value:
        case None:
            return ""
        case tuple():
            return f"({', '.join(_written_value(item) for item in value)})"
        case str():
            return f'"{value}"' if "'" in value else f"'{value}'"
        case _:
            return repr(value)


_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.NOT_EQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.LIKE: lambda value, pattern: _like(value, pattern),
    Operator.NOT_LIKE: lambda value, pattern: not _like(value, pattern),
    Operator.ILIKE: lambda value, pattern: _like(value.lower(), pattern.lower()),
    Operator.NOT_ILIKE: lambda value, pattern: not _like(value.lower(), pattern.lower()),
    Operator.IN: lambda value, values: value in values,
    Operator.NOT_IN: lambda value, values: value not in values,
}


def matches(run: Run, node: Node | None) -> bool:
    """What the docstring of ``trackback.search.syntax`` says, data sets aside."""
    match node:
        case None:
            return True
        case And(children):
            return all(matches(run, child) for child in children)
        case Or(children):
            return any(matches(run, child) for child in children)
        case Comparison(field, Operator.IS_NULL, _):
            return field not in run
        case Comparison(field, Operator.IS_NOT_NULL, _):
            return field in run
        case Comparison(field, comparator, value):
            return field in run and _COMPARE[comparator](run[field], value)


def _like(value: str, pattern: str) -> bool:
    parts = (".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None
