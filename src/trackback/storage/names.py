"""The dictionary of metric, param and tag names: each kept once, known elsewhere by its number.

Numbers of new names are published to the cache only after the commit that made them: a number that was rolled back
is given again, to another name.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import TypeVar

from trackback.storage.interface import Row, Transaction

T = TypeVar("T")

_FIND = "SELECT id, name FROM names WHERE name {texts}"
_FIND_IDS = "SELECT id, name FROM names WHERE id {ints}"
_ADD = "INSERT INTO names (name) {columns text} ON CONFLICT DO NOTHING"

CACHE_SIZE = 200_000


class NameCache:
    """Committed names and their numbers, shared by all connections of a process; names are never deleted."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self._lock = Lock()

    def publish(self, ids: dict[str, int]) -> None:
        if not ids:
            return
        with self._lock:
            if len(self.ids) + len(ids) > CACHE_SIZE:
                self.ids, self.names = {}, {}
            self.ids.update(ids)
            self.names.update((number, name) for name, number in ids.items())


class NameTable:
    """The dictionary as one transaction sees it; ``found`` is what may be published once it has committed."""

    def __init__(self, tx: Transaction, cache: NameCache) -> None:
        self._tx = tx
        self._cache = cache
        self.found: dict[str, int] = {}

    def known_ids(self, names: Sequence[str]) -> dict[str, int]:
        cached, found = self._cache.ids, self.found
        ids = {name: number for name in names if (number := cached.get(name) or found.get(name))}
        if missing := sorted({name for name in names if name not in ids}):
            fresh = {name: number for number, name in self._tx.rows(_FIND, missing)}
            found.update(fresh)
            ids.update(fresh)
        return ids

    def ids(self, names: Sequence[str]) -> list[int]:
        cached = self._cache.ids
        try:
            return [cached[name] for name in names]
        except KeyError:
            known = self.known_ids(names)
        if missing := sorted({name for name in names if name not in known}):
            self._tx.insert_columns(_ADD, missing)
            known |= self.known_ids(missing)
        return [known[name] for name in names]

    def names(self, ids: Sequence[int]) -> list[str]:
        cached = self._cache.names
        try:
            return [cached[number] for number in ids]
        except KeyError:
            known: dict[int, str] = dict(self._tx.rows(_FIND_IDS, sorted(set(ids))))
        self.found.update((name, number) for number, name in known.items())
        return [known[number] for number in ids]


def enter(tx: Transaction, *groups: Iterable[str]) -> None:
    """Number all keys of a write at once that has several groups of them.

    Until it commits, a write holds up others that enter the same names: two that did so in turns could each wait for
    the other.
    """
    tx.name_ids(list({key for group in groups for key in group}))


def numbered(tx: Transaction, values: Mapping[str, T]) -> tuple[list[int], list[T]]:
    """The numbers of the keys, ascending, and the value of each: in one order, so that writers never deadlock."""
    pairs = sorted(zip(tx.name_ids(list(values)), values, strict=True))
    return [number for number, _ in pairs], [values[key] for _, key in pairs]


def by_owner(tx: Transaction, rows: list[Row], make: Callable[[str, Row], T]) -> dict[int, list[T]]:
    """What ``make`` makes of a key's name and a row (owner, key, …), by owner."""
    keys = list({row[1] for row in rows})
    names = dict(zip(keys, tx.names(keys), strict=True))
    found: defaultdict[int, list[T]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(make(names[row[1]], row))
    return found
