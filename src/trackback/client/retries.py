"""When a failed attempt is repeated, after which wait, and for how long."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from trackback.client.failures import Failure

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retries:
    """Waits double from one to the next, and are shortened at random, so that many clients don't come back at once.

    deadline_s: how long after the first attempt another may begin; 0 for a single attempt.
    """

    deadline_s: float = 60.0
    first_wait_s: float = 0.2
    longest_wait_s: float = 10.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def run(self, attempt: Callable[[], T], *, idempotent: bool = True, progress: Callable[[], int] = lambda: 0) -> T:
        """What ``attempt`` returns, or the error of the failure that ended the attempts.

        idempotent: whether it may be repeated when a failed attempt may have been carried out.
        progress: a number, such as of bytes received; where attempts raise it, the deadline begins anew.
        """
        start, best, failures = self.clock(), progress(), 0
        while True:
            try:
                return attempt()
            except Failure as failure:
                if (reached := progress()) > best:
                    start, best, failures = self.clock(), reached, 0
                failures += 1
                wait = max(self._wait(failures), failure.retry_after_s)
                may_repeat = failure.passing and (idempotent or failure.unheard)
                if not may_repeat or self.clock() + wait > start + self.deadline_s:
                    if failures > 1:
                        failure.error.add_note(f"It was tried {failures} times.")
                    raise failure.error from None  # its message has what mattered of many frames
                if failures == 1:
                    _log.warning("%s Trying again for up to %g s.", failure.error, self.deadline_s)
            self.sleep(wait)

    def _wait(self, failures: int) -> float:
        longest = min(self.first_wait_s * 2.0 ** min(failures - 1, 30), self.longest_wait_s)
        return longest * random.uniform(0.5, 1.0)
