"""How long an operation may take, and who sees to it.

A thread looks around once in a while and interrupts what is overdue. So a limit costs an operation next to nothing, and
is kept to within the time between two looks.
"""

import threading
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from trackback.errors import ReadTooSlow, TrackbackError, Unavailable

LOOK_EVERY_S = 1.0
LOOK_AT_MOST_EVERY_S = 0.01
LOOKS = 4  # in the shortest time that something may take


class TimeLimit(NamedTuple):
    """``seconds``: for one operation, infinite for none. ``late``: what its caller is told beyond that."""

    seconds: float
    late: Callable[[float], TrackbackError]


def too_slow(seconds: float) -> TrackbackError:
    """For reads whose size is up to who asks."""
    return ReadTooSlow(
        f"This search, history or list took longer than {seconds:g} s and was ended. Ask for less: a narrower filter, "
        "fewer terms (an OR of many is slow), fewer runs; or have the server's --read-timeout raised."
    )


def no_answer(seconds: float) -> TrackbackError:
    """For what is quick unless the database itself is slow."""
    return Unavailable(f"The database did not answer within {seconds:g} s. Repeat the request in a moment.")


class Deadline:
    """When an operation that begins now has to be done, all of its statements together."""

    __slots__ = ("_limit", "began", "due", "seconds")

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self.seconds = limit.seconds
        self.began = monotonic()
        self.due = self.began + limit.seconds

    @property
    def passed(self) -> bool:
        return monotonic() > self.due

    def check(self) -> None:
        """Raise what the caller is told if time is up."""
        if self.passed:
            raise self.late()

    def late(self) -> TrackbackError:
        return self._limit.late(self.seconds)


class Watchdog:
    """Interrupts what takes too long. ``shortest_s`` is the shortest time that anything it watches may take."""

    def __init__(self, shortest_s: float) -> None:
        self._every_s = min(LOOK_EVERY_S, max(LOOK_AT_MOST_EVERY_S, shortest_s / LOOKS))
        self._watched: set[_Watched] = set()
        self._lock = threading.Lock()  # so that nothing is interrupted once it is not watched any more
        self._patient = True
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look_around, name="storage-watchdog", daemon=True)
        self._thread.start()

    def watch(self, due: float, interrupt: Callable[[], None]) -> "_Watched":
        """While the context lasts, call ``interrupt`` at ``due`` and with every look from then on.

        It is called from another thread, and must neither block nor raise.
        """
        return _Watched(self._watched, self._lock, due, interrupt)

    def interrupt_all(self) -> None:
        """Whatever is watched, from now on, is overdue."""
        self._patient = False
        self._look()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _look_around(self) -> None:
        while not self._closed.wait(self._every_s):
            self._look()

    def _look(self) -> None:
        now = monotonic()
        with self._lock:
            for each in self._watched:
                if now > each.due or not self._patient:
                    each.interrupt()


class _Watched:
    """A context. A class, since a generator takes twice as long, and every operation is watched."""

    __slots__ = ("_all", "_lock", "due", "interrupt")

    def __init__(self, all_: "set[_Watched]", lock: threading.Lock, due: float, interrupt: Callable[[], None]) -> None:
        self._all = all_
        self._lock = lock
        self.due = due
        self.interrupt = interrupt

    def __enter__(self) -> None:
        with self._lock:
            self._all.add(self)

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._all.remove(self)
