"""The columns that tables of runs have: what each is called, and which field of the filter language it is."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.search import RUNS, Aggregate, Field, InvalidSearch, Kind, parse_order_by, spelled

MOST_COLUMNS = 200
_CURVE = "curve("


class Fact(StrEnum):
    """What runs have without a key that it is logged under. Names are those of the filter language where it has one."""

    STATUS = "status"
    START = "start_time"
    END = "end_time"
    DURATION = "duration"
    USER = "user_id"
    SOURCE = "source"
    DATASETS = "datasets"
    MODELS = "models"
    RUN_ID = "run_id"


FACT_LABELS: dict[str, str] = {
    Fact.STATUS: "Status",
    Fact.START: "Started",
    Fact.END: "Ended",
    Fact.DURATION: "Took",
    Fact.USER: "User",
    Fact.SOURCE: "Source",
    Fact.DATASETS: "Data sets",
    Fact.MODELS: "Models",
    Fact.RUN_ID: "Run id",
}
_ORDERED = frozenset((Fact.STATUS, Fact.START, Fact.END, Fact.USER, Fact.RUN_ID))


class Column(NamedTuple):
    """``spelled`` names it in URLs: a fact, a field as the filter language has it, or ``curve(metrics.loss)``, which is
    how a metric went.
    """

    spelled: str
    fact: Fact | None = None
    field: Field | None = None
    is_curve: bool = False

    @property
    def label(self) -> str:
        if self.fact:
            return FACT_LABELS[self.fact]
        assert self.field
        if self.is_curve:
            return f"{self.field.key} curve"
        return self.field.key if self.field.aggregate is Aggregate.LAST else f"{self.field.aggregate} {self.field.key}"

    @property
    def order(self) -> str | None:
        """What an order by the column names; None where there is none."""
        if self.fact:
            return self.spelled if self.fact in _ORDERED else None
        return None if self.field is None else spelled(self.field)

    @property
    def group(self) -> str:
        """Beside which others it belongs: ``facts``, ``metrics``, ``params`` or ``tags``."""
        return "facts" if self.field is None else f"{self.field.kind}s"


def fact_column(fact: Fact) -> Column:
    return Column(fact.value, fact=fact)


def field_column(field: Field) -> Column:
    return Column(spelled(field), field=field)


def curve_column(field: Field) -> Column:
    return Column(f"{_CURVE}{spelled(field)})", field=field, is_curve=True)


def parse_column(text: str) -> Column:
    """Raises InvalidParameter for what is no column."""
    if text in FACT_LABELS:
        return fact_column(Fact(text))
    is_curve = text.startswith(_CURVE) and text.endswith(")")
    try:
        (order,) = parse_order_by([text.removeprefix(_CURVE)[:-1] if is_curve else text], RUNS)
    except InvalidSearch:
        raise _no_column(text) from None
    field = order.field
    if field.kind is Kind.ATTRIBUTE or (is_curve and field.kind is not Kind.METRIC):
        raise _no_column(text)
    return curve_column(field) if is_curve else field_column(field)


def parse_columns(texts: Iterable[str]) -> list[Column]:
    """Each once, in the order of their first."""
    found = list({column.spelled: column for column in map(parse_column, texts)}.values())
    if len(found) > MOST_COLUMNS:
        raise InvalidParameter(f"A table has at most {MOST_COLUMNS} columns; these are {len(found)}. Choose fewer.")
    return found


def parse_group(text: str) -> Field:
    """What runs are grouped by: a param or a tag. Raises InvalidParameter for anything else."""
    column = parse_column(text)
    if column.field and column.field.kind in (Kind.PARAM, Kind.TAG):
        return column.field
    raise InvalidParameter(f"Runs are grouped by a param or a tag, such as params.solver, and not by {shown(text)}.")


def _no_column(text: str) -> InvalidParameter:
    return InvalidParameter(
        f"There is no column {shown(text)}. A column is one of {', '.join(Fact)}, or a metric, param or tag such as "
        "metrics.loss, min(metrics.loss), curve(metrics.loss), params.lr or tags.team."
    )
