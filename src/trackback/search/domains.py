"""How a field may be compared: its operators, and the values they take."""

import math
import re
from collections.abc import Callable

import msgspec

from trackback.entities import LoggedModelStatus
from trackback.limits import INT64_MAX, INT64_MIN, check_experiment_id, shown
from trackback.search.syntax import Operator

PATTERN_LENGTH = 10_000  # characters of a LIKE pattern; SQLite gives up above 50,000 bytes

_EXACT = (Operator.EQUAL, Operator.NOT_EQUAL)
_RANGES = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)
_PATTERNS = (Operator.LIKE, Operator.NOT_LIKE, Operator.ILIKE, Operator.NOT_ILIKE)
_LISTS = (Operator.IN, Operator.NOT_IN)
_NULLS = (Operator.IS_NULL, Operator.IS_NOT_NULL)

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


class Domain(msgspec.Struct, frozen=True):
    """``read`` makes a value of the tree of a text in the filter, or raises ValueError or InvalidParameter.

    ``numeric``: the text is a number; with ``quotable`` it may stand in quotes all the same.
    """

    operators: tuple[Operator, ...]
    read: Callable[[str], str | int | float]
    numeric: bool = False
    quotable: bool = False


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _read_float(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{shown(text, 60)} is beyond the largest double, 1.8e308")
    return number


def _read_number(text: str) -> int | float:
    if len(text) <= 20 and text.lstrip("+-").isdigit() and INT64_MIN <= int(text) <= INT64_MAX:
        return int(text)
    return _read_float(text)


def _read_model_status(text: str) -> str:
    """MLflow's filters say READY for what its protocol calls LOGGED_MODEL_READY; here both do."""
    statuses = {status.name: status for status in LoggedModelStatus} | {status: status for status in LoggedModelStatus}
    if status := statuses.get(text):
        return str(status)
    raise ValueError(f"Invalid status {shown(text, 60)}: it is one of {', '.join(statuses)}")


TEXT = Domain(_EXACT + _PATTERNS + _LISTS, str)
KEYED_TEXT = Domain(TEXT.operators + _NULLS, str)
NUMBER = Domain(_EXACT + _RANGES + _LISTS, _read_number, numeric=True)
VERSION_NUMBER = Domain(NUMBER.operators, _read_number, numeric=True, quotable=True)
METRIC = Domain(NUMBER.operators + _NULLS, _read_float, numeric=True)
EXPERIMENT_ID = Domain(_EXACT + _LISTS, check_experiment_id)
MODEL_STATUS = Domain(_EXACT + _LISTS, _read_model_status)
