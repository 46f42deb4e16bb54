"""httpx logs a line for each request, at INFO. Ours are no news to a program that logs; its own stay as they are."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _OwnRequests(logging.Filter):
    """Drops what a thread logs in the course of a request of ours."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(self._thread, "asks", False)

    @contextmanager
    def unannounced(self) -> Iterator[None]:
        self._thread.asks = True
        try:
            yield
        finally:
            self._thread.asks = False


_filter = _OwnRequests()
unannounced = _filter.unannounced
"""A context: what httpx logs in this thread is dropped."""

logging.getLogger("httpx").addFilter(_filter)
