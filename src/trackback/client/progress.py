"""How those who wait are told how far a transfer is."""

from collections.abc import Callable

Advance = Callable[[int], None]
"""Is told of bytes that have gone or come; of fewer than none, where they have to again."""

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many; by one thread at a time, and often: it should not take long."""


def ignore(count: int) -> None:
    """Nobody wants to know."""
