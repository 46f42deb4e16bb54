"""What can be searched, as data: the fields of each target, their spellings, and how each may be compared."""

import math
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches

import msgspec

from trackback.entities import LoggedModelStatus
from trackback.search.errors import shown
from trackback.search.syntax import Aggregate, Field, Kind, Operator

_EXACT = (Operator.EQUAL, Operator.NOT_EQUAL)
_LISTS = (Operator.IN, Operator.NOT_IN)
_PATTERNS = (Operator.LIKE, Operator.NOT_LIKE, Operator.ILIKE, Operator.NOT_ILIKE)
_RANGES = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)
_NULLS = (Operator.IS_NULL, Operator.IS_NOT_NULL)

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DECIMAL = re.compile(r"\d{1,18}", re.ASCII)  # 18 digits always fit into 64 bits

_PREFIXES = {
    "attribute": Kind.ATTRIBUTE,
    "attributes": Kind.ATTRIBUTE,
    "attr": Kind.ATTRIBUTE,
    "metric": Kind.METRIC,
    "metrics": Kind.METRIC,
    "param": Kind.PARAM,
    "params": Kind.PARAM,
    "parameter": Kind.PARAM,
    "parameters": Kind.PARAM,
    "tag": Kind.TAG,
    "tags": Kind.TAG,
    "dataset": Kind.DATASET,
    "datasets": Kind.DATASET,
}


class Domain(msgspec.Struct, frozen=True):
    """The values a field takes. ``read`` turns one of a filter into that of the tree, or raises ValueError."""

    operators: tuple[Operator, ...]
    read: Callable[[str], str | int | float]
    quoted: bool = True


class Attribute(msgspec.Struct, frozen=True):
    name: str
    domain: Domain
    aliases: tuple[str, ...] = ()


class Target(msgspec.Struct, frozen=True):
    """Something that can be searched.

    ``name`` is a prefix of attributes too (``run.status``). ``fixed`` holds the kinds whose names are given, by every
    spelling, and ``free`` the kinds whose keys are the users' own. Where ``bare_text`` is set, a text may stand without
    quotes, as MLflow has it in filters of logged models.
    """

    name: str
    fixed: Mapping[Kind, Mapping[str, Attribute]]
    free: Mapping[Kind, Domain]
    ordered: frozenset[Kind]
    bare_text: bool = False

    def field(self, prefix: str | None, key: str) -> Field:
        """The field that ``prefix.key``, or ``key`` alone, names here. Raises ValueError where there is none."""
        kind = Kind.ATTRIBUTE if prefix is None else self._kind(prefix)
        if names := self.fixed.get(kind):
            if attribute := names.get(key):
                return Field(kind, attribute.name)
            raise ValueError(
                f"Invalid {kind} key {shown(key)} specified. Valid keys are {_listed(names)}{_meant(key, names)}"
            )
        if not key:
            raise ValueError(f"The key of a {kind} is empty")
        return Field(kind, key)

    def aggregated(self, name: str, field: Field) -> Field:
        """``field`` as the function ``name`` takes it. Raises ValueError where it does not."""
        if name.lower() not in list(Aggregate):
            raise ValueError(f"Invalid function {shown(name)}: there are {_listed(Aggregate)}, each of a metric")
        if field.kind is not Kind.METRIC:
            raise ValueError(f"Invalid function {shown(name)} of {field}: only a metric has a series of values")
        return Field(field.kind, field.key, Aggregate(name.lower()))

    def domain(self, field: Field) -> Domain:
        names = self.fixed.get(field.kind)
        return names[field.key].domain if names else self.free[field.kind]

    def _kind(self, prefix: str) -> Kind:
        prefixes = {spelling: kind for spelling, kind in _PREFIXES.items() if kind in self.fixed or kind in self.free}
        prefixes[self.name] = Kind.ATTRIBUTE
        if kind := prefixes.get(prefix):
            return kind
        kinds = dict.fromkeys(prefixes.values())
        raise ValueError(f"Invalid entity type {shown(prefix)}. Valid values are {_listed(kinds)}{_meant(prefix, prefixes)}")
