"""What runs have, as tables: a row a name, a column a run, and what differs marked."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from trackback.server.ui.frame.formats import number
from trackback.server.ui.frame.tags import OF_MLFLOW
from trackback.services.charts import SYSTEM

WIDTH = 8
"""Runs that a table has columns for at once."""
ROWS = 200
"""Of each part; what is looked for by name is found among all."""
_SHOWN = 200

TITLES = {
    "params": "Params",
    "metrics": "Metrics",
    "tags": "Tags",
    "code": "Code",
    "data": "Data sets",
    "packages": "Packages",
    "environment": "Environment",
}


class Cell(NamedTuple):
    """``differs`` from the first run; ``change`` is by how much, of a number. ``whole`` is the text where it is cut."""

    text: str
    differs: bool
    change: str = ""
    whole: str = ""


class Row(NamedTuple):
    """``summary`` is of all runs, also those that the table has no columns for."""

    name: str
    differs: bool
    summary: str
    cells: Sequence[Cell]


class Part(NamedTuple):
    """``equal`` is how many names all runs have the same of, ``left_out`` how many rows there are besides."""

    key: str
    title: str
    rows: Sequence[Row]
    equal: int
    left_out: int


class View(NamedTuple):
    """What of the tables is looked at: also what is equal, only names with a text in them, runs from a place on."""

    runs: int
    at: int = 0
    everything: bool = False
    find: str = ""


def tabulate(parts: Mapping[str, Mapping[str, Mapping[int, Any]]], view: View) -> list[Part]:
    return [_part(key, table, view) for key, table in parts.items()]


def differs(column: Mapping[int, Any], count: int) -> bool:
    """Whether any two of so many runs have different values, or one has none that another has."""
    return len(column) < count or len({_comparable(value) for value in column.values()}) > 1


def _part(key: str, table: Mapping[str, Mapping[int, Any]], view: View) -> Part:
    wanted = view.find.casefold()
    names = [
        name for name in table if wanted in name.casefold() and (wanted or _is_users(key, name) or view.everything)
    ]
    different = {name: differs(table[name], view.runs) for name in names}
    chosen = [name for name in names if view.everything or different[name]]
    rows = [_row(name, table[name], different[name], view) for name in chosen[:ROWS]]
    equal = sum(not each for each in different.values())
    return Part(key, TITLES[key], rows, equal, max(len(chosen) - ROWS, 0))


def _is_users(part: str, name: str) -> bool:
    """Neither a tag that clients set, nor a metric of the machine."""
    return not name.startswith({"tags": OF_MLFLOW, "metrics": SYSTEM}.get(part, "\0"))


def _row(name: str, column: Mapping[int, Any], is_different: bool, view: View) -> Row:
    places = range(view.at, min(view.at + WIDTH, view.runs))
    cells = [_cell(column, place, is_different) for place in places]
    summary = _summary(column, view.runs) if view.runs > WIDTH else ""
    return Row(name, is_different, summary, cells)


def _cell(column: Mapping[int, Any], place: int, is_different: bool) -> Cell:
    value, first = column.get(place), column.get(0)
    text = text_of(value)
    unlike = is_different and _comparable(value) != _comparable(first)
    change = _change(value, first) if unlike else ""
    return Cell(text[:_SHOWN], unlike, change, text if len(text) > _SHOWN else "")


def text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _change(value: Any, first: Any) -> str:
    if not (isinstance(value, float) and isinstance(first, float)) or not math.isfinite(value - first):
        return ""
    change = value - first
    return f"{'+' if change > 0 else '−'}{abs(change):.3g}"


def _summary(column: Mapping[int, Any], count: int) -> str:
    values = list(column.values())
    without = f", {count - len(values)} without" if len(values) < count else ""
    numbers = [value for value in values if isinstance(value, float) and math.isfinite(value)]
    if numbers and len(numbers) == len(values):
        least, greatest = min(numbers), max(numbers)
        return (number(least) if least == greatest else f"{number(least)} … {number(greatest)}") + without
    distinct = len(set(map(_comparable, values)))
    return f"{distinct} {'value' if distinct == 1 else 'values'}{without}"


def _comparable(value: Any) -> Any:
    """NaN equals nothing, itself neither; lists can't be in sets."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return tuple(value) if isinstance(value, list) else value


def fields(parts: Mapping[str, Mapping[str, Mapping[int, Any]]], count: int, of: Iterable[str]) -> list[str]:
    """The names of what can be drawn of runs, as ``params.depth``: what differs first, the machine's metrics last."""

    def rank(each: tuple[str, str]) -> tuple[bool, bool]:
        part, name = each
        return not _is_users(part, name), not differs(parts[part][name], count)

    return [f"{part}.{name}" for part, name in sorted(((p, n) for p in of for n in parts.get(p, {})), key=rank)]
