"""Backups and restores, on each database: what is copied, verified, refused and told."""

import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.lineage_world import lineage_index
from tests.contract.test_artifacts import Repository
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Tally
from trackback.errors import ConfigurationError, DataLoss
from trackback.services import backups
from trackback.services.backup_pruning import prune
from trackback.services.backups import Transfer, back_up, complete_backups, find_backup, restore
from trackback.services.collection import Collection
from trackback.storage import Storage, open_storage, schema
from trackback.storage.database_copies import DatabaseCopy, copy_database


class Site(Repository):
    """A database with artifacts, at their URIs, and where it is backed up to."""

    def __init__(self, storage: Storage, uri: str, folder: Path) -> None:
        super().__init__(storage, open_blobs(str(folder / "artifacts")), folder / "artifacts")
        self.uri = uri
        self.artifacts_uri = str(folder / "artifacts")
        self.backups = folder / "backups"

    async def back_up(self, place: str = "") -> Transfer:
        return await back_up(self.uri, self.artifacts_uri, self.backups, place)

    async def restore(self, uri: str, artifacts: Path | str) -> Transfer:
        return await restore(find_backup(self.backups), uri, str(artifacts))


@pytest.fixture
async def site(storage: Storage, migrated_uri: str, tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(storage, migrated_uri, tmp_path)
    yield site
    await site.blobs.close()


@pytest.fixture
def empty_uri(migrated_uri: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where a database of the same kind may be restored to."""
    if migrated_uri.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/elsewhere/restored.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database()


async def contents_of(uri: str, artifacts: Path | str, *paths: str) -> list[bytes]:
    """What a server over these would answer with."""
    storage, blobs = open_storage(uri), open_blobs(str(artifacts))
    try:
        repository = Repository(storage, blobs, Path())
        return [await repository.get(path) for path in paths]
    finally:
        await blobs.close()
        await storage.close()


async def test_what_was_backed_up_is_there_again_where_it_is_restored(
    site: Site, empty_uri: str, tmp_path: Path
) -> None:
    await site.put("a", b"12345")
    await site.put("b/c", b"12345")
    await site.put("empty", b"")
    run_id = await site.run()
    done = await site.back_up()
    assert (done.copied, done.present, done.lost) == (Tally(2, 5), Tally(), [])

    restored = await site.restore(empty_uri, tmp_path / "restored")
    assert (restored.copied, restored.present, restored.lost) == (Tally(2, 5), Tally(), [])
    assert schema.check(empty_uri) == []
    assert await contents_of(empty_uri, tmp_path / "restored", "a", "b/c", "empty") == [b"12345", b"12345", b""]
    storage = open_storage(empty_uri)
    assert await storage.read(lambda tx: tx.rows("SELECT uuid FROM runs")) == [(run_id,)]
    assert await storage.write(lambda tx: tx.name_ids(["a new name"])) != []
    await storage.close()


async def test_a_later_backup_copies_what_is_new_and_each_can_be_restored(
    site: Site, empty_uri: str, tmp_path: Path
) -> None:
    await site.put("a", b"first")
    first = await site.back_up()
    await site.put("a", b"second!")
    await site.put("b", b"first")
    assert (await site.back_up()).copied == Tally(1, 7)
    await restore(find_backup(site.backups, first.name), empty_uri, str(tmp_path / "restored"))
    assert await contents_of(empty_uri, tmp_path / "restored", "a") == [b"first"]


async def test_of_old_backups_go_all_but_some_and_their_bytes_with_them(
    site: Site, empty_uri: str, tmp_path: Path
) -> None:
    names = []
    for content in (b"first", b"second", b"third"):
        await site.put("a", content)
        await site.put("b", b"always")
        names.append((await site.back_up()).name)
    old = site.backups / "artifacts" / "blobs"
    for path in old.glob("*/*"):
        os.utime(path, (1, 1))

    assert await prune(site.backups, 2) == Tally(1, 5)
    assert complete_backups(site.backups) == names[:0:-1]
    assert not (site.backups / names[0]).exists()
    assert await prune(site.backups, 2) == Tally()
    await restore(find_backup(site.backups, names[1]), empty_uri, str(tmp_path / "restored"))
    assert await contents_of(empty_uri, tmp_path / "restored", "a", "b") == [b"second", b"always"]


async def test_bytes_that_were_copied_within_a_day_stay_when_old_backups_go(site: Site) -> None:
    """They may be of a backup that is under way."""
    for content in (b"first", b"second"):
        await site.put("a", content)
        await site.back_up()
    assert await prune(site.backups, 1) == Tally()
    assert await prune(site.backups, 1, lambda: time.time_ns() // 1_000_000 + 25 * 3600 * 1000) == Tally(1, 5)


async def test_a_backup_under_way_keeps_what_it_names_and_one_that_was_killed_goes_after_a_day(site: Site) -> None:
    for content in (b"first", b"second"):
        await site.put("a", content)
        await site.back_up()
    for path in (site.backups / "artifacts" / "blobs").glob("*/*"):
        os.utime(path, (1, 1))
    old = site.backups / complete_backups(site.backups)[1]
    partial = site.backups / "20200101T000000.000Z.partial"
    partial.mkdir()
    (partial / "blobs.jsonl").write_bytes((old / "blobs.jsonl").read_bytes() + b'{"digest": "being writ')

    assert await prune(site.backups, 1) == Tally()
    os.utime(partial, (1, 1))
    assert await prune(site.backups, 1) == Tally(1, 5)
    assert not partial.exists()


async def test_what_no_file_is_any_more_is_not_copied(site: Site) -> None:
    await site.put("a", b"gone")
    await site.artifacts.delete(ANYONE, "a")
    assert (await site.back_up()).all == Tally()


async def test_nothing_is_restored_over_a_database(site: Site, tmp_path: Path) -> None:
    await site.put("a", b"first")
    await site.back_up()
    with pytest.raises(ConfigurationError, match="already"):
        await site.restore(site.uri, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


async def test_a_backup_of_one_kind_of_database_is_not_restored_to_the_other(site: Site, tmp_path: Path) -> None:
    await site.back_up()
    other = "postgresql://x@127.0.0.1:1/x" if site.uri.startswith("sqlite") else f"sqlite:///{tmp_path}/x.db"
    with pytest.raises(ConfigurationError, match="another kind of database"):
        await site.restore(other, tmp_path / "restored")


async def test_a_restore_that_broke_off_goes_on(
    site: Site, empty_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(copy: DatabaseCopy, uri: str) -> None:
        raise ConfigurationError("The disk is full.")

    await site.put("a", b"first")
    await site.back_up()
    with monkeypatch.context() as broken:
        broken.setattr(backups, "restore_database", break_off)
        with pytest.raises(ConfigurationError, match="full"):
            await site.restore(empty_uri, tmp_path / "restored")
    assert (await site.restore(empty_uri, tmp_path / "restored")).present == Tally(1, 5)
    assert await contents_of(empty_uri, tmp_path / "restored", "a") == [b"first"]


async def test_a_damaged_file_of_a_backup_is_told_and_the_others_are_restored(
    site: Site, empty_uri: str, tmp_path: Path
) -> None:
    await site.put("a", b"first")
    await site.put("b", b"second")
    await site.back_up()
    (copy,) = [each for each in site.backups.rglob("*") if each.is_file() and each.read_bytes() == b"first"]
    copy.write_bytes(b"fIrst")
    restored = await site.restore(empty_uri, tmp_path / "restored")
    assert [blob.location for blob in restored.lost] == [f"blobs/{copy.parent.name}/{copy.name}"]
    assert await contents_of(empty_uri, tmp_path / "restored", "b") == [b"second"]
    with pytest.raises(DataLoss):
        await contents_of(empty_uri, tmp_path / "restored", "a")


async def test_a_damaged_copy_of_the_database_is_not_restored(site: Site, empty_uri: str, tmp_path: Path) -> None:
    done = await site.back_up()
    (copy,) = (site.backups / done.name).glob("database.*")
    copy.write_bytes(copy.read_bytes()[:-1])
    with pytest.raises(DataLoss, match="is damaged"):
        await site.restore(empty_uri, tmp_path / "restored")


async def test_a_list_that_leads_elsewhere_is_refused(site: Site, empty_uri: str, tmp_path: Path) -> None:
    await site.put("a", b"first")
    done = await site.back_up()
    listed = site.backups / done.name / "blobs.jsonl"
    listed.write_text(json.dumps(json.loads(listed.read_text()) | {"location": "../../evil"}))
    with pytest.raises(DataLoss, match="list of blobs is damaged"):
        await site.restore(empty_uri, tmp_path / "restored")


async def test_what_the_store_has_lost_is_told_and_the_rest_is_backed_up(
    site: Site, empty_uri: str, tmp_path: Path
) -> None:
    await site.put("a", b"lost")
    (lost,) = site.files()
    await site.put("b", b"there")
    lost.unlink()
    done = await site.back_up()
    assert [blob.size for blob in done.lost] == [4]
    await site.restore(empty_uri, tmp_path / "restored")
    assert await contents_of(empty_uri, tmp_path / "restored", "b") == [b"there"]


async def test_what_is_collected_while_a_backup_goes_on_is_no_loss(
    site: Site, empty_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the database was copied, before its files are: without a grace, so that they are gone at once."""
    await site.put("a", b"first")
    await site.put("b", b"second")
    copies: list[str] = []

    def copy_then_collect(*arguments: object) -> object:
        copies.append("copied")
        return copy_database(*arguments)  # type: ignore[arg-type]

    transfer_all = backups._transfer_all

    async def collect_first(*arguments: object) -> Transfer:
        if len(copies) == 1:
            await site.artifacts.delete(ANYONE, "a")
            index = lineage_index(site.storage, site.blobs)
            await Collection(site.storage, site.blobs, index).collect(ANYONE, grace_ms=0)
            assert len(site.files()) == 1
        return await transfer_all(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(backups, "copy_database", copy_then_collect)
    monkeypatch.setattr(backups, "_transfer_all", collect_first)
    done = await site.back_up()
    assert (len(copies), done.lost) == (2, [])
    assert len([each for each in site.backups.iterdir() if each.name != "artifacts"]) == 1
    assert (await site.restore(empty_uri, tmp_path / "restored")).lost == []
    assert await contents_of(empty_uri, tmp_path / "restored", "b") == [b"second"]


async def test_a_backup_that_broke_off_is_none(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*arguments: object) -> None:
        raise ConfigurationError("The disk is full.")

    monkeypatch.setattr(backups, "copy_database", break_off)
    with pytest.raises(ConfigurationError, match="full"):
        await site.back_up()
    assert [each.name for each in site.backups.iterdir()] == ["artifacts"]
    with pytest.raises(ConfigurationError, match="no complete backup"):
        find_backup(site.backups)


async def test_artifacts_are_not_backed_up_to_where_they_are(site: Site) -> None:
    for place in (site.artifacts_uri, f"file://{site.artifacts_uri}/"):
        with pytest.raises(ConfigurationError, match="name another place"):
            await site.back_up(place)


async def test_a_folder_of_artifacts_that_is_not_there_is_refused_and_not_made(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder"):
        await back_up(site.uri, str(tmp_path / "typo"), site.backups)
    assert not (tmp_path / "typo").exists()


async def test_a_database_that_is_not_there_is_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        await back_up(f"sqlite:///{tmp_path}/none.db", site.artifacts_uri, site.backups)


async def test_artifacts_go_from_a_folder_to_a_bucket_and_back(
    site: Site, empty_uri: str, tmp_path: Path, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    bucket = s3.make_bucket(f"copies-{'sqlite' if site.uri.startswith('sqlite') else 'postgres'}")
    await site.put("a", b"first")
    assert (await site.back_up(f"{bucket}/copies")).copied == Tally(1, 5)
    assert (await site.back_up(f"{bucket}/copies")).present == Tally(1, 5)
    assert (await site.restore(empty_uri, tmp_path / "restored")).copied == Tally(1, 5)
    assert await contents_of(empty_uri, tmp_path / "restored", "a") == [b"first"]
