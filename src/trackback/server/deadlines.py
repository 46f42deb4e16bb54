"""How long a connection may take for what it is at: the rules alone, which ``protocol`` carries out."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

MIN_BYTES_PER_S = 1024  # as a body's average, once it has taken longer than its deadline
STOPPING_S = 1.0


@dataclass(frozen=True)
class Deadlines:
    """Seconds: to stay idle between requests, to send the headers, and to make no progress with a body."""

    keep_alive_s: float
    header_s: float
    body_s: float

    @property
    def sweep_s(self) -> float:
        """How often connections should be looked at."""
        return min(1.0, self.keep_alive_s / 4, self.header_s / 4, self.body_s / 4)


class Phase(Enum):
    """What a connection is at."""

    NEW = auto()
    IDLE = auto()
    HEADERS = auto()
    BODY = auto()
    ANSWER = auto()


class Sight(NamedTuple):
    """What can be seen of a connection: the bytes received so far, and those not yet taken by the client.

    ``request`` tells one request from the next; ``reading`` is false while the server itself holds the body up.
    """

    phase: Phase
    request: int
    received: int
    unsent: int
    reading: bool


class Verdict(Enum):
    WAIT = auto()
    CLOSE = auto()
    REFUSE = auto()
    ABORT = auto()


_NOTHING = Sight(Phase.NEW, -1, 0, 0, True)


class Watch:
    """Looks at one connection again and again, and says when it has been patient enough.

    A look costs nothing between looks: what has changed since is seen, not reported. So a deadline is kept to within
    the time between two looks.
    """

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._last = _NOTHING
        self._began = 0.0
        self._moved = 0.0
        self._received_at_start = 0

    def look(self, sight: Sight, now: float, stopping: bool) -> Verdict:
        last, self._last = self._last, sight
        if (sight.phase, sight.request) != (last.phase, last.request):
            self._began = self._moved = now
            self._received_at_start = sight.received
        elif sight.received != last.received or sight.unsent != last.unsent:
            self._moved = now
        match sight.phase:
            case Phase.NEW:
                return self._expired(self._deadlines.header_s, Verdict.CLOSE, now, stopping)
            case Phase.IDLE:
                return self._expired(self._deadlines.keep_alive_s, Verdict.CLOSE, now, stopping)
            case Phase.HEADERS:
                return self._expired(self._deadlines.header_s, Verdict.REFUSE, now, stopping)
            case Phase.BODY:
                return self._look_at_body(sight, now, stopping)
            case Phase.ANSWER:
                return self._look_at_answer(sight, now, stopping)

    def _expired(self, deadline_s: float, verdict: Verdict, now: float, stopping: bool) -> Verdict:
        return verdict if stopping or now - self._began >= deadline_s else Verdict.WAIT

    def _look_at_body(self, sight: Sight, now: float, stopping: bool) -> Verdict:
        if not sight.reading:
            self._began = self._moved = now
            self._received_at_start = sight.received
            return Verdict.WAIT
        patience_s = self._patience_s(stopping)
        took_s = now - self._began
        received = sight.received - self._received_at_start
        trickles = took_s >= patience_s and received < took_s * MIN_BYTES_PER_S
        return Verdict.REFUSE if trickles or now - self._moved >= patience_s else Verdict.WAIT

    def _look_at_answer(self, sight: Sight, now: float, stopping: bool) -> Verdict:
        if not sight.unsent:
            self._moved = now  # the server is at work on it
            return Verdict.WAIT
        return Verdict.ABORT if now - self._moved >= self._patience_s(stopping) else Verdict.WAIT

    def _patience_s(self, stopping: bool) -> float:
        return min(STOPPING_S, self._deadlines.body_s) if stopping else self._deadlines.body_s
