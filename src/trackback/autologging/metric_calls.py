"""How a metric was computed, as a line of code: ``accuracy_score(y_true=y_test, y_pred=predicted)``."""

from collections.abc import Callable
from typing import Any

from trackback.autologging.callers import variable_name
from trackback.autologging.calls import Call

LONGEST_TEXT = 32  # MLflow's


def command_of(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, skipped: int = 0
) -> str:
    """skipped: how many of the first arguments are not shown: ``self`` of a method."""
    call = Call(function, args, kwargs)
    by_place = zip(call.names[skipped:], call.args[skipped:], strict=False)
    shown = [f"{name}={_shown(value)}" for name, value in [*by_place, *call.kwargs.items()]]
    return f"{name}({', '.join(shown)})"


def _shown(value: Any) -> str:
    """A single value as it is, all else by the name of its variable."""
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return repr(f"{value[:LONGEST_TEXT]}...")
    if value is None or isinstance(value, str | bytes | bool | int | float | complex) or getattr(value, "ndim", 1) == 0:
        return repr(value)
    return variable_name(value, f"<{type(value).__name__}>")
