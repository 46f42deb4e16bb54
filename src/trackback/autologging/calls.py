"""The arguments of a call, by their names."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any


class Call:
    """A call of ``function`` that is about to be made; ``args`` and ``kwargs`` are what it will be made with.

    is_part: whether another call, which is logged, makes it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        is_part: bool = False,
    ) -> None:
        self.function = function
        self.is_part = is_part
        self.args = args
        self.kwargs = dict(kwargs)
        self._parameters = inspect.signature(function).parameters
        self.names = list(self._parameters)

    def get(self, name: str, default: Any = None) -> Any:
        """The argument that is passed for ``name``; ``default`` if none is."""
        if name in self.kwargs:
            return self.kwargs[name]
        place = self._place(name)
        return self.args[place] if place is not None and place < len(self.args) else default

    def put(self, name: str, value: Any) -> None:
        """Pass another argument for ``name``."""
        place = self._place(name)
        if name not in self.kwargs and place is not None and place < len(self.args):
            self.args = (*self.args[:place], value, *self.args[place + 1 :])
        else:
            self.kwargs[name] = value

    def all(self) -> dict[str, Any]:
        """All arguments, those of ``**kwargs`` too; of what is not passed, the defaults."""
        plain = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        known = {
            name: self.get(name, None if each.default is inspect.Parameter.empty else each.default)
            for name, each in self._parameters.items()
            if each.kind not in plain
        }
        return known | self.kwargs

    def _place(self, name: str) -> int | None:
        each = self._parameters.get(name)
        by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return self.names.index(name) if each is not None and each.kind in by_place else None
