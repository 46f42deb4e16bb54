"""Waiting without waiting."""

from collections.abc import Callable

from trackback.client.retries import Retries


class Clock:
    """Stands still but for ``sleep``, which is over at once. ``waits`` are the seconds slept."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now_s = 0.0
        self.meanwhile: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds
        self.meanwhile()

    def retries(self, deadline_s: float = 60.0) -> Retries:
        return Retries(deadline_s=deadline_s, sleep=self.sleep, clock=lambda: self.now_s)
