"""Files that one process has to itself for a while. The kernel lets go when it dies."""

from typing import Any

try:
    import fcntl
except ImportError:  # Windows: one process at a time, then
    fcntl = None  # type: ignore[assignment]


def hold(file: Any) -> None:
    """Wait until nobody else holds the file; it is held until it is closed. ``file``: whatever has a descriptor."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)
