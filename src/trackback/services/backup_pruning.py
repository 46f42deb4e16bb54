"""Old backups go, and with them the bytes that no other backup in the folder names."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from trackback.artifacts import BlobStore
from trackback.entities import Tally
from trackback.services.backups import RECORD, complete_backups, find_backup, listed, opened, place_of
from trackback.services.clock import Clock, now_ms

LOCATIONS = 1000
YOUNGEST_MS = 24 * 3600 * 1000
"""Bytes that were copied within a day may be of a backup that goes on just now, whose list is not there yet."""


async def prune(folder: Path, keep: int, clock: Clock = now_ms) -> Tally:
    """Delete all backups of ``folder`` but the newest ``keep`` (at least one); how much went of bytes.

    The locations of all that is kept are held in memory, about 150 bytes each.
    """
    names = complete_backups(folder)
    kept, old = names[:keep], names[keep:]
    if not kept:
        return Tally()
    place = place_of(find_backup(folder, kept[0]))
    await asyncio.to_thread(_remove, [folder / name for name in old])
    needed = {blob.location for name in kept for blob in listed(folder / name)}
    async with opened(place) as copies:
        return await _sweep(copies, needed, clock() - YOUNGEST_MS)


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
