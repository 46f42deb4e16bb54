"""What the program calls a value that it has passed on."""

import inspect
import sys
from itertools import chain
from types import FrameType
from typing import Any

_PACKAGE = __name__.rpartition(".")[0]


def variable_name(value: Any, default: str) -> str:
    """The name of the variable that a value was first passed from; ``default`` if it was in none.

    As in MLflow: while it is an argument of the caller, that one's caller is asked.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__", ""))
        if not f"{package}.".startswith(f"{_PACKAGE}.") and not _is_argument(value, frame):
            known = chain(frame.f_locals.items(), frame.f_globals.items())
            return next((name for name, each in known if each is value), default)
        frame = frame.f_back
    return default


def _is_argument(value: Any, frame: FrameType) -> bool:
    found = inspect.getargvalues(frame)
    passed = [found.locals.get(name) for name in found.args]
    passed += found.locals[found.varargs] if found.varargs else ()
    passed += found.locals[found.keywords].values() if found.keywords else ()
    return any(each is value for each in passed)
