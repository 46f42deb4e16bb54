"""What of checks can be told to be wrong before a model is asked, which may take long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trackback.delivery.evaluation.checks import PREDICTION, SLICES, column_of, no_slices
from trackback.delivery.evaluation.measuring import WHOLE
from trackback.delivery.evaluation.slices import LENGTH, Slice, families_of

if TYPE_CHECKING:
    import pandas as pd

    from trackback.delivery.evaluation.spec import Spec


def check_over(checks: Sequence[Any], slices: Sequence[Slice], spec: Spec) -> None:
    """InvalidParameter: a check is over slices that there are none of."""
    known = {WHOLE, SLICES, LENGTH, *families_of(spec), *(each.name for each in slices)}
    for check in checks:
        if getattr(check, "over", WHOLE) not in known:
            raise no_slices(check.over, known - {WHOLE, SLICES, LENGTH})


def check_columns(checks: Sequence[Any], frame: pd.DataFrame) -> None:
    """InvalidParameter: a check is about a column that there is not."""
    for check in checks:
        name = getattr(check, "values", None) or getattr(check, "missing", None)
        if name not in (None, PREDICTION, "*"):
            column_of(frame, name)
