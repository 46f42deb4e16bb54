"""Files that one process has to itself for a while. The kernel lets go when it dies."""

from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: one process at a time, then
    fcntl = None  # type: ignore[assignment]


def hold(file: Any) -> None:
    """Wait until nobody else holds the file; it is held until it is closed. ``file``: whatever has a descriptor."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)


def hold_now(file: Any) -> bool:
    """The same without waiting; whether it is held."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether somebody holds the file now."""
    if fcntl is None:
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
