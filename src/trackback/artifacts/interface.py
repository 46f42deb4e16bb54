"""What a store of blobs guarantees, wherever the bytes lie.

A *location* is the key that one upload was stored under. It is written once and never used again, not even for the
same bytes: so whoever deletes a location that no row of the database names can't hit another's upload. That the same
bytes are kept only once is settled in the database, where a digest has one row.

- What ``put`` returned survives kill -9 and power loss; what it raised from, or never returned from, is not there.
- Neither blocks the event loop, and neither holds more than a few megabytes of a blob, or on an object store a few
  tens, in memory.
- Errors: ``StorageFull`` if there is no room, ``Unavailable`` if the store does not answer, ``DataLoss`` if it has
  lost bytes that it had; what ``chunks`` raises arrives as it is.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

from trackback.entities import Blob

PIECE_SIZE = 1 << 20
"""Bytes that are read, written and hashed at a time."""

LOCATION = re.compile(r"blobs/(?:[0-9a-f]{2}/[0-9a-f]{62}\.[0-9a-f]{16}|[0-9a-f]{32})")
"""A location on local disk, or one in an object store: what was copied from one kind of store to another keeps it."""


class Stored(NamedTuple):
    """What lies in a store. ``modified_ms``: when it was written last, by the store's clock; in an object store that
    may be when its upload began.
    """

    location: str
    size: int
    modified_ms: int


class BlobStore(ABC):
    """Blobs on a disk or in an object store."""

    @abstractmethod
    async def put(self, chunks: AsyncIterator[bytes]) -> Blob:
        """Store the bytes of ``chunks`` under a new location."""

    @abstractmethod
    async def read(self, blob: Blob, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from ``start`` to before ``stop`` (by default the end), in pieces.

        What is wrong with the blob is raised here, before the first piece, so far as the store can tell. Whoever does
        not read to the end should close the generator.
        """

    @abstractmethod
    async def holds(self, blob: Blob) -> bool:
        """Whether all its bytes are there; their number, not their digest, is looked at."""

    @abstractmethod
    async def delete(self, location: str) -> None:
        """Delete what is stored there; nothing there is no error."""

    @abstractmethod
    async def keep(self, blob: Blob, chunks: AsyncIterator[bytes]) -> None:
        """Store a copy of ``blob`` under the very location that it has in another store.

        DataLoss if the bytes of ``chunks`` are not the blob's, by their digest; then they are not kept.
        """

    @abstractmethod
    async def list_after(self, location: str, limit: int) -> list[Stored]:
        """What lies in the store, in the order of its locations: the first ``limit`` after ``location``, or of all.

        What uploads that broke off have left behind is there too, so far as the store shows it. Other files are not.
        """

    @abstractmethod
    async def ping(self) -> None:
        """Return if the store answers and may be written to; else Unavailable."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what is under way. The store is not used afterwards."""
