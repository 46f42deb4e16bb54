"""The edge that keeps whatever goes wrong in here from training, which is neither stopped nor changed by it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)
_told: set[tuple[str, str]] = set()
"""What was said already in this process."""


class Failures:
    """Of one library."""

    def __init__(self, library: str, silent: bool) -> None:
        self._library = library
        self._silent = silent

    @contextmanager
    def kept_from_training(self, what: str) -> Iterator[None]:
        """An exception ends the block, and nothing more; the first of its kind is logged. ``what`` was to be logged."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - training goes on, whatever its logging runs into
            self.tell(what, str(error) or repr(error), trace=True)

    def tell(self, what: str, why: str, *, trace: bool = False) -> None:
        """Say once what is not logged, and why."""
        if not self._silent and (self._library, what) not in _told:
            _told.add((self._library, what))
            _log.warning("autolog of %s: %s is not logged, and training goes on: %s", self._library, what, why)
            if trace:
                _log.debug("the failure", exc_info=True)


def forget() -> None:
    """Say everything once more."""
    _told.clear()
