"""How much worse than before a model may be, held against what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from trackback.delivery.evaluation.check_kinds import (
    DeltaCheck,
    FlipsDelta,
    LatencyDelta,
    MemoryDelta,
    MetricDelta,
    ShiftDelta,
    SizeDelta,
    UnchangedDelta,
)
from trackback.delivery.evaluation.checks import Checked, parts_over
from trackback.delivery.evaluation.measuring import WHOLE, Compared, Difference as Changed
from trackback.delivery.evaluation.spec import listed
from trackback.errors import InvalidParameter

if TYPE_CHECKING:
    from trackback.delivery.evaluation.flips import Flips
    from trackback.delivery.evaluation.metrics.metric import Metric
    from trackback.delivery.evaluation.shift import Shift
    from trackback.provenance.differences import Difference


@dataclass(frozen=True)
class DeltaFindings:
    """``parts``: all rows first. ``before``, ``now``: the costs of both."""

    parts: Sequence[Compared]
    families: frozenset[str]
    metrics: Mapping[str, Metric]
    flips: Flips | None
    shift: Shift | None
    changes: Sequence[Difference]
    before: Mapping[str, Any]
    now: Mapping[str, Any]


def judge_delta(checks: Sequence[DeltaCheck], found: DeltaFindings) -> Iterator[Checked]:
    """What comes of each check; and, without one of a metric, that the first metric is not worse for certain.

    InvalidParameter: a check is about what is not there.
    """
    if not any(isinstance(check, MetricDelta) for check in checks):
        checks = (MetricDelta(next(iter(found.metrics))), *checks)
    for check in checks:
        yield from _judge(check, found)


@singledispatch
def _judge(check: DeltaCheck, found: DeltaFindings) -> Iterator[Checked]:
    raise TypeError(f"there is no check of the type {type(check).__name__}")


@_judge.register
def _(check: MetricDelta, found: DeltaFindings) -> Iterator[Checked]:
    metric = found.metrics[check.metric]
    parts = parts_over(check.over, found.parts, found.families)
    sure = "for certain " if check.significant else ""
    by = f"by more than {check.max_drop:g}" if check.max_drop else "than before"
    over = "" if check.over == WHOLE else f", in each of {check.over}"
    wanted = f"{check.metric} is not {sure}worse {by}{over}"
    if not parts:
        yield Checked(wanted, False, "no such slice has enough rows: see min_rows")
        return
    bad = [part for part in parts if _is_worse(metric, part.differences[check.metric], check)]
    for part in bad:
        said = shown_change(part.differences[check.metric])
        yield Checked(wanted, False, said if part.name == WHOLE else f"{part.name}: {said}")
    if not bad:
        said = shown_change(parts[0].differences[check.metric]) if len(parts) == 1 else f"in all {len(parts)} slices"
        yield Checked(wanted, True, said)


def _is_worse(metric: Metric, change: Changed, check: MetricDelta) -> bool:
    """What can't be told for lack of a value counts as worse only if there was one before."""
    if change.change is None:
        return change.before is not None and change.now is None
    drop = -change.change if metric.higher_is_better else change.change
    if not check.significant:
        return drop > check.max_drop
    least = change.high if metric.higher_is_better else change.low
    if least is None:
        return drop > check.max_drop
    return (-least if metric.higher_is_better else least) > check.max_drop


@_judge.register
def _(check: FlipsDelta, found: DeltaFindings) -> Iterator[Checked]:
    if found.flips is None:
        raise InvalidParameter(
            "A check is about flips, which a ranking has not: a row alone is neither right nor wrong."
        )
    count = found.flips.worse if check.flips == "worse" else found.flips.changed
    word = "are predicted worse" if check.flips == "worse" else "are predicted otherwise"
    share = count / max(found.flips.rows, 1)
    said = f"{count} of {found.flips.rows} ({share:.2%})"
    if check.max_share is not None:
        yield Checked(f"at most {check.max_share:.2%} of rows {word} than before", share <= check.max_share, said)
    if check.max_count is not None:
        yield Checked(f"at most {check.max_count} rows {word} than before", count <= check.max_count, said)


@_judge.register
def _(check: ShiftDelta, found: DeltaFindings) -> Iterator[Checked]:
    value = getattr(found.shift, check.shift) if found.shift else None
    if value is None:
        raise InvalidParameter(
            f"A check is about the {check.shift} of predictions, and there is none of classes without probabilities: "
            "use psi."
        )
    wanted = f"predictions have moved by at most {check.max:g} ({check.shift})"
    yield Checked(wanted, value <= check.max, f"{value:.4g}")


@_judge.register
def _(check: LatencyDelta, found: DeltaFindings) -> Iterator[Checked]:
    before, now = ((each.get("latency_ms") or {}).get(check.latency) for each in (found.before, found.now))
    yield _ratio(f"one row ({check.latency})", before, now, check.max_ratio, 1, "ms")


@_judge.register
def _(check: MemoryDelta, found: DeltaFindings) -> Iterator[Checked]:
    before, now = ((each.get("memory") or {}).get(check.memory) for each in (found.before, found.now))
    yield _ratio(f"memory ({check.memory})", before, now, check.max_ratio, 1e6, "MB")


@_judge.register
def _(check: SizeDelta, found: DeltaFindings) -> Iterator[Checked]:
    yield _ratio("the files", found.before["size"], found.now["size"], check.max_ratio, 1e6, "MB")


def _ratio(what: str, before: float | None, now: float | None, most: float, unit: float, name: str) -> Checked:
    wanted = f"{what}: at most {most:g} times as much as before"
    if before is None or now is None:
        return Checked(wanted, False, "it could not be measured on this machine")
    said = f"{now / unit:.4g} {name}, and {before / unit:.4g} {name} before"
    return Checked(wanted, now <= most * before, said)


@_judge.register
def _(check: UnchangedDelta, found: DeltaFindings) -> Iterator[Checked]:
    parts = {"data", "profile"} if check.unchanged == "data" else {check.unchanged}
    names = tuple(each.name for each in found.changes if each.part in parts)
    said = f"{len(names)} differ: {listed(names, 5)}" if names else "nothing differs"
    yield Checked(f"the {check.unchanged} is as before", not names, said)


def shown_change(change: Changed) -> str:
    """``0.91 → 0.93, by +0.02 (+0.005 to +0.034)``."""
    if change.change is None or change.before is None or change.now is None:
        return f"{_or_none(change.before)} → {_or_none(change.now)}"
    ends = f" ({change.low:+.4g} to {change.high:+.4g})" if change.low is not None and change.high is not None else ""
    return f"{change.before:.4g} → {change.now:.4g}, by {change.change:+.4g}{ends}"


def _or_none(value: float | None) -> str:
    return "no value" if value is None else f"{value:.4g}"
