"""Libraries that only some functions need, and that may not be there."""

from collections.abc import Iterator
from contextlib import contextmanager

from trackback.errors import MissingLibrary


@contextmanager
def needed(distribution: str, by: str) -> Iterator[None]:
    """Around an import. MissingLibrary: it is not there."""
    try:
        yield
    except ImportError as error:
        raise MissingLibrary.of(by, distribution, error) from error
