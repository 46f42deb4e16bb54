"""How fields and values are written in the filter language."""

import re

from trackback.search.syntax import Aggregate, Field, Kind

_PLAIN = re.compile(r"[\w./:+-]+")
_PREFIXES = {Kind.METRIC: "metrics", Kind.PARAM: "params", Kind.TAG: "tags", Kind.DATASET: "datasets"}


def spelled(field: Field) -> str:
    """The field's name as filters and orders take it; a key with other characters than most have in backticks."""
    if field.kind is Kind.ATTRIBUTE:
        return field.key
    key = field.key if _PLAIN.fullmatch(field.key) else f"`{field.key}`"
    name = f"{_PREFIXES[field.kind]}.{key}"
    return name if field.aggregate is Aggregate.LAST else f"{field.aggregate}({name})"


def quoted(text: str) -> str | None:
    """The text in quotes that it does not have itself; None for one that has both, which no filter can ask for."""
    quote = next((quote for quote in "'\"" if quote not in text), None)
    return None if quote is None else f"{quote}{text}{quote}"
