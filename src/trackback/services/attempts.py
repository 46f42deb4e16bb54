"""Slows down who tries passwords: after a few failures of a name from an address, it has to wait, ever longer."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from trackback.errors import Overloaded
from trackback.limits import shown

FREE = 5
LONGEST_WAIT_S = 60.0
REMEMBERED = 10_000
FORGOTTEN_S = 900.0

_Key = tuple[str, str | None]


class Attempts:
    """Counts failures for each user name and address, of the names that nobody has too. The oldest are forgotten."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[_Key, tuple[int, float]] = OrderedDict()

    def begin(self, name: str, address: str | None) -> None:
        """An attempt, which counts as failed until ``succeed``: of many at once, most must wait like one after another.

        Raises Overloaded, and nothing is to be tried, as long as the wait after the last failure is not over.
        """
        key, now = (name, address), self._clock()
        failures, last = self._failures.pop(key, (0, now))
        if now - last > FORGOTTEN_S:
            failures = 0
        wait = last + _wait_s(failures) - now
        if wait > 0:
            self._remember(key, failures, last)
            raise Overloaded(
                f"Signing in as {shown(name)} from {address} has failed {failures} times. "
                f"Try again in {wait:.0f} s, with the right password."
            )
        self._remember(key, failures + 1, now)

    def succeed(self, name: str, address: str | None) -> None:
        """The attempt was right: what failed before is forgotten."""
        self._failures.pop((name, address), None)

    def _remember(self, key: _Key, failures: int, last: float) -> None:
        self._failures[key] = failures, last
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)


def _wait_s(failures: int) -> float:
    return min(2.0 ** (failures - FREE), LONGEST_WAIT_S) if failures >= FREE else 0.0
