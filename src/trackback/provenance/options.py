"""What is captured, and how much of it: from arguments, or from ``TRACKBACK_CAPTURE…`` in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from trackback.errors import InvalidParameter
from trackback.limits import shown

SWITCH = "TRACKBACK_CAPTURE"
"""The variable that switches all of it off, and what the names of the others begin with."""

_OFF = frozenset({"0", "false", "no", "off"})
_ON = frozenset({"1", "true", "yes", "on", ""})


@dataclass(frozen=True)
class CaptureOptions:
    """Each part by itself; a part that is off costs nothing.

    git: commit, branch, remote, and whether the tree is dirty.
    diff: what the working tree has beyond the commit; needs ``git``.
    script: the file that Python was started with.
    notebook: the notebook or the cells that were run, in Jupyter and IPython.
    command: the command line.
    packages: every installed package, and the lock file made of them.
    hardware: processors, memory, GPUs.
    variables: environment variables of an allow-list, and those that ``more_variables`` names, with ``*`` for any text.
    most_bytes: of a file that is kept; a diff is cut there, other files are left out.
    timeout_s: how long a program that is asked, such as git, may take.
    """

    git: bool = True
    diff: bool = True
    script: bool = True
    notebook: bool = True
    command: bool = True
    packages: bool = True
    hardware: bool = True
    variables: bool = True
    more_variables: tuple[str, ...] = ()
    most_bytes: int = 2 << 20
    timeout_s: float = 5.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "CaptureOptions":
        """``TRACKBACK_CAPTURE=0`` switches everything off, ``TRACKBACK_CAPTURE_DIFF=0`` one part.

        ``TRACKBACK_CAPTURE_MORE_VARIABLES`` is a list parted by commas; ``_MOST_BYTES`` and ``_TIMEOUT_S`` are numbers.

        InvalidParameter: a value that is none of these.
        """
        default = _switch(SWITCH, environment.get(SWITCH, ""))
        found: dict[str, Any] = {}
        for field in fields(cls):
            name = f"{SWITCH}_{field.name.upper()}"
            value = environment.get(name)
            if isinstance(field.default, bool):
                found[field.name] = default if value is None else _switch(name, value)
            elif value is not None:
                found[field.name] = _value(name, value, field.default)
        return cls(**found)


def _switch(name: str, value: str) -> bool:
    text = value.strip().lower()
    if text not in _ON | _OFF:
        raise InvalidParameter(f"{name} is {shown(value)}. Set it to 0 to switch it off, or to 1.")
    return text in _ON


def _value(name: str, value: str, default: object) -> object:
    if isinstance(default, tuple):
        return tuple(filter(None, (each.strip() for each in value.split(","))))
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise InvalidParameter(f"{name} is {shown(value)}. Set it to a number, such as {default}.")
    return type(default)(number)  # type: ignore[call-arg]
