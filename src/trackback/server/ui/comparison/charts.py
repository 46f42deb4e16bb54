"""What the charts that compare runs draw: points, lines and boxes, each as plain data."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from trackback.entities import RunInfo
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.services.comparisons import Comparison

START, DURATION = "attributes.start_time", "attributes.duration"
OF_RUNS = (START, DURATION)
GROUPS = 40
AXES = 20
CATEGORIES = 100
_WHISKERS = 1.5  # times the distance of the quartiles: what lies beyond is drawn by itself, as Tukey does


class AxisKind(StrEnum):
    NUMBER = "number"
    TIME = "time"
    CATEGORY = "category"


class Axis(msgspec.Struct, frozen=True):
    """``values`` of an axis of categories are all of its texts, in order."""

    name: str
    kind: AxisKind
    values: tuple[str, ...] = ()


class Point(msgspec.Struct, frozen=True):
    run: str
    name: str
    x: Any
    y: Any
    color: Any = None


class Scatter(msgspec.Struct, frozen=True):
    """``left_out``: runs that have no value for one of the axes."""

    x: Axis
    y: Axis
    points: tuple[Point, ...]
    left_out: int
    color: Axis | None = None


class RunLine(msgspec.Struct, frozen=True):
    run: str
    name: str
    values: tuple[Any, ...]


class Parallel(msgspec.Struct, frozen=True):
    """The last axis is what lines are coloured by."""

    axes: tuple[Axis, ...]
    lines: tuple[RunLine, ...]


class Outlier(msgspec.Struct, frozen=True):
    run: str
    name: str
    value: float


class Box(msgspec.Struct, frozen=True):
    """``box``: the ends of the whiskers with the quartiles and the median between them, ascending."""

    name: str
    count: int
    box: tuple[float, float, float, float, float]
    outliers: tuple[Outlier, ...]


class Boxes(msgspec.Struct, frozen=True):
    """``left_out``: runs without the metric, or in groups beyond ``GROUPS``."""

    metric: str
    by: str
    groups: tuple[Box, ...]
    left_out: int


def scatter(compared: Comparison, x: str, y: str, color: str = "") -> Scatter:
    columns = [column(compared, field) for field in (x, y, *([color] if color else []))]
    axes = [axis(field, each) for field, each in zip((x, y, color), columns, strict=False)]
    drawn = [[_drawn(axis, value) for value in each] for axis, each in zip(axes, columns, strict=True)]
    points = tuple(
        Point(run.run_id, _called(run), drawn[0][place], drawn[1][place], drawn[2][place] if color else None)
        for place, run in enumerate(compared.runs)
        if drawn[0][place] is not None and drawn[1][place] is not None
    )
    return Scatter(axes[0], axes[1], points, len(compared.runs) - len(points), axes[2] if color else None)


def parallel(compared: Comparison, names: Sequence[str]) -> Parallel:
    """Raises InvalidParameter for too many axes, or a field that is none."""
    if len(names) > AXES:
        raise InvalidParameter(f"At most {AXES} axes can be drawn, and these are {len(names)}. Choose fewer.")
    columns = [column(compared, name) for name in names]
    axes = [axis(name, each) for name, each in zip(names, columns, strict=True)]
    drawn = [[_drawn(axis, value) for value in each] for axis, each in zip(axes, columns, strict=True)]
    lines = [
        RunLine(run.run_id, _called(run), tuple(each[place] for each in drawn))
        for place, run in enumerate(compared.runs)
    ]
    return Parallel(tuple(axes), tuple(line for line in lines if any(value is not None for value in line.values)))


def boxes(compared: Comparison, metric: str, by: str) -> Boxes:
    """A metric's values, in a box for each value of a param."""
    values, groups = column(compared, metric), column(compared, by)
    members: defaultdict[Any, list[Outlier]] = defaultdict(list)
    for run, value, group in zip(compared.runs, values, groups, strict=True):
        if isinstance(value, float) and math.isfinite(value):
            members[group].append(Outlier(run.run_id, _called(run), value))
    ordered = _ordered([group for group in members if group is not None])
    ordered += [None] if None in members else []
    found = tuple(_box("(none)" if group is None else str(group), members[group]) for group in ordered[:GROUPS])
    return Boxes(metric, by, found, len(compared.runs) - sum(each.count for each in found))


def named(fields: Sequence[str]) -> dict[str, list[str]]:
    """The params and metrics among fields, which are all that a chart of them needs."""
    found: dict[str, list[str]] = {"params": [], "metrics": []}
    for field in fields:
        part, _, name = field.partition(".")
        if part in found:
            found[part].append(name)
    return found


def column(compared: Comparison, field: str) -> list[Any]:
    """A field's value of each run; None where it has none. Raises InvalidParameter for what is no field."""
    if field == START:
        return [run.start_time for run in compared.runs]
    if field == DURATION:
        return [None if run.end_time is None else (run.end_time - run.start_time) / 1000 for run in compared.runs]
    part, _, name = field.partition(".")
    if part not in compared.parts or not name:
        raise InvalidParameter(
            f"There is no field {shown(field)}. Name a param or a metric, as params.depth or metrics.loss, or one of "
            f"{', '.join(OF_RUNS)}."
        )
    values: Mapping[int, Any] = compared.parts[part].get(name, {})
    return [values.get(place) for place in range(len(compared.runs))]


def axis(name: str, values: Sequence[Any]) -> Axis:
    """One of numbers where all values are, else of texts."""
    if name == START:
        return Axis(name, AxisKind.TIME)
    there = [value for value in values if value is not None]
    if all(_number(value) is not None or _is_nan(value) for value in there):
        return Axis(name, AxisKind.NUMBER)
    return Axis(name, AxisKind.CATEGORY, tuple(_ordered({str(value) for value in there})[:CATEGORIES]))


def _drawn(axis: Axis, value: Any) -> Any:
    """The value as it is drawn: a number, or the place of a text among the axis's; None for what can't be."""
    if value is None:
        return None
    if axis.kind is AxisKind.CATEGORY:
        return axis.values.index(str(value)) if str(value) in axis.values else None
    return _number(value)


def _box(name: str, members: Sequence[Outlier]) -> Box:
    values = sorted(member.value for member in members)
    if len(values) == 1:
        low = middle = high = values[0]
    else:
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    reach = _WHISKERS * (high - low)
    within = [value for value in values if low - reach <= value <= high + reach]
    outliers = tuple(member for member in members if not low - reach <= member.value <= high + reach)
    return Box(name, len(values), (within[0], low, middle, high, within[-1]), outliers)


def _ordered(texts: Sequence[str] | set[str]) -> list[Any]:
    """Numbers by their value, before other texts."""
    return sorted(
        texts, key=lambda text: (0, number, "") if (number := _number(text)) is not None else (1, 0, str(text))
    )


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _called(run: RunInfo) -> str:
    return run.run_name or run.run_id
