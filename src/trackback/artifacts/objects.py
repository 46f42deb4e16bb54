"""Blobs in an object store: S3, Google's or Azure's, through obstore.

    <prefix>/blobs/<random>

An upload goes to its place at once, in parts; object stores show an object only when it is whole. Its digest is known
when it ends, and the database keeps where it lies: there is neither a rename nor a second copy. Retries are obstore's.

A server that is killed leaves the parts of an upload behind, unseen; the bucket's rule for incomplete multipart
uploads clears them away.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from trackback.artifacts import faults
from trackback.artifacts.interface import LOCATION, BlobStore, Stored
from trackback.artifacts.streams import in_pieces, read_ahead
from trackback.entities import Blob
from trackback.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:  # names that obstore has for type checkers only
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

PART_SIZE = 16 << 20
PARTS_AT_ONCE = 4
RANGE_SIZE = 4 << 20
PING_TIMEOUT_S = 5
END_TIMEOUT_S = 10

_CLIENT: "ClientConfig" = {
    "allow_http": True,  # where the operator's endpoint is http; without one it is the provider's, with https
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(seconds=120),  # of one part or range, not of a whole blob
}
_RETRIES: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}


def open_store(uri: str) -> "ObjectStore":
    """The bucket and prefix at ``uri``, with credentials from the environment, as the provider's own tools take them.

    For S3 the names that MLflow's users set are known too: MLFLOW_S3_ENDPOINT_URL and MLFLOW_S3_IGNORE_TLS.
    """
    client = _CLIENT
    s3_endpoint = None
    if uri.startswith("s3"):
        s3_endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL")
        if os.environ.get("MLFLOW_S3_IGNORE_TLS", "").lower() == "true":
            client = {**client, "allow_invalid_certificates": True}
    try:
        if s3_endpoint:
            return from_url(uri, client_options=client, retry_config=_RETRIES, endpoint=s3_endpoint)
        return from_url(uri, client_options=client, retry_config=_RETRIES)
    except (BaseError, ValueError) as error:
        raise ConfigurationError(f"Can't use {uri!r} for artifacts: {faults.first_line(error)}") from error


class ObjectBlobs(BlobStore):
    """A bucket, or a prefix in one."""

    def __init__(self, uri: str) -> None:
        self._store = open_store(uri)

    async def put(self, chunks: AsyncIterator[bytes]) -> Blob:
        location = f"blobs/{secrets.token_hex(16)}"
        return await self._put_at(location, chunks)

    async def keep(self, blob: Blob, chunks: AsyncIterator[bytes]) -> None:
        kept = await self._put_at(blob.location, chunks)
        if kept.digest != blob.digest:
            await self._drop(blob.location)
            raise faults.changed(blob, kept.digest)

    async def _put_at(self, location: str, chunks: AsyncIterator[bytes]) -> Blob:
        source = _Source(in_pieces(chunks))
        whole = await source.read_below(PART_SIZE)
        await self._upload(location, source, source if whole is None else whole)
        return Blob(source.digest, source.size, location)

    async def _upload(self, location: str, source: "_Source", content: "bytes | _Source") -> None:
        """An upload that breaks off is ended and its object deleted, not aborted: a part that is under way when an
        upload is aborted may stay behind for ever.
        """
        upload = asyncio.ensure_future(
            obstore.put_async(self._store, location, content, chunk_size=PART_SIZE, max_concurrency=PARTS_AT_ONCE)
        )
        try:
            await asyncio.shield(upload)
        except asyncio.CancelledError:
            source.end()
            await asyncio.wait([upload], timeout=END_TIMEOUT_S)
            await self._drop(location)
            raise
        except BaseError as error:
            raise source.error or faults.unreachable(error) from error
        if source.error:
            await self._drop(location)
            raise source.error

    async def _drop(self, location: str) -> None:
        """Delete what nobody refers to, if that can be done now."""
        with suppress(Unavailable):
            await self.delete(location)

    async def read(self, blob: Blob, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """In ranges, so that no request lasts as long as a slow reader does, and each can be retried."""

        async def fetch(begin: int, end: int) -> bytes:
            try:
                piece = bytes(await obstore.get_range_async(self._store, blob.location, start=begin, end=end))
            except FileNotFoundError:
                raise faults.lost(blob) from None
            except BaseError as error:
                raise faults.unreachable(error) from error
            if len(piece) < end - begin:
                raise faults.lost(blob)
            return piece

        return await read_ahead(fetch, start, blob.size if stop is None else stop, RANGE_SIZE)

    async def holds(self, blob: Blob) -> bool:
        try:
            return (await obstore.head_async(self._store, blob.location))["size"] == blob.size
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise faults.unreachable(error) from error

    async def delete(self, location: str) -> None:
        try:
            with suppress(FileNotFoundError):
                await obstore.delete_async(self._store, location)
        except BaseError as error:
            raise faults.unreachable(error) from error

    async def list_after(self, location: str, limit: int) -> list[Stored]:
        found: list[Stored] = []
        try:
            async for page in obstore.list(self._store, prefix="blobs", offset=location or None, chunk_size=limit):
                found += [_stored(each) for each in page if LOCATION.fullmatch(each["path"])]
                if len(found) >= limit:
                    break
        except (BaseError, FileNotFoundError) as error:
            raise faults.unreachable(error) from error
        return found[:limit]

    async def ping(self) -> None:
        """Ask for a listing that is empty: unlike a look at an object, it fails where there is no such bucket."""
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await obstore.list(self._store, prefix="ping", chunk_size=1).collect_async()
        except TimeoutError:
            raise Unavailable("The artifact store did not answer in time.") from None
        except (BaseError, FileNotFoundError) as error:
            raise faults.unreachable(error) from error

    async def close(self) -> None:
        """obstore keeps nothing that would have to be closed."""


def _stored(found: "ObjectMeta") -> Stored:
    return Stored(found["path"], found["size"], int(found["last_modified"].timestamp() * 1000))


class _Source:
    """The pieces of an upload, hashed on their way to obstore; iterated over once.

    Where they break off, the iteration ends, and ``error`` says why.
    """

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._taken: list[bytes] = []
        self._hash = hashlib.sha256()
        self._ended = False
        self.size = 0
        self.error: Exception | None = None

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def end(self) -> None:
        """Give no more pieces."""
        self._ended = True

    async def read_below(self, size: int) -> bytes | None:
        """All the bytes, if they are less than ``size``; if not, iterating gives them from the first on."""
        while self.size < size:
            if (piece := await self._next()) is None:
                return b"".join(self._taken)
            self._taken.append(piece)
        return None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._taken:
            return self._taken.pop(0)
        try:
            piece = await self._next()
        except Exception as error:  # noqa: BLE001 - the uploader raises it, when the store has been cleaned up
            self.error = error
            piece = None
        if piece is None or self._ended:
            raise StopAsyncIteration
        return piece

    async def _next(self) -> bytes | None:
        piece = await anext(self._pieces, None)
        if piece is not None:
            await asyncio.to_thread(self._hash.update, piece)
            self.size += len(piece)
        return piece
