"""The kinds of checks that a spec file can ask for. A check is of the kind whose field it has first."""

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Percentile = Literal["mean", "p50", "p95", "p99"]
Memory = Literal["loaded", "predict", "peak"]


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What people write: a field that is not known is a mistake."""


class MetricCheck(Written, frozen=True):
    """A metric is at least ``min`` and at most ``max``; with ``bound`` an end of its interval is.

    ``over``: ``all`` rows, or each slice (``slices``), or the slices of this name. ``max_gap``: how far apart the best
    and the worst of them may be.
    """

    metric: str
    min: float | None = None
    max: float | None = None
    bound: Literal["value", "lower", "upper"] = "value"
    over: str = "all"
    max_gap: NotNegative | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None and self.max_gap is None:
            raise ValueError("A metric's check needs 'min', 'max' or 'max_gap'")
        if self.max_gap is not None and self.over == "all":
            raise ValueError("'max_gap' is between slices: say which with 'over: slices', or by their name")


class ValuesCheck(Written, frozen=True):
    """The values of a column, or the ``prediction``, lie between ``min`` and ``max``, or are ``among`` some.

    ``max_share``: the share of rows that may be otherwise.
    """

    values: str
    min: float | None = None
    max: float | None = None
    among: tuple[str | bool | int | float, ...] | None = None
    max_share: Share = 0.0

    def __post_init__(self) -> None:
        if self.min is None and self.max is None and self.among is None:
            raise ValueError("A check of values needs 'min', 'max' or 'among'")


class MissingCheck(Written, frozen=True):
    """At most a share of a column's values, or of the ``prediction``, is missing; ``*`` is each column."""

    missing: str
    max_share: Share = 0.0


class SchemaCheck(Written, frozen=True):
    """``signature``: the model has one. ``exact``: the test set has its columns and no others that nothing uses."""

    schema: Literal["signature", "exact"]


class CalibrationCheck(Written, frozen=True):
    """The ``expected`` or ``largest`` difference between the probability that is told and what happens so often."""

    calibration: Literal["expected", "largest"]
    max: Share
    over: str = "all"


class LatencyCheck(Written, frozen=True):
    """How long one row takes."""

    latency: Percentile
    max_ms: Positive


class ThroughputCheck(Written, frozen=True):
    """How many rows a second are predicted, of all at once."""

    throughput: Literal["batch"]
    min_rows_per_s: Positive


class MemoryCheck(Written, frozen=True):
    """Of a process with the model: once it is ``loaded``, what ``predict`` adds, the ``peak`` of both."""

    memory: Memory
    max_mb: Positive


class SizeCheck(Written, frozen=True):
    """Of the model's files."""

    size: Literal["model"]
    max_mb: Positive


class RowsCheck(Written, frozen=True):
    """How many rows ``all`` of the test set, or each of the ``slices``, has."""

    rows: Literal["all", "slices"]
    min: Annotated[int, msgspec.Meta(ge=1)]


class MetricDelta(Written, frozen=True):
    """A metric is not worse than before by more than ``max_drop``; with ``significant``, by what is sure to be more."""

    metric: str
    max_drop: NotNegative = 0.0
    significant: bool = True
    over: str = "all"


class FlipsDelta(Written, frozen=True):
    """How many predictions are wrong that were right (``worse``), or other than before (``any``)."""

    flips: Literal["worse", "any"]
    max_share: Share | None = None
    max_count: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        if self.max_share is None and self.max_count is None:
            raise ValueError("A check of flips needs 'max_share' or 'max_count'")


class ShiftDelta(Written, frozen=True):
    """How far the distribution of predictions has moved."""

    shift: Literal["psi", "ks"]
    max: NotNegative


class LatencyDelta(Written, frozen=True):
    """How long one row takes, in terms of how long it took."""

    latency: Percentile
    max_ratio: Positive


class MemoryDelta(Written, frozen=True):
    memory: Memory
    max_ratio: Positive


class SizeDelta(Written, frozen=True):
    size: Literal["model"]
    max_ratio: Positive


class UnchangedDelta(Written, frozen=True):
    """Nothing of a part differs."""

    unchanged: Literal["signature", "param", "code", "data", "package", "environment"]


Check = (
    MetricCheck
    | ValuesCheck
    | MissingCheck
    | SchemaCheck
    | CalibrationCheck
    | LatencyCheck
    | ThroughputCheck
    | MemoryCheck
    | SizeCheck
    | RowsCheck
)
DeltaCheck = MetricDelta | FlipsDelta | ShiftDelta | LatencyDelta | MemoryDelta | SizeDelta | UnchangedDelta

CHECKS: dict[str, type[Check]] = {
    "metric": MetricCheck,
    "values": ValuesCheck,
    "missing": MissingCheck,
    "schema": SchemaCheck,
    "calibration": CalibrationCheck,
    "latency": LatencyCheck,
    "throughput": ThroughputCheck,
    "memory": MemoryCheck,
    "size": SizeCheck,
    "rows": RowsCheck,
}
DELTAS: dict[str, type[DeltaCheck]] = {
    "metric": MetricDelta,
    "flips": FlipsDelta,
    "shift": ShiftDelta,
    "latency": LatencyDelta,
    "memory": MemoryDelta,
    "size": SizeDelta,
    "unchanged": UnchangedDelta,
}
