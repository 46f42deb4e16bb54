"""Parts of a test set that are measured by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from trackback.delivery.evaluation.spec import RangeSpec, SliceSpec, Spec, require_columns
from trackback.delivery.evaluation.tasks import label_of
from trackback.errors import InvalidParameter

if TYPE_CHECKING:
    import pandas as pd

    from trackback.delivery.evaluation.cases import Rows

LENGTH = "length"
"""What slices by the length of texts are called."""
MOST = 200
"""Slices of one file; more are nobody's to read."""


@dataclass(frozen=True)
class Slice:
    """``family``: what it is a slice by, which checks can name. ``rows``: places of its rows, int64."""

    family: str
    name: str
    rows: Rows


@dataclass(frozen=True)
class Sliced:
    """``left_out``: names of slices with less than ``min_rows`` rows. ``families``: what there are slices by, and the
    names of them all.
    """

    slices: tuple[Slice, ...]
    left_out: tuple[str, ...]
    families: frozenset[str]


def slices_of(frame: pd.DataFrame, spec: Spec) -> tuple[Slice, ...]:
    """The slices that a spec asks for, with however few rows.

    InvalidParameter: a column is not there, or its values can't be in bins; there are too many slices.
    """
    found = tuple(each for one in spec.slices for each in _of(frame, one))
    if len(found) > MOST:
        raise too_many(len(found))
    return found


def with_lengths(slices: Sequence[Slice], frame: pd.DataFrame, text: str | None, spec: Spec) -> Sliced:
    """Those of the spec; and by the length of texts, if ``text`` is the column of them."""
    found = [*slices, *(() if text is None else _by_length(frame[text]))]
    return Sliced(
        tuple(each for each in found if len(each.rows) >= spec.min_rows),
        tuple(each.name for each in found if len(each.rows) < spec.min_rows),
        frozenset({*families_of(spec), *(each.family for each in found), *(each.name for each in found)}),
    )


def families_of(spec: Spec) -> tuple[str, ...]:
    """What the slices that a spec asks for are called; each has some, or would have if it had rows."""
    return tuple(map(_family, spec.slices))


def columns_of(spec: SliceSpec) -> tuple[str, ...]:
    """The columns that slices are made by."""
    if spec.where is not None:
        return tuple(spec.where)
    return (spec.by,) if isinstance(spec.by, str) else spec.by or ()


def _family(spec: SliceSpec) -> str:
    return spec.name or " and ".join(columns_of(spec))


def _of(frame: pd.DataFrame, spec: SliceSpec) -> Iterator[Slice]:
    columns = tuple(map(str, frame.columns))
    if spec.where is not None:
        require_columns(columns, {f"column of the slice {spec.name!r}": each for each in spec.where})
        assert spec.name is not None
        yield Slice(spec.name, spec.name, _places(_all_so(frame, spec)))
        return
    by, family = columns_of(spec), _family(spec)
    for each in by:
        require_columns(columns, {"column of a slice": each})
    if spec.bins is not None:
        yield from _bins(frame[by[0]], family, by[0], spec.bins)
        return
    yield from _combinations(frame, by, family)


def _combinations(frame: pd.DataFrame, by: tuple[str, ...], family: str) -> Iterator[Slice]:
    """A slice for each combination of values that there is, in their order."""
    import numpy as np  # noqa: PLC0415 - heavy

    grouped = frame.groupby(list(by), dropna=False, sort=True, observed=True)
    try:
        numbers = grouped.ngroup().to_numpy()
    except TypeError as error:
        raise InvalidParameter(f"There can be no slices by {family}: its values are no words or numbers.") from error
    if grouped.ngroups > MOST:
        raise too_many(grouped.ngroups)
    for number in range(grouped.ngroups):
        rows = np.flatnonzero(numbers == number)
        if len(rows):
            told = ", ".join(f"{name}={_value(frame[name].iloc[rows[0]])}" for name in by)
            yield Slice(family, told, rows)


def too_many(count: int) -> InvalidParameter:
    return InvalidParameter(
        f"There would be {count} slices, more than {MOST}. Put numbers into 'bins', or name those that matter with "
        "'where'."
    )


def _value(value: Any) -> str:
    return "missing" if value is None or value != value else label_of(value)


def _bins(column: Any, family: str, name: str, bins: int | tuple[float, ...]) -> Iterator[Slice]:
    import numpy as np  # noqa: PLC0415 - heavy

    if column.dtype.kind not in "iuf":
        raise InvalidParameter(f"'bins' are of numbers, and the column {name!r} has none (it is {column.dtype}).")
    values = column.to_numpy(dtype=float)
    known = values[np.isfinite(values)]
    inner: Any = bins
    if isinstance(bins, int):
        inner = np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]) if len(known) else ()
    edges = [-np.inf, *sorted({float(each) for each in inner}), np.inf]
    for low, high in pairwise(edges):
        yield Slice(family, f"{name} {_stretch(low, high)}", _places((values >= low) & (values < high)))
    if np.isnan(values).any():
        yield Slice(family, f"{name} missing", _places(np.isnan(values)))


def _stretch(low: float, high: float) -> str:
    if low == float("-inf"):
        return f"< {high:g}"
    return f"≥ {low:g}" if high == float("inf") else f"{low:g} to {high:g}"


def _all_so(frame: pd.DataFrame, spec: SliceSpec) -> Any:
    import numpy as np  # noqa: PLC0415 - heavy

    is_so = np.ones(len(frame), dtype=bool)
    for name, wanted in (spec.where or {}).items():
        column = frame[name]
        if isinstance(wanted, RangeSpec):
            if column.dtype.kind not in "iuf":
                raise InvalidParameter(
                    f"The slice {spec.name!r} is of a range of {name!r}, which has no numbers (it is {column.dtype})."
                )
            is_so &= np.ones(len(frame), dtype=bool) if wanted.min is None else (column >= wanted.min).to_numpy()
            is_so &= np.ones(len(frame), dtype=bool) if wanted.max is None else (column < wanted.max).to_numpy()
        else:
            among = {label_of(each) for each in (wanted if isinstance(wanted, tuple) else (wanted,))}
            is_so &= np.array([_value(each) in among for each in column.tolist()], dtype=bool)
    return is_so


def _by_length(texts: Any) -> Iterator[Slice]:
    """Short, middling and long ones, a third each."""
    import numpy as np  # noqa: PLC0415 - heavy

    words = np.array([len(str(each).split()) for each in texts.tolist()])
    first, second = np.quantile(words, [1 / 3, 2 / 3], method="higher")
    yield Slice(LENGTH, f"up to {first:g} words", _places(words <= first))
    if second > first:
        yield Slice(LENGTH, f"{first + 1:g} to {second:g} words", _places((words > first) & (words <= second)))
    yield Slice(LENGTH, f"more than {second:g} words", _places(words > second))


def _places(is_in: Any) -> Rows:
    import numpy as np  # noqa: PLC0415 - heavy

    return np.flatnonzero(is_in)
