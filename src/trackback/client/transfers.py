"""Many files at once, over few connections, and how far they all are."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Lock
from typing import TypeVar

from trackback.client.progress import Progress

CONNECTIONS = 6
"""So many files are on their way at a time. More gain nothing from one server, and each takes 2 MB of memory."""

T = TypeVar("T")


class Stopped(Exception):
    """Another transfer has failed, so this one is given up. Never leaves ``in_parallel``."""


class Meter:
    """Counts the bytes of all transfers. ``total`` is how many there are to be."""

    def __init__(self, total: int, progress: Progress | None = None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0
        self._stopped = False
        self._lock = Lock()

    def advance(self, count: int) -> None:
        """So many bytes more are done; fewer than none, where they have to come again."""
        if self._stopped:
            raise Stopped
        with self._lock:
            self._done += count
            if self._progress is not None:
                self._progress(self._done, self._total)

    def stop(self) -> None:
        """Have transfers under way give up."""
        self._stopped = True


def in_parallel(jobs: Sequence[Callable[[], T]], meter: Meter) -> list[T]:
    """What the jobs return, in their order. The first error ends them all, and is raised."""
    if len(jobs) == 1:
        return [jobs[0]()]
    threads = ThreadPoolExecutor(CONNECTIONS, "trackback-transfers")
    try:
        futures = [threads.submit(job) for job in jobs]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        return [future.result() for future in futures]
    except BaseException:
        meter.stop()
        raise
    finally:
        threads.shutdown(cancel_futures=True)
