"""What a model has to show, held against what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import msgspec

from trackback.delivery.evaluation.check_kinds import (
    CalibrationCheck,
    Check,
    LatencyCheck,
    MemoryCheck,
    MetricCheck,
    MissingCheck,
    RowsCheck,
    SchemaCheck,
    SizeCheck,
    ThroughputCheck,
    ValuesCheck,
)
from trackback.delivery.evaluation.measuring import WHOLE, Figure, Part
from trackback.delivery.evaluation.spec import listed
from trackback.delivery.evaluation.tasks import label_of
from trackback.errors import InvalidParameter

if TYPE_CHECKING:
    import pandas as pd

    from trackback.delivery.evaluation.metrics.metric import Metric

MB = 1_000_000
CALIBRATION = {"expected": "expected_calibration_error", "largest": "largest_calibration_error"}
PREDICTION = "prediction"
SLICES = "slices"


class Checked(msgspec.Struct, frozen=True):
    """``check``: what has to be so. ``found``: what is, with the values."""

    check: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Findings:
    """All that checks look at.

    parts: all rows first. left_out: names of slices with too few rows. predictions: labels or numbers, (rows,).
    used: columns that something uses; inputs: those of the signature, None where it names none. costs: of ``Asked``.
    """

    parts: Sequence[Part]
    left_out: Sequence[str]
    families: frozenset[str]
    metrics: Mapping[str, Metric]
    frame: pd.DataFrame
    predictions: Any
    used: frozenset[str]
    inputs: tuple[str, ...] | None
    costs: Mapping[str, Any]


def metrics_needed(checks: Sequence[Any]) -> list[str]:
    """Names of the metrics that checks are about."""
    named = [each.metric for each in checks if hasattr(each, "metric")]
    return named + [CALIBRATION[each.calibration] for each in checks if isinstance(each, CalibrationCheck)]


@singledispatch
def judge(check: Check, found: Findings) -> Iterator[Checked]:
    """What comes of a check: of several slices one of each that is not as it should be, or one for all.

    InvalidParameter: it is about what is not there.
    """
    raise TypeError(f"there is no check of the type {type(check).__name__}")


def no_slices(over: str, known: Iterable[str]) -> InvalidParameter:
    there = listed(tuple(sorted(known))) or "none"
    return InvalidParameter(f"A check is over {over!r}, and there are no slices of that name. There are: {there}.")


def parts_over(over: str, parts: Sequence[Any], families: frozenset[str]) -> list[Any]:
    """All rows, each slice, or those of one name. InvalidParameter: there are none of this name."""
    if over == WHOLE:
        return list(parts[:1])
    if over == SLICES:
        return list(parts[1:])
    named = [each for each in parts[1:] if over in (each.family, each.name)]
    if not named and over not in families:
        raise no_slices(over, families)
    return named


@judge.register
def _(check: MetricCheck, found: Findings) -> Iterator[Checked]:
    parts = parts_over(check.over, found.parts, found.families)
    if check.min is not None or check.max is not None:
        wanted = f"{check.metric}{_bound(check.bound)} {_limits(check.min, check.max)}{_over(check.over)}"
        yield from _each(wanted, parts, lambda part: _within(part.figures[check.metric], check))
    if check.max_gap is not None:
        yield _gap(check, parts)


def _within(figure: Figure, check: MetricCheck) -> tuple[bool, str]:
    value = {"value": figure.value, "lower": figure.low, "upper": figure.high}[check.bound]
    return _is_within(value, check.min, check.max), shown_figure(figure)


def _gap(check: MetricCheck, parts: Sequence[Part]) -> Checked:
    told = [(value, part.name) for part in parts if (value := part.figures[check.metric].value) is not None]
    which = "slices" if check.over == SLICES else f"slices of {check.over}"
    wanted = f"{check.metric} differs by at most {check.max_gap:g} between {which}"
    if len(told) < 2:
        return Checked(wanted, False, "fewer than two slices have enough rows to be compared")
    assert check.max_gap is not None
    (low, least), (high, most) = min(told), max(told)
    found = f"{high - low:.4g}: {low:.4g} of {least}, {high:.4g} of {most}"
    return Checked(wanted, high - low <= check.max_gap, found)


@judge.register
def _(check: CalibrationCheck, found: Findings) -> Iterator[Checked]:
    name = CALIBRATION[check.calibration]
    wanted = f"{check.calibration} calibration error {_limits(None, check.max)}{_over(check.over)}"
    parts = parts_over(check.over, found.parts, found.families)
    yield from _each(
        wanted,
        parts,
        lambda part: (_is_within(part.figures[name].value, None, check.max), shown_figure(part.figures[name])),
    )


def _each(wanted: str, parts: Sequence[Part], look: Any) -> Iterator[Checked]:
    """One that says all is well, or each that is not."""
    if not parts:
        yield Checked(wanted, False, "no such slice has enough rows: see min_rows")
        return
    looked = [(part, *look(part)) for part in parts]
    bad = [(part, said) for part, passed, said in looked if not passed]
    for part, said in bad:
        yield Checked(wanted, False, said if part.name == WHOLE else f"{part.name}: {said}")
    if not bad:
        yield Checked(wanted, True, looked[0][2] if len(looked) == 1 else f"in all {len(looked)} slices")


@judge.register
def _(check: ValuesCheck, found: Findings) -> Iterator[Checked]:
    import numpy as np  # noqa: PLC0415 - heavy
    import pandas as pd  # noqa: PLC0415 - heavy

    column = pd.Series(found.predictions) if check.values == PREDICTION else column_of(found.frame, check.values)
    known = column.dropna()
    bad = np.zeros(len(known), dtype=bool)
    if check.among is not None:
        among = {label_of(each) for each in check.among}
        bad |= np.array([label_of(each) not in among for each in known.tolist()], dtype=bool)
    if check.min is not None or check.max is not None:
        if known.dtype.kind not in "iufb":
            raise InvalidParameter(f"A check has a range for {check.values!r}, which has no numbers ({column.dtype}).")
        values = known.to_numpy(dtype=float)
        bad |= values < (-np.inf if check.min is None else check.min)
        bad |= values > (np.inf if check.max is None else check.max)
    share = float(bad.sum() / max(len(column), 1))
    among_text = f"among {listed(tuple(map(str, check.among)))}" if check.among is not None else ""
    limits = _limits(check.min, check.max) if check.min is not None or check.max is not None else ""
    wanted = f"{check.values} {' and '.join(filter(None, (limits, among_text)))}{_but(check.max_share)}"
    said = f"all {len(column)} rows are"
    if bad.any():
        first = f"the first of them row {known.index[int(bad.argmax())]}: {known[bad].iloc[0]}"
        said = f"{int(bad.sum())} of {len(column)} rows are not, {first}"
    yield Checked(wanted, share <= check.max_share, said)


@judge.register
def _(check: MissingCheck, found: Findings) -> Iterator[Checked]:
    names = list(map(str, found.frame.columns)) if check.missing == "*" else [check.missing]
    if check.missing == PREDICTION and PREDICTION not in found.frame.columns:
        return
    shares = {name: float(column_of(found.frame, name).isna().mean()) for name in names}
    bad = {name: share for name, share in shares.items() if share > check.max_share}
    for name, share in (bad or {max(shares, key=lambda name: shares[name]): max(shares.values())}).items():
        what = name if bad else "each column" if check.missing == "*" else check.missing
        often = f"at most {check.max_share:.2%} of rows" if check.max_share else "no row"
        said = f"in {share:.2%}" if share else "in none"
        where = "" if bad or not share or len(shares) == 1 else f" at most, {name}"
        yield Checked(f"{what} is missing in {often}", not bad, said + where)


def column_of(frame: pd.DataFrame, name: str) -> Any:
    if name not in frame.columns:
        raise InvalidParameter(
            f"A check is about the column {name!r}, which the test set does not have: "
            f"{listed(tuple(map(str, frame.columns)))}."
        )
    return frame[name]


@judge.register
def _(check: SchemaCheck, found: Findings) -> Iterator[Checked]:
    if check.schema == "signature" or found.inputs is None:
        said = "it has one" if found.inputs is not None else "it has none with names"
        yield Checked("the model has a signature that names its columns", found.inputs is not None, said)
        return
    further = tuple(name for name in map(str, found.frame.columns) if name not in found.used)
    said = f"it has {listed(further)}, too" if further else "it has no others"
    yield Checked("the test set has the signature's columns, and others only that are used", not further, said)


@judge.register
def _(check: LatencyCheck, found: Findings) -> Iterator[Checked]:
    value = (found.costs.get("latency_ms") or {}).get(check.latency)
    yield _cost(f"one row takes at most {check.max_ms:g} ms ({check.latency})", value, check.max_ms, "{:.3g} ms")


@judge.register
def _(check: ThroughputCheck, found: Findings) -> Iterator[Checked]:
    value = found.costs.get("rows_per_s")
    wanted = f"at least {check.min_rows_per_s:,g} rows are predicted in a second"
    said = "not known" if value is None else f"{value:,.0f} rows/s"
    yield Checked(wanted, value is not None and value >= check.min_rows_per_s, said)


@judge.register
def _(check: MemoryCheck, found: Findings) -> Iterator[Checked]:
    value = (found.costs.get("memory") or {}).get(check.memory)
    wanted = f"a process with the model takes at most {check.max_mb:g} MB ({check.memory})"
    yield _cost(wanted, None if value is None else value / MB, check.max_mb, "{:.4g} MB")


@judge.register
def _(check: SizeCheck, found: Findings) -> Iterator[Checked]:
    yield _cost(
        f"the model's files have at most {check.max_mb:g} MB", found.costs["size"] / MB, check.max_mb, "{:.4g} MB"
    )


def _cost(wanted: str, value: float | None, most: float, form: str) -> Checked:
    if value is None:
        return Checked(wanted, False, "it could not be measured on this machine")
    return Checked(wanted, value <= most, form.format(value))


@judge.register
def _(check: RowsCheck, found: Findings) -> Iterator[Checked]:
    if check.rows == "all":
        rows = len(found.frame)
        yield Checked(f"the test set has at least {check.min} rows", rows >= check.min, f"{rows}")
        return
    few = [f"{part.name} ({part.rows})" for part in found.parts[1:] if part.rows < check.min]
    few += [f"{name} (fewer than min_rows)" for name in found.left_out]
    said = ", ".join(few) or f"in all {len(found.parts) - 1} slices"
    yield Checked(f"each slice has at least {check.min} rows", not few, said)


def _is_within(value: float | None, least: float | None, most: float | None) -> bool:
    return value is not None and (least is None or value >= least) and (most is None or value <= most)


def _limits(least: float | None, most: float | None) -> str:
    said = [f"≥ {least:g}" if least is not None else "", f"≤ {most:g}" if most is not None else ""]
    return " and ".join(filter(None, said))


def _bound(bound: str) -> str:
    return {"value": "", "lower": ", the lower end of its interval,", "upper": ", the upper end of its interval,"}[
        bound
    ]


def _over(over: str) -> str:
    return "" if over == WHOLE else " in each slice" if over == SLICES else f" in each slice of {over}"


def _but(share: float) -> str:
    return f" but for {share:.2%} of rows" if share else ""


def shown_figure(figure: Figure) -> str:
    """A value with its interval: ``0.912 (0.894 to 0.929)``."""
    if figure.value is None:
        return "no value"
    interval = f" ({figure.low:.4g} to {figure.high:.4g})" if figure.low is not None and figure.high is not None else ""
    return f"{figure.value:.4g}{interval}"
