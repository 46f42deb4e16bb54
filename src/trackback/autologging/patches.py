"""What is replaced in a library while it is watched, and put back after.

Programs, and pickles, find everything where it was, by its name, with its docstring and signature. A method is replaced
in the class that defines it. A function that is decorated stays itself, and what it calls is replaced: so it is watched
also where it was imported before. One that is not is replaced in every module of its library that has it.
"""

import copy
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import CellType, FunctionType, ModuleType
from typing import Any

Replacement = Callable[..., Any]
"""Called in place of a function, with that function, and then its arguments."""


@dataclass(eq=False)
class Patch:
    """``owner`` has ``after`` as its attribute ``name`` in place of ``before``, which it had from its bases, or not.

    inner: what ``after`` calls in the end, as the only item; others may be between.
    """

    owner: Any
    name: str
    before: Any
    after: Any
    inner: list[Any]
    is_inherited: bool = False

    def put(self) -> None:
        setattr(self.owner, self.name, self.after)

    def undo(self) -> None:
        """Leave, from under another that was put over it, too. What somebody else has put there stays."""
        if _attribute(self.owner, self.name) is self.after:
            if self.is_inherited:
                delattr(self.owner, self.name)
            else:
                setattr(self.owner, self.name, self.before)
        for other in _standing:
            if other.owner is self.owner and other.before is self.after:
                other.before = other.inner[0] = self.before


_standing: list[Patch] = []
"""All that there are."""


class Patches:
    """Of one library. Not for threads at the same time."""

    def __init__(self) -> None:
        self._patches: list[Patch] = []
        self._places: set[tuple[int, str]] = set()

    def method(self, owner: type, name: str, replacement: Replacement, *, inherited: bool = False) -> None:
        """Replace a method of a class. It stays as it is if the class has none, or one that is no plain function.

        inherited: one that the class has from its bases, too.
        """
        is_own = name in vars(owner)
        before = vars(owner)[name] if is_own else inspect.getattr_static(owner, name, None) if inherited else None
        replaced = _replaced(before, replacement)
        if replaced is not None and not self._has(owner, name):
            self._put(Patch(owner, name, before, *replaced, is_inherited=not is_own))

    def function(self, module: ModuleType, name: str, replacement: Replacement) -> None:
        """Replace a function that a module defines."""
        function = vars(module).get(name)
        if not isinstance(function, FunctionType) or self._has(module, name):
            return
        if hasattr(function, "__wrapped__"):
            self._inside(function, replacement)
        else:
            self._everywhere(module, function, name, replacement)

    def imported_function(self, module: ModuleType, name: str, replacement: Replacement) -> None:
        """Replace a function in one module only, which has imported it from another."""
        function = vars(module).get(name)
        if isinstance(function, FunctionType) and not self._has(module, name):
            self._put(Patch(module, name, function, *_wrapped(function, replacement)))

    def undo(self) -> None:
        """Put back all that was replaced, but for what somebody else has replaced since."""
        for patch in reversed(self._patches):
            patch.undo()
            _standing.remove(patch)
        self._patches.clear()
        self._places.clear()

    def _inside(self, function: FunctionType, replacement: Replacement) -> None:
        """Replace what a decorator has wrapped, in the cell that it calls it from."""
        innermost = inspect.unwrap(function)
        for cell in function.__closure__ or ():
            before = _attribute(cell, "cell_contents")
            is_it = isinstance(before, FunctionType) and inspect.unwrap(before) is innermost
            if is_it and not self._has(cell, "cell_contents"):
                self._put(Patch(cell, "cell_contents", before, *_wrapped(before, replacement)))

    def _everywhere(self, module: ModuleType, before: FunctionType, name: str, replacement: Replacement) -> None:
        after, inner = _wrapped(before, replacement)
        library = module.__name__.partition(".")[0]
        for other_name, other in list(sys.modules.items()):
            if other_name.partition(".")[0] == library and _attribute(other, name) is before:
                self._put(Patch(other, name, before, after, inner))

    def _put(self, patch: Patch) -> None:
        try:
            patch.put()
        except TypeError:  # of a compiled class
            return
        self._patches.append(patch)
        _standing.append(patch)
        self._places.add((id(patch.owner), patch.name))

    def _has(self, owner: Any, name: str) -> bool:
        return (id(owner), name) in self._places


def _attribute(owner: Any, name: str) -> Any:
    """What an owner itself has, and not its bases."""
    if isinstance(owner, CellType):
        try:
            return owner.cell_contents
        except ValueError:  # it is empty
            return None
    return getattr(owner, "__dict__", {}).get(name)


def _replaced(before: Any, replacement: Replacement) -> tuple[Any, list[Any]] | None:
    if isinstance(before, FunctionType):
        return _wrapped(before, replacement)
    if isinstance(getattr(before, "fn", None), FunctionType) and hasattr(before, "check"):
        # scikit-learn's methods that only some objects have
        after = copy.copy(before)
        after.fn, inner = _wrapped(before.fn, replacement)
        after.__wrapped__ = after.fn
        return after, inner
    return None


def _wrapped(before: Callable[..., Any], replacement: Replacement) -> tuple[Callable[..., Any], list[Any]]:
    inner = [before]

    @wraps(before)
    def after(*args: Any, **kwargs: Any) -> Any:
        return replacement(inner[0], *args, **kwargs)

    return after, inner
