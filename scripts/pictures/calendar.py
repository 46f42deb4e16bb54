"""What day it is on the server: a story of four weeks is told in minutes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from trackback.services import clock

DAY_S = 86_400


class Calendar:
    """``ago_s`` is how long ago it is. It takes the place of the module ``time`` in the server's clock."""

    ago_s = 0.0

    def turn_to(self, days_ago: float) -> None:
        self.ago_s = days_ago * DAY_S

    def time_ns(self) -> int:
        return time.time_ns() - int(self.ago_s * 1e9)

    @property
    def now_ms(self) -> int:
        return self.time_ns() // 1_000_000


@contextmanager
def opened() -> Iterator[Calendar]:
    calendar = Calendar()
    with patch.object(clock, "time", calendar):
        yield calendar
