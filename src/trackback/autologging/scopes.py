"""Calls within calls: what goes on inside of one that is logged, or is not to be, is part of it.

A scope is seen by the calls below it in the same thread or task. Work that is handed to other threads or processes
takes it along by ``Quietly``, which they can unpickle without importing more than this.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackback.entities import Metric
    from trackback.tracking.run import ActiveRun


@dataclass(frozen=True)
class Scope:
    """A call within which others are part of it.

    name: what it is known as to those that let it join. joined_by: the name of the only calls within it that are logged
    as well, to its run. last_points: of the metrics that it, and those, have logged: see ``RunLogger``.
    """

    run: "ActiveRun | None" = None
    name: str = ""
    joined_by: str = ""
    last_points: "dict[str, Metric]" = field(default_factory=dict)

    def admits(self, inner: "Scope") -> bool:
        return bool(inner.name) and inner.name == self.joined_by

    def within(self, run: "ActiveRun", outer: "Scope | None") -> "Scope":
        return replace(self, run=run, last_points=outer.last_points if outer else self.last_points)


QUIET = Scope()
_scope: ContextVar[Scope | None] = ContextVar("trackback_autologging", default=None)


def scope() -> Scope | None:
    """The innermost; None if nothing that is logged goes on."""
    return _scope.get()


@contextmanager
def entered(inner: Scope) -> Iterator[None]:
    token = _scope.set(inner)
    try:
        yield
    finally:
        _scope.reset(token)


def quiet() -> AbstractContextManager[None]:
    """A context in which nothing is logged of what is called."""
    return entered(QUIET)


class Quietly:
    """A function that is called later, perhaps by another thread or process, as part of what goes on now."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with quiet():
            return self._function(*args, **kwargs)


def call_quietly(original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """In place of a function that trains many models that nobody keeps: cross-validation, for one."""
    with quiet():
        return original(*args, **kwargs)


def run_tasks(original: Callable[..., Any], self: Any, iterable: Iterable[tuple[Any, ...]], /) -> Any:
    """In place of ``joblib.Parallel.__call__``: what a call hands to workers is part of it there."""
    if scope() is None:
        return original(self, iterable)
    return original(self, ((Quietly(function), args, kwargs) for function, args, kwargs in iterable))
