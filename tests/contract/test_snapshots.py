"""Snapshots, on each database: what is frozen, under which digest, and that it stays as it is."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.test_artifacts import contents, stream
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import ANYONE, Snapshot
from trackback.errors import InvalidParameter
from trackback.services.artifacts import Artifacts
from trackback.services.snapshots import Snapshots, freeze, snapshot_uri, why_missing
from trackback.storage import Storage

NOW = 1_700_000_000_000
PROXIED = "mlflow-artifacts:/"
RUN = f"0/{'1' * 32}/artifacts"


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[BlobStore]:
    store = open_blobs(str(tmp_path / "blobs"))
    yield store
    await store.close()


class Repository:
    def __init__(self, storage: Storage, blobs: BlobStore, artifact_root: str = PROXIED) -> None:
        self.storage = storage
        self.artifacts = Artifacts(storage, blobs, artifact_root)
        self.snapshots = Snapshots(blobs, artifact_root)

    async def put(self, path: str, content: bytes) -> None:
        await self.artifacts.put(ANYONE, path, stream(content))

    async def freeze(self, uri: str) -> Snapshot | None:
        tree = await self.snapshots.prepare(uri)
        return await self.storage.write(lambda tx: freeze(tx, tree, NOW))

    async def frozen(self, uri: str) -> Snapshot:
        snapshot = await self.freeze(uri)
        assert snapshot is not None
        return snapshot


@pytest.fixture
def repository(storage: Storage, blobs: BlobStore) -> Repository:
    return Repository(storage, blobs)


async def test_a_snapshot_has_the_files_of_the_directory_and_no_others(repository: Repository) -> None:
    await repository.put(f"{RUN}/model/MLmodel", b"flavors: {}")
    await repository.put(f"{RUN}/model/data/weights.bin", b"\0" * 1000)
    await repository.put(f"{RUN}/model2/MLmodel", b"another")
    snapshot = await repository.frozen(f"{PROXIED}{RUN}/model")
    assert (snapshot.files, snapshot.bytes) == (2, 1011)
    root = snapshot_uri(snapshot.digest).removeprefix(PROXIED)
    listed = await repository.artifacts.list_directory(ANYONE, root)
    assert [(each.path, each.is_dir) for each in listed] == [("MLmodel", False), ("data", True)]
    assert await contents(await repository.artifacts.open(ANYONE, f"{root}/MLmodel")) == b"flavors: {}"


async def test_the_digest_is_what_sha256sum_says_of_the_downloaded_files(
    repository: Repository, tmp_path: Path
) -> None:
    files = {"MLmodel": b"a", "data/weights.bin": b"b", "data-2": b"c", "Zeta": b"d", "\u00fcber.txt": b"e"}
    folder = tmp_path / "downloaded"
    for name, content in files.items():
        await repository.put(f"{RUN}/model/{name}", content)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    command = r"find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum"
    process = await asyncio.create_subprocess_shell(command, cwd=folder, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert (await repository.frozen(f"{PROXIED}{RUN}/model")).digest == printed.decode().split()[0]


async def test_a_snapshot_stays_when_the_run_changes(repository: Repository) -> None:
    await repository.put(f"{RUN}/model/weights", b"first")
    first = await repository.frozen(f"{PROXIED}{RUN}/model")
    await repository.put(f"{RUN}/model/weights", b"second")
    second = await repository.frozen(f"{PROXIED}{RUN}/model")
    await repository.artifacts.delete(ANYONE, f"{RUN}/model")
    assert first.digest != second.digest
    for snapshot, content in ((first, b"first"), (second, b"second")):
        path = f"{snapshot_uri(snapshot.digest)}/weights".removeprefix(PROXIED)
        assert await contents(await repository.artifacts.open(ANYONE, path)) == content


async def test_equal_trees_have_one_snapshot(repository: Repository) -> None:
    for number in (1, 2):
        await repository.put(f"0/{str(number) * 32}/artifacts/model/weights", b"same")
    snapshots = {(await repository.frozen(f"{PROXIED}0/{str(number) * 32}/artifacts/model")) for number in (1, 2)}
    assert len(snapshots) == 1


@pytest.mark.parametrize("path", ["versions/x", f"versions/{'a' * 64}/MLmodel", f"versions/{'a' * 64}", "versions"])
async def test_nothing_is_written_or_deleted_where_snapshots_lie(repository: Repository, path: str) -> None:
    with pytest.raises(InvalidParameter, match="register a new version"):
        await repository.put(path, b"changed")
    with pytest.raises(InvalidParameter, match="register a new version"):
        await repository.artifacts.delete(ANYONE, path)


async def test_a_directory_above_runs_is_frozen_with_all_below_it(repository: Repository) -> None:
    await repository.put(f"shared/{'2' * 32}/artifacts/weights", b"of a run")
    await repository.put("shared/notes.txt", b"of none")
    snapshot = await repository.frozen(f"{PROXIED}shared")
    listed = await repository.artifacts.list_directory(ANYONE, f"versions/{snapshot.digest}")
    assert [each.path for each in listed] == ["2" * 32, "notes.txt"]


async def test_files_that_lie_elsewhere_are_taken_in(storage: Storage, blobs: BlobStore, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "model" / "data").mkdir(parents=True)
    (elsewhere / "model" / "MLmodel").write_bytes(b"flavors: {}")
    (elsewhere / "model" / "data" / "weights").write_bytes(b"x" * 3_000_000)
    repository = Repository(storage, blobs, str(elsewhere))
    snapshot = await repository.frozen(str(elsewhere / "model"))
    (elsewhere / "model" / "data" / "weights").unlink()
    kept = await contents(await repository.artifacts.open(ANYONE, f"versions/{snapshot.digest}/data/weights"))
    assert hashlib.sha256(kept).digest() == hashlib.sha256(b"x" * 3_000_000).digest()


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (f"{PROXIED}{RUN}/nothing", "There are no files at"),
        ("dbfs:/models/1", "doesn't read"),
        ("/etc", "doesn't read"),
        (f"{PROXIED}a/../b", "'..'"),
    ],
)
async def test_what_can_not_be_had_is_no_snapshot_and_says_why(repository: Repository, uri: str, why: str) -> None:
    tree = await repository.snapshots.prepare(uri)
    assert await repository.storage.write(lambda tx: freeze(tx, tree, NOW)) is None
    assert why in why_missing(tree)
