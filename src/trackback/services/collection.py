"""Collections of garbage: what was deleted a while ago, and bytes that nothing refers to, are cleared away.

A collection goes through what there is in phases, some at a time, and whoever asks for it asks again with the cursor
that each part answers with. So no request lasts long, no transaction either, and a collection holds little in memory,
needs nothing to be remembered by the server, and may be broken off anywhere. Several may run at once.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import monotonic
from typing import NamedTuple, TypeVar

from trackback.artifacts import BlobStore, paths
from trackback.entities import Actor, Collected, Garbage, Permission, Tally
from trackback.errors import InvalidParameter, TrackbackError
from trackback.limits import shown
from trackback.services import access
from trackback.services.clock import Clock, now_ms
from trackback.services.lineage_index import BATCH, LineageIndex
from trackback.storage import Storage, Transaction, collection
from trackback.storage.collection import Freed, Owner, Removal

T = TypeVar("T")

GRACE_MS = 7 * 24 * 3600 * 1000
"""By default."""
PART_S = 1.0
"""Seconds that a part takes, about."""
OWNERS = 50
BLOBS = 2000
ROWS = 500
LOCATIONS = 1000
DELETIONS_AT_ONCE = 32
YOUNGEST_ORPHAN_MS = 24 * 3600 * 1000
"""Bytes that no row names may be of an upload whose row is still to be written, so they are left alone for a day."""

log = logging.getLogger(__name__)


class _Order(NamedTuple):
    """What a part is to do. ``before_ms``: what was deleted or condemned later than that stays."""

    now_ms: int
    before_ms: int
    dry_run: bool


class _Done(NamedTuple):
    """A piece of a phase: what it found, and after what to go on; None: the phase is over."""

    found: dict[Garbage, Tally]
    after: str | None


_Phase = Callable[[_Order, str], Awaitable[_Done]]


class Collection:
    def __init__(self, storage: Storage, blobs: BlobStore, index: LineageIndex, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._blobs = blobs
        self._index = index
        self._clock = clock
        self._phases: dict[str, _Phase] = {
            "runs": self._runs,
            "logged_models": self._logged_models,
            "snapshots": self._snapshots,
            "manifests": self._manifests,
            "blobs": self._blob_rows,
            "store": self._store,
        }

    async def collect(
        self, actor: Actor, *, grace_ms: int = GRACE_MS, dry_run: bool = False, cursor: str = ""
    ) -> Collected:
        """Do a part of a collection, from ``cursor`` on, the answer to the part before.

        grace_ms: how long ago, at least, a run or model was deleted, or a blob found to be without use, for it to go.
        dry_run: nothing is changed, and found is what would have been.

        Raises InvalidParameter for a bad cursor or grace.
        """
        access.require(actor, Permission.ADMIN)
        if grace_ms < 0:
            raise InvalidParameter(f"Invalid grace {grace_ms} ms: it must not be negative.")
        phase, after = self._position(cursor)
        now = self._clock()
        order = _Order(now, now - grace_ms, dry_run)
        found: defaultdict[Garbage, Tally] = defaultdict(Tally)
        until = monotonic() + PART_S
        while phase and monotonic() < until:
            done = await self._phases[phase](order, after)
            for kind, tally in done.found.items():
                found[kind] += tally
            phase, after = (phase, done.after) if done.after is not None else (self._next(phase), "")
        return Collected(dict(found), f"{phase}:{after}" if phase else None)

    def _position(self, cursor: str) -> tuple[str, str]:
        phase, _, after = (cursor or "runs:").partition(":")
        numbered = phase in ("runs", "logged_models", "blobs")
        if phase not in self._phases or (numbered and after and not (after.isascii() and after.isdigit())):
            raise InvalidParameter(f"Invalid cursor {shown(cursor)}: give the one that the last part answered with.")
        return phase, after

    def _next(self, phase: str) -> str:
        names = [*self._phases, ""]
        return names[names.index(phase) + 1]

    async def _runs(self, order: _Order, after: str) -> _Done:
        if await self._index.index(BATCH):  # what versions descend from stays, so all of it is to be known first
            return _Done({}, after)
        if not order.dry_run:  # what the page before has left, or a collection that broke off
            await self._repeat(collection.strip_runs)
        page = await self._read(partial(collection.runs_to_remove, before_ms=order.before_ms), int(after or 0))
        return await self._owners(Garbage.RUNS, order, page, self._remove_run)

    async def _remove_run(self, run: int, root: str | None, before_ms: int) -> bool:
        return await self._storage.write(lambda tx: collection.remove_run(tx, run, root, before_ms))

    async def _logged_models(self, order: _Order, after: str) -> _Done:
        page = await self._read(partial(collection.models_to_remove, before_ms=order.before_ms), int(after or 0))
        return await self._owners(Garbage.LOGGED_MODELS, order, page, self._remove_model)

    async def _remove_model(self, model: int, root: str | None, before_ms: int) -> bool:
        removal = Removal.UNFINISHED
        while removal is Removal.UNFINISHED:
            removal = await self._storage.write(lambda tx: collection.remove_model(tx, model, root, before_ms, ROWS))
        return removal is Removal.GONE

    async def _read(self, find: Callable[..., list[Owner]], after: int) -> list[Owner]:
        return await self._storage.read(lambda tx: find(tx, after=after, limit=OWNERS))

    async def _owners(
        self,
        kind: Garbage,
        order: _Order,
        page: list[Owner],
        remove: Callable[[int, str | None, int], Awaitable[bool]],
    ) -> _Done:
        tally = Tally()
        for number, uri in page:
            root = _root_of(uri)
            size = await self._storage.read(partial(collection.bytes_below, root=root)) if root else 0
            if order.dry_run or await remove(number, root, order.before_ms):
                tally += Tally(1, size)
        return _Done({kind: tally}, str(page[-1].id) if page else None)

    async def _snapshots(self, order: _Order, after: str) -> _Done:
        page = await self._storage.read(
            lambda tx: collection.snapshots_to_remove(tx, order.before_ms, after, limit=OWNERS)
        )
        tally = Tally()
        for snapshot in page:
            remove = partial(collection.remove_snapshot, digest=snapshot.digest, before_ms=order.before_ms)
            if order.dry_run or await self._storage.write(remove):
                tally += Tally(1, snapshot.bytes)
        return _Done({Garbage.SNAPSHOTS: tally}, page[-1].digest if page else None)

    async def _manifests(self, order: _Order, after: str) -> _Done:
        more = not order.dry_run and await self._storage.write(lambda tx: collection.strip_manifests(tx, ROWS))
        return _Done({}, "" if more else None)

    async def _repeat(self, strip: Callable[[Transaction, int], bool]) -> None:
        while await self._storage.write(lambda tx: strip(tx, ROWS)):
            pass

    async def _blob_rows(self, order: _Order, after: str) -> _Done:
        start = int(after or 0)
        if order.dry_run:
            look = partial(collection.blobs_after_removals, before_ms=order.before_ms, after=start, limit=BLOBS)
        else:
            look = partial(collection.blobs_after, after=start, limit=BLOBS)
        page = await self._storage.read(look)
        idle = [(blob.size, blob.condemned_ms or order.now_ms) for blob in page if not blob.in_use]
        due = [size for size, condemned_ms in idle if condemned_ms <= order.before_ms]
        waiting = [size for size, condemned_ms in idle if condemned_ms > order.before_ms]
        if not order.dry_run and any(not blob.in_use or blob.condemned_ms is not None for blob in page):
            due = []
            for first in range(0, len(page), ROWS):
                sweep = partial(
                    collection.sweep,
                    page=page[first : first + ROWS],
                    now_ms=order.now_ms,
                    before_ms=order.before_ms,
                )
                due += await self._delete(await self._storage.write(sweep))
        found = {Garbage.BLOBS: _tally(due), Garbage.CONDEMNED: _tally(waiting)}
        return _Done(found, str(page[-1].id) if page else None)

    async def _store(self, order: _Order, after: str) -> _Done:
        page = await self._blobs.list_after(after, LOCATIONS)
        youngest_ms = min(order.before_ms, order.now_ms - YOUNGEST_ORPHAN_MS)
        old = {stored.location: stored.size for stored in page if stored.modified_ms <= youngest_ms}
        unnamed = await self._storage.read(lambda tx: collection.unnamed(tx, list(old))) if old else set()
        orphans = [Freed(location, old[location]) for location in sorted(unnamed)]
        sizes = [size for _, size in orphans] if order.dry_run else await self._delete(orphans)
        return _Done({Garbage.ORPHANS: _tally(sizes)}, page[-1].location if page else None)

    async def _delete(self, freed: Sequence[Freed]) -> list[int]:
        """Delete bytes that no row names; the sizes of those that are gone. The next collection finds the others."""
        sizes: list[int] = []
        for first in range(0, len(freed), DELETIONS_AT_ONCE):
            some = freed[first : first + DELETIONS_AT_ONCE]
            results = await asyncio.gather(
                *(self._blobs.delete(each.location) for each in some), return_exceptions=True
            )
            for each, result in zip(some, results, strict=True):
                if isinstance(result, TrackbackError):
                    log.warning("could not delete %s, which nothing refers to: %s", each.location, result.message)
                elif isinstance(result, BaseException):
                    raise result
                else:
                    sizes.append(each.size)
        return sizes


def _root_of(uri: str) -> str | None:
    """The root of the manifest with a run's or model's files; None if they lie elsewhere, or in that of another run."""
    path = paths.proxy_path(uri)
    root, inner = paths.split_root(path or "")
    return None if inner else root or None


def _tally(sizes: Sequence[int]) -> Tally:
    return Tally(len(sizes), sum(sizes))
