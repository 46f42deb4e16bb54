"""Whether models have signatures, on each database: learned as they are uploaded, and once for equal files."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.test_artifacts import stream
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import ANYONE, Blob
from trackback.services.artifacts import Artifacts
from trackback.services.signatures import MLMODEL_BYTES, Signatures, has_signature
from trackback.storage import Storage, Transaction, evidence

SIGNED = b'flavors: {}\nsignature:\n  inputs: \'[{"type": "double"}]\'\n'


class World:
    def __init__(self, storage: Storage, blobs: BlobStore) -> None:
        self.storage = storage
        self.blobs = blobs
        self.retries = 0
        self.signatures = Signatures(storage, blobs, self._retry)
        self.artifacts = Artifacts(storage, blobs, "mlflow-artifacts:/", arrived=[self.signatures.arrived])

    async def put(self, content: bytes, path: str = "models/MLmodel") -> bool | None:
        """What is known of a file once it has been uploaded."""
        digest = await self.artifacts.put(ANYONE, path, stream(content))
        return await self.storage.look_up(lambda tx: evidence.is_signed(tx, digest))

    def _retry(self, tx: Transaction, stream: str | None) -> None:
        self.retries += 1


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "blobs"))
    yield World(storage, blobs)
    await blobs.close()


async def test_it_is_known_as_soon_as_the_model_is_there_and_tries_again_what_waits(world: World) -> None:
    assert await world.put(SIGNED) is True
    assert await world.put(b"flavors: {}") is False
    assert world.retries == 1


async def test_equal_files_are_read_once(world: World) -> None:
    await world.put(SIGNED)
    assert await world.put(SIGNED, "other/MLmodel") is True
    assert world.retries == 1


async def test_other_files_are_not_looked_at(world: World) -> None:
    assert await world.put(SIGNED, "models/notes.yaml") is None


async def test_one_that_is_far_too_long_has_none(world: World) -> None:
    assert await world.put(SIGNED + b"#" * MLMODEL_BYTES) is False


async def test_one_whose_bytes_are_lost_stays_unknown(world: World) -> None:
    lost = Blob("1" * 64, 10, "nowhere")
    await world.signatures.learn([lost])
    assert await world.storage.look_up(lambda tx: evidence.is_signed(tx, lost.digest)) is None


@pytest.mark.parametrize(
    "content", [b"", b"flavors: {}", b"signature:", b"signature: {}", b"[signature]", b"a: [", b"\xff\xfe", b"[" * 5000]
)
def test_whatever_an_mlmodel_holds_it_is_no_error(content: bytes) -> None:
    assert not has_signature(content)
