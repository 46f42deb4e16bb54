"""Signatures: whether a model says what goes into it. Each MLmodel is read once, as a policy can't wait for a store."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing

import yaml

from trackback.artifacts import BlobStore
from trackback.entities import Actor, Blob
from trackback.errors import DataLoss, TrackbackError
from trackback.storage import Storage, Transaction, evidence

MLMODEL = "MLmodel"
MLMODEL_BYTES = 1 << 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

log = logging.getLogger(__name__)


class Signatures:
    """``retry``: see ``Policies``."""

    def __init__(self, storage: Storage, blobs: BlobStore, retry: Callable[[Transaction, str | None], None]) -> None:
        self._storage = storage
        self._blobs = blobs
        self._retry = retry

    async def arrived(self, actor: Actor, root: str, path: str, blob: Blob) -> None:
        """A file has been uploaded: learn of it if it is an MLmodel. Raises nothing: what goes wrong is logged."""
        if path.rpartition("/")[2] != MLMODEL:
            return
        try:
            await self.learn([blob])
        except TrackbackError as error:
            log.warning("could not read %s/%s: %s", root, path, error.message)

    async def learn(self, blobs: Iterable[Blob]) -> None:
        """Read those MLmodels that were not read before."""
        for blob in {blob.digest: blob for blob in blobs}.values():
            if await self._knows(blob.digest):
                continue
            try:
                signed = await self._is_signed(blob)
            except DataLoss as error:
                log.warning("could not read the MLmodel %s: %s", blob.digest, error.message)
            else:
                await self._keep(blob.digest, signed)

    async def _knows(self, digest: str) -> bool:
        return await self._storage.look_up(lambda tx: evidence.is_signed(tx, digest) is not None)

    async def _is_signed(self, blob: Blob) -> bool:
        if blob.size > MLMODEL_BYTES:
            return False
        pieces: AsyncGenerator[bytes, None] = await self._blobs.read(blob, 0, blob.size)
        async with aclosing(pieces):
            content = b"".join([piece async for piece in pieces])
        return await asyncio.to_thread(has_signature, content)

    async def _keep(self, digest: str, signed: bool) -> None:
        def operation(tx: Transaction) -> None:
            evidence.keep_signed(tx, digest, signed)
            if signed:
                self._retry(tx, None)

        await self._storage.write(operation)


def has_signature(content: bytes) -> bool:
    """Whether an MLmodel, which may be anything, has a signature."""
    try:
        document = yaml.load(content, _LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return False
    return isinstance(document, dict) and bool(document.get("signature"))
