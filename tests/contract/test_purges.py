"""Purges of versions, on each database: which may be purged, what goes and what is kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.lineage_world import lineage_index
from tests.contract.registered import delete_version, promote, register_model, register_version, set_alias
from tests.contract.test_artifacts import PROXIED, Repository
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission
from trackback.errors import InvalidParameter, InvalidState, NotFound, PermissionDenied
from trackback.services.collection import Collection
from trackback.services.purges import Purges
from trackback.services.snapshots import Snapshots, freeze
from trackback.storage import Storage, model_versions

NOW = 1_700_000_000_000
ADA = Actor("ada", "192.0.2.7")


class Registry(Repository):
    def __init__(self, storage: Storage, folder: Path) -> None:
        super().__init__(storage, open_blobs(str(folder)), folder)
        self.purges = Purges(storage, lambda: NOW)
        self.collection = Collection(storage, self.blobs, lineage_index(storage, self.blobs))

    async def version(self, model: int, content: bytes = b"flavors") -> tuple[int, str]:
        """A new version of these bytes, which are nowhere else: its row, and its digest."""
        await self.put("model/MLmodel", content)
        tree = await Snapshots(self.blobs, PROXIED).prepare(f"{PROXIED}model")
        snapshot = await self.storage.write(lambda tx: freeze(tx, tree, NOW))
        assert snapshot
        await self.artifacts.delete(ANYONE, "model")
        return await register_version(self.storage, model, snapshot.digest), snapshot.digest

    async def deploy(self, *, version: int | None = None, digest: str | None = None) -> None:
        """A deployment that has ended."""
        await self.storage.write(
            lambda tx: tx.run(
                "INSERT INTO deployments (key, environment, kind, locator, image, region, slot, stream, model_version,"
                " digest, actor, reported_ms, started_ms, ended_ms)"
                " VALUES ('k', 'production', 'image', 'x', '', '', '', '', ?, ?, 'ci', 1, 1, 2)",
                version,
                digest,
            )
        )

    async def purge(self, version: int = 1, actor: Actor = ADA) -> None:
        await self.purges.purge(actor, "churn", str(version), reason="a person asked for it")


@pytest.fixture
async def registry(storage: Storage, tmp_path: Path) -> AsyncIterator[Registry]:
    registry = Registry(storage, tmp_path / "artifacts")
    yield registry
    await registry.blobs.close()


@pytest.fixture
async def model(registry: Registry) -> int:
    return await register_model(registry.storage, "churn")


async def test_a_purged_versions_files_are_gone_at_once_and_their_bytes_with_the_next_collection(
    registry: Registry, model: int
) -> None:
    _, digest = await registry.version(model)
    await registry.purge()
    with pytest.raises(NotFound):
        await registry.get(f"versions/{digest}/MLmodel")
    await registry.collection.collect(ANYONE, grace_ms=0)
    assert registry.files() == []


async def test_a_tombstone_keeps_the_digest_and_who_purged_the_version_and_why(registry: Registry, model: int) -> None:
    row, digest = await registry.version(model)
    await set_alias(registry.storage, model, "champion", 1)
    await registry.purge()
    stone = await registry.purges.tombstone(ANYONE, "churn", "1")
    assert (stone.name, stone.version, stone.time, stone.actor) == ("churn", "1", NOW, "ada")
    assert (stone.reason, stone.digest) == ("a person asked for it", digest)
    assert await registry.storage.read(lambda tx: model_versions.find(tx, "churn", 1)) is None
    record = await registry.storage.read(lambda tx: model_versions.find_by_id(tx, row))
    assert record is not None
    assert (record.version, record.digest) == (1, None)
    assert await registry.storage.read(lambda tx: tx.rows("SELECT * FROM registered_model_aliases")) == []


async def test_purging_again_changes_nothing(registry: Registry, model: int) -> None:
    _, digest = await registry.version(model)
    await registry.purge()
    again = await registry.purges.purge(ANYONE, "churn", "1", reason="another")
    assert (again.actor, again.reason, again.digest) == ("ada", "a person asked for it", digest)


async def test_a_purge_is_in_the_audit_log(registry: Registry, model: int) -> None:
    await registry.version(model)
    await registry.purge()
    rows = await registry.storage.read(lambda tx: tx.rows("SELECT actor, address, action, object FROM audit"))
    assert rows == [("ada", "192.0.2.7", "version.purge", f"models/{model}")]


async def test_files_that_another_version_is_too_stay(registry: Registry, model: int) -> None:
    _, digest = await registry.version(model)
    await registry.version(model)
    await registry.purge()
    await registry.collection.collect(ANYONE, grace_ms=0)
    assert await registry.get(f"versions/{digest}/MLmodel") == b"flavors"


async def test_the_same_files_can_be_registered_again(registry: Registry, model: int) -> None:
    _, digest = await registry.version(model)
    await registry.purge()
    assert (await registry.version(model))[1] == digest
    assert await registry.get(f"versions/{digest}/MLmodel") == b"flavors"


async def test_a_deleted_version_and_one_without_files_can_be_purged(registry: Registry, model: int) -> None:
    row, digest = await registry.version(model)
    await delete_version(registry.storage, row)
    await register_version(registry.storage, model, None)
    await registry.purge(1)
    await registry.purge(2)
    assert (await registry.purges.tombstone(ANYONE, "churn", "1")).digest == digest
    assert (await registry.purges.tombstone(ANYONE, "churn", "2")).digest is None


async def test_a_version_of_a_deleted_model_can_be_purged(registry: Registry, model: int) -> None:
    await registry.version(model)
    await registry.storage.write(lambda tx: tx.run("UPDATE registered_models SET deleted_ms = 1"))
    await registry.purge()
    later = await register_model(registry.storage, "churn")
    await registry.version(later)
    with pytest.raises(NotFound, match="was not purged"):
        await registry.purges.tombstone(ANYONE, "churn", "1")


async def test_a_version_that_was_ever_promoted_can_not_be_purged(registry: Registry, model: int) -> None:
    """Not after it was demoted, either: the log names it."""
    row, digest = await registry.version(model)
    await promote(registry.storage, 1, f"models/{model}", "staging", digest, model_version=row)
    await promote(registry.storage, 2, f"models/{model}", "staging", digest, model_version=row, kind="demoted")
    with pytest.raises(InvalidState, match="can't be purged: promotion 2 is of it"):
        await registry.purge()
    assert await registry.get(f"versions/{digest}/MLmodel") == b"flavors"


async def test_a_version_that_waits_to_be_promoted_can_not_be_purged(registry: Registry, model: int) -> None:
    row, _ = await registry.version(model)
    await registry.storage.write(
        lambda tx: tx.run(
            "INSERT INTO pending_promotions (stream, environment, model_version, actor, reason, origin, permitted,"
            " allow_unverified, created_ms) VALUES (?, 'staging', ?, 'ada', '', 'request', 1, 0, 1)",
            f"models/{model}",
            row,
        )
    )
    with pytest.raises(InvalidState, match="it waits to be promoted"):
        await registry.purge()


async def test_a_version_that_was_ever_deployed_can_not_be_purged(registry: Registry, model: int) -> None:
    row, _ = await registry.version(model)
    await registry.deploy(version=row)
    with pytest.raises(InvalidState, match="deployment 1 is of it"):
        await registry.purge()


async def test_a_version_whose_digest_was_deployed_can_not_be_purged(registry: Registry, model: int) -> None:
    _, digest = await registry.version(model)
    await registry.deploy(digest=digest)
    with pytest.raises(InvalidState, match="deployment 1 is of it"):
        await registry.purge()


async def test_only_an_admin_of_the_model_purges(registry: Registry, model: int) -> None:
    await registry.version(model)
    writer = Actor("ann", grants=Grants(everywhere=frozenset((Permission.READ, Permission.WRITE))))
    with pytest.raises(PermissionDenied):
        await registry.purge(actor=writer)
    with pytest.raises(NotFound):
        await registry.purge(actor=Actor("bob", grants=Grants()))


async def test_a_purge_needs_a_reason(registry: Registry, model: int) -> None:
    await registry.version(model)
    with pytest.raises(InvalidParameter, match="reason"):
        await registry.purges.purge(ADA, "churn", "1", reason="")
