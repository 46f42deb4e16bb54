"""Params, metrics and tags as a client has them: sequences, as entities say, whose values are found by keys, too."""

from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import force_setattr

from trackback.entities import Metric, Param, Tag

T = TypeVar("T", Metric, Param, Tag)
E = TypeVar("E")

_KEYED = (tuple[Metric, ...], tuple[Param, ...], tuple[Tag, ...])


class Keyed(tuple[T, ...], Generic[T]):
    """Also read as MLflow's dictionaries are: ``run.data.metrics["loss"]``, ``dict(run.data.params)``.

    Of points with the same key, the value is that of the last. To iterate over it gives points, params or tags.
    """

    __slots__ = ()

    def __getitem__(self, place: Any) -> Any:
        """The value of a key, or what is at a place. KeyError, IndexError: there is none."""
        return dict(self.items())[place] if isinstance(place, str) else super().__getitem__(place)

    def __contains__(self, key: object) -> bool:
        return key in self.keys() if isinstance(key, str) else super().__contains__(key)

    def keys(self) -> list[str]:
        return [each.key for each in self]

    def values(self) -> list[Any]:
        return [each.value for each in self]

    def items(self) -> list[tuple[str, Any]]:
        return [(each.key, each.value) for each in self]

    def get(self, key: str, otherwise: Any = None) -> Any:
        return dict(self.items()).get(key, otherwise)


def by_key(entity: E) -> E:
    """An entity that was just received, with all that has keys in it as ``Keyed``."""
    kind: type = type(entity)
    for name, is_keyed in _places(kind):
        value = getattr(entity, name)
        force_setattr(entity, name, Keyed(value) if is_keyed else by_key(value))  # type: ignore[arg-type] # it is one
    return entity


@cache
def _places(kind: type) -> tuple[tuple[str, bool], ...]:
    """The fields of an entity that hold what has keys (True), or an entity that does."""
    if not issubclass(kind, msgspec.Struct):
        return ()
    found = []
    for field in msgspec.structs.fields(kind):
        if field.type in _KEYED:
            found.append((field.name, True))
        elif isinstance(field.type, type) and _places(field.type):
            found.append((field.name, False))
    return tuple(found)
