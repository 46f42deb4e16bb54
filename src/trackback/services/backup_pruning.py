"""Old backups go, and with them the bytes that no other backup in the folder names."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from trackback.artifacts import BlobStore
from trackback.entities import Tally
from trackback.services.backups import PARTIAL, RECORD, complete_backups, find_backup, listed, opened, place_of
from trackback.services.clock import Clock, now_ms

LOCATIONS = 1000
YOUNGEST_MS = 24 * 3600 * 1000
"""Bytes that were copied within a day may be of a backup that goes on just now, whose list is not there yet."""


async def prune(folder: Path, keep: int, clock: Clock = now_ms) -> Tally:
    """Delete all backups of ``folder`` but the newest ``keep`` (at least one); how much went of bytes.

    Backups that were killed more than a day ago go too; those that may be under way keep the bytes that they name.
    The locations of all that is kept are held in memory, about 150 bytes each.
    """
    before_ms = clock() - YOUNGEST_MS
    await asyncio.to_thread(_clear_partial, folder, before_ms)
    names = complete_backups(folder)
    kept, old = names[:keep], names[keep:]
    if not kept:
        return Tally()
    place = place_of(find_backup(folder, kept[0]))
    await asyncio.to_thread(_remove, [folder / name for name in old])
    needed = set(_named_by_partial(folder))  # first: one that ends meanwhile is among the complete ones then
    needed.update(blob.location for name in complete_backups(folder) for blob in listed(folder / name))
    async with opened(place) as copies:
        return await _sweep(copies, needed, before_ms)


def _clear_partial(folder: Path, before_ms: int) -> None:
    for partial in folder.glob(f"*{PARTIAL}"):
        if partial.stat().st_mtime * 1000 <= before_ms:
            shutil.rmtree(partial)


def _named_by_partial(folder: Path) -> Iterator[str]:
    """The locations that unfinished backups name so far."""
    for partial in folder.glob(f"*{PARTIAL}"):
        try:
            for blob in listed(partial):
                yield blob.location
        except (FileNotFoundError, msgspec.MsgspecError):
            continue  # there is no list yet, or its last line is being written


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        (folder / RECORD).unlink()  # first: from now on it is no backup, whatever becomes of the rest
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


async def _sweep(copies: BlobStore, needed: set[str], before_ms: int) -> Tally:
    gone = Tally()
    location = ""
    while page := await copies.list_after(location, LOCATIONS):
        for stored in page:
            if stored.location not in needed and stored.modified_ms <= before_ms:
                await copies.delete(stored.location)
                gone += Tally(1, stored.size)
        location = page[-1].location
    return gone
