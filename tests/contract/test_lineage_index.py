"""The services of a server, on each database: what is known of a version's files and runs though nobody asks."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest

from tests.contract.test_artifacts import stream
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import ANYONE
from trackback.server.app import build_services
from trackback.server.settings import Settings
from trackback.services import Services
from trackback.services.artifacts import Artifacts
from trackback.services.passwords import Passwords
from trackback.services.sealing import Sealer
from trackback.services.webhook_addresses import WebhookAddresses
from trackback.services.webhook_sender import WebhookSender
from trackback.storage import Storage, evidence, lineage

SOON_S = 20


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[BlobStore]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    yield blobs
    await blobs.close()


@pytest.fixture
async def services(storage: Storage, blobs: BlobStore) -> AsyncIterator[Services]:
    sealer, passwords = Sealer(storage), Passwords()
    services = build_services(storage, blobs, sealer, passwords, WebhookSender(WebhookAddresses(())), Settings())
    await services.registered_models.create(ANYONE, "churn")
    yield services
    await services.impacts.close()
    passwords.close()
    await sealer.close()


async def register(services: Services, folder: str) -> None:
    await services.model_versions.create(ANYONE, "churn", f"mlflow-artifacts:/{folder}")


async def indexed(storage: Storage) -> None:
    """Wait until nothing is left to be found."""
    until = monotonic() + SOON_S
    while left := await storage.look_up(lambda tx: lineage.unindexed(tx, 1)):
        assert monotonic() < until, f"The version {left} is still not indexed."
        await asyncio.sleep(0.01)


async def test_what_a_new_version_descends_from_is_found_though_nobody_asks(
    services: Services, storage: Storage
) -> None:
    for folder in ("a", "b"):
        await services.artifacts.put(ANYONE, f"{folder}/MLmodel", stream(folder.encode()))
        await register(services, folder)
        await indexed(storage)


@pytest.mark.parametrize(("signature", "signed"), [(b"signature: {inputs: x}", True), (b"flavors: {}", False)])
async def test_whether_a_model_that_was_not_uploaded_through_us_is_signed_is_read(
    services: Services, storage: Storage, blobs: BlobStore, *, signature: bytes, signed: bool
) -> None:
    await Artifacts(storage, blobs, "mlflow-artifacts:/").put(ANYONE, "model/MLmodel", stream(signature))
    await register(services, "model")
    await indexed(storage)
    digest = hashlib.sha256(signature).hexdigest()
    assert await storage.look_up(lambda tx: evidence.is_signed(tx, digest)) is signed
