"""From a filter's syntax tree to SQL, for any target: a target says only what a comparison of its fields comes to.

Never a join a term: each term of a kind that has many rows an entity is a scalar subquery, which costs the planner
nothing and yields NULL, so no match, where the key is missing.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from trackback.entities import LifecycleStage, ViewType
from trackback.search import And, Comparison, Node, Operator


class Fragment(NamedTuple):
    """A piece of SQL and the values of its placeholders."""

    sql: str
    values: tuple[Any, ...] = ()


NOTHING = Fragment("1 = 1")

_STAGES = {
    ViewType.ACTIVE_ONLY: (LifecycleStage.ACTIVE,),
    ViewType.DELETED_ONLY: (LifecycleStage.DELETED,),
    ViewType.ALL: (LifecycleStage.ACTIVE, LifecycleStage.DELETED),
}


def joined(fragments: Iterable[Fragment], word: str) -> Fragment:
    """``(a AND b AND …)``, or the same with another word."""
    parts = list(fragments)
    if not parts:
        return NOTHING
    return Fragment(f"({f' {word} '.join(part.sql for part in parts)})", sum((part.values for part in parts), ()))


def compiled(node: Node | None, comparison: Callable[[Comparison], Fragment]) -> Fragment:
    """The condition that ``node`` is, with each comparison as ``comparison`` has it."""
    if node is None:
        return NOTHING
    if isinstance(node, Comparison):
        return comparison(node)
    return joined((compiled(child, comparison) for child in node.children), "AND" if isinstance(node, And) else "OR")


def conjuncts(node: Node | None) -> tuple[Node, ...]:
    """What must all hold for ``node`` to hold."""
    if node is None:
        return ()
    return node.children if isinstance(node, And) else (node,)


def comparisons(node: Node | None) -> Iterator[Comparison]:
    """All comparisons of a tree."""
    if isinstance(node, Comparison):
        yield node
    elif node is not None:
        for child in node.children:
            yield from comparisons(child)


def ordered(ranks: Iterable[Fragment]) -> Fragment:
    """The terms of an ORDER BY, the weightiest first."""
    parts = list(ranks)
    return Fragment(", ".join(part.sql for part in parts), sum((part.values for part in parts), ()))


def ranked(column: str, *, descending: bool, nullable: bool) -> Fragment:
    """The terms of an ORDER BY that put a column's values in order, and NULL last.

    Say ``nullable`` only of a column that is: no index has the order that it takes.
    """
    direction = " DESC" if descending else ""
    return Fragment(f"{column} IS NULL, {column}{direction}" if nullable else f"{column}{direction}")


def in_view(column: str, view: ViewType) -> Fragment:
    """``column`` holds one of the lifecycle stages that ``view`` looks at."""
    stages = tuple(stage.value for stage in _STAGES[view])
    return predicate(column, Operator.EQUAL, stages[0]) if len(stages) == 1 else predicate(column, Operator.IN, stages)


def among(column: str, numbers: list[int]) -> Fragment:
    """``column`` is one of ``numbers``; of one alone it is equal to that, so that an index has an order behind it."""
    if len(numbers) == 1:
        return Fragment(f"{column} = ?", (numbers[0],))
    return Fragment(f"{column} {{ints}}", (numbers,))


def predicate(expression: str, operator: Operator, value: Any) -> Fragment:
    """``expression operator value`` for a text or a number; NULL where the expression is."""
    match operator:
        case Operator.IS_NULL | Operator.IS_NOT_NULL:
            return Fragment(f"{expression} {operator}")
        case Operator.LIKE | Operator.NOT_LIKE:
            return Fragment(f"{expression} {operator} ? {{any_escape}}", (value,))
        case Operator.ILIKE | Operator.NOT_ILIKE:
            word = "LIKE" if operator is Operator.ILIKE else "NOT LIKE"
            return Fragment(f"{{folded {expression}}} {word} {{folded CAST(? AS text)}} {{any_escape}}", (value,))
        case Operator.IN | Operator.NOT_IN:
            if not value:
                return Fragment("1 = 0" if operator is Operator.IN else f"{expression} IS NOT NULL")
            return Fragment(f"{expression} {operator} ({', '.join('?' * len(value))})", tuple(value))
        case _:
            return Fragment(f"{expression} {operator} ?", (value,))


def keyed(table: str, owner: str, column: str, key: int | None, operator: Operator, value: Any) -> Fragment:
    """A predicate on ``column`` of the row of ``table`` that ``owner`` (``run = r.id``) has for a key."""
    row = f"FROM {table} WHERE {owner} AND key = ?"
    if operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return Fragment(f"(SELECT 1 {row}) {operator}", (key,))
    test = predicate(column, operator, value)
    return Fragment(f"(SELECT {test.sql} {row})", (*test.values, key))


def keyed_number(table: str, owner: str, column: str, key: int | None, operator: Operator, value: Any) -> Fragment:
    """The same for a ``number``."""
    if operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return keyed(table, owner, column, key, operator, value)
    test = number(column, operator, value)
    return Fragment(f"(SELECT {test.sql} FROM {table} WHERE {owner} AND key = ?)", (*test.values, key))


def number(column: str, operator: Operator, value: Any) -> Fragment:
    """``predicate`` for a number with a flag ``is_nan``: a NaN matches != and NOT IN, and no other comparison."""
    nan = "is_nan = 1 OR" if operator in (Operator.NOT_EQUAL, Operator.NOT_IN) else "is_nan = 0 AND"
    test = predicate(column, operator, value)
    return Fragment(f"{nan} {test.sql}", test.values)
