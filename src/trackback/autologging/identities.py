"""Notes on objects, by what they are and not by what they equal, for as long as they live."""

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class IdentityMap(Generic[V]):
    """Objects that can't be referred to weakly, such as lists, are not kept."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], V]] = {}

    def put(self, key: Any, value: V) -> None:
        number = id(key)
        try:
            reference = weakref.ref(key, lambda gone: self._forget(number, gone))
        except TypeError:
            return
        self._entries[number] = (reference, value)

    def get(self, key: Any) -> V | None:
        reference, value = self._entries.get(id(key), (None, None))
        return value if reference is not None and reference() is key else None

    def __len__(self) -> int:
        return len(self._entries)

    def _forget(self, number: int, gone: "weakref.ref[Any]") -> None:
        if number in self._entries and self._entries[number][0] is gone:
            del self._entries[number]


def weakly(value: Any) -> Callable[[], Any]:
    """What gives the value as long as others have it, and None after; at once, if it can't be referred to weakly."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: None
