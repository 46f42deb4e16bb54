"""Libraries that are imported where they are used, and may not be there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trackback.errors import InvalidModel, InvalidParameter, MissingLibrary, TrackbackError


def missing(distribution: str, error: ImportError) -> MissingLibrary:
    """The error for a library that is not there."""
    return MissingLibrary.of("this model", distribution, error)


@contextmanager
def needs(distribution: str) -> Iterator[None]:
    """Around imports of a library. MissingLibrary if it, or something that it needs itself, is not there."""
    try:
        yield
    except ImportError as error:
        raise missing(distribution, error) from error


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Around a library's reading of a model's file. InvalidModel if it can't."""
    try:
        yield
    except TrackbackError:
        raise
    except Exception as error:  # each library has errors of its own for damaged files
        raise InvalidModel(f"{file} can't be loaded: {type(error).__name__}: {error}") from error


@contextmanager
def writing(model: object) -> Iterator[None]:
    """Around a library's writing of a model. InvalidParameter if it can't, such as for one that is not trained yet."""
    try:
        yield
    except (TrackbackError, OSError):
        raise
    except Exception as error:  # each library has errors of its own
        raise InvalidParameter(f"the {type(model).__name__} can't be saved: {type(error).__name__}: {error}") from error
