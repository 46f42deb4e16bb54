"""The syntax tree of a filter, and what it means.

- A comparison holds for an entity that has the field and whose value compares so. A key that is missing never
  matches, with ``!=``, NOT LIKE and NOT IN neither; only IS NULL asks for it.
- There is no node for NOT: the parser pushes it down to the comparisons, each of which turns into its opposite. So
  ``NOT params.x = 'a'`` is ``params.x != 'a'``, which a run without ``x`` does not match either, and NOT (x IS NULL)
  is x IS NOT NULL.
- A metric that is NaN matches ``!=`` and NOT IN, and nothing else that compares it with a number.
- A run has many data sets; a comparison holds when it does for one of them, also after NOT, and two comparisons may be
  met by two data sets.
- LIKE heeds case, ILIKE does not; ``%`` is any text, ``_`` any one character, and nothing escapes them.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec

Value: TypeAlias = str | int | float | tuple[str | int | float, ...] | None
"""What a field is compared with: a tuple for IN and NOT IN, None for IS NULL and IS NOT NULL.

Metrics are compared with finite floats, numeric attributes with an int where the filter has a whole number of 64 bits
and a finite float otherwise, everything else with a str.
"""


class Kind(StrEnum):
    """Where a field's values are kept."""

    ATTRIBUTE = "attribute"
    METRIC = "metric"
    PARAM = "param"
    TAG = "tag"
    DATASET = "dataset"


class Aggregate(StrEnum):
    """Which of a metric's values is meant. The last is the one of the greatest (step, timestamp, value)."""

    LAST = "last"
    MIN = "min"
    MAX = "max"


class Operator(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    LIKE = "LIKE"
    NOT_LIKE = "NOT LIKE"
    ILIKE = "ILIKE"
    NOT_ILIKE = "NOT ILIKE"
    IN = "IN"
    NOT_IN = "NOT IN"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"

    @property
    def opposite(self) -> "Operator":
        return _OPPOSITES[self]


_PAIRS = (
    (Operator.EQUAL, Operator.NOT_EQUAL),
    (Operator.LESS, Operator.AT_LEAST),
    (Operator.AT_MOST, Operator.GREATER),
    (Operator.LIKE, Operator.NOT_LIKE),
    (Operator.ILIKE, Operator.NOT_ILIKE),
    (Operator.IN, Operator.NOT_IN),
    (Operator.IS_NULL, Operator.IS_NOT_NULL),
)
_OPPOSITES = dict(_PAIRS) | {right: left for left, right in _PAIRS}


class Field(msgspec.Struct, frozen=True):
    """``key`` is the user's own for metrics, params and tags, else the name of an entity's field, never an alias."""

    kind: Kind
    key: str
    aggregate: Aggregate = Aggregate.LAST

    def __str__(self) -> str:
        name = f"{self.kind} '{self.key}'"
        return name if self.aggregate is Aggregate.LAST else f"the {self.aggregate} of {name}"


class Comparison(msgspec.Struct, frozen=True):
    field: Field
    operator: Operator
    value: Value = None


class And(msgspec.Struct, frozen=True):
    """All children hold. There are at least two, none of them an And."""

    children: tuple["Node", ...]


class Or(msgspec.Struct, frozen=True):
    """A child holds. There are at least two, none of them an Or."""

    children: tuple["Node", ...]


Node: TypeAlias = And | Or | Comparison


class Order(msgspec.Struct, frozen=True):
    """One criterion of an order. Entities without the field come last, NaN before them, in both directions."""

    field: Field
    descending: bool = False
