"""What is particular to blobs on local disk: where they lie, and what becomes of a disk that is full or broken."""

import os
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.disk import small_disk
from trackback.artifacts.local import LocalBlobs
from trackback.errors import ConfigurationError, DataLoss, StorageFull, Unavailable

MEGABYTE = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
async def blobs(folder: Path) -> AsyncIterator[LocalBlobs]:
    store = LocalBlobs(folder)
    yield store
    await store.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 4) as mounted:
        yield mounted.folder


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk with a quota: the kernel refuses to let files grow above ``size``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def megabytes(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number]) * MEGABYTE


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_blob_lies_under_its_digest_so_that_sha256sum_can_check_it(blobs: LocalBlobs, folder: Path) -> None:
    blob = await blobs.put(megabytes(1))
    (file,) = files(folder)
    assert str(file.relative_to(folder)) == blob.location
    assert f"{file.parent.name}{file.stem}" == blob.digest


async def test_a_full_disk_says_so_and_leaves_nothing_half_written(disk: Path) -> None:
    blobs = LocalBlobs(disk)
    with pytest.raises(StorageFull):
        await blobs.put(megabytes(5))
    assert files(disk) == []


async def test_a_disk_that_was_full_takes_what_fits(disk: Path) -> None:
    blobs = LocalBlobs(disk)
    with pytest.raises(StorageFull):
        await blobs.put(megabytes(5))
    assert (await blobs.put(megabytes(3))).size == 3 * MEGABYTE


async def test_a_quota_counts_as_a_full_disk(blobs: LocalBlobs, folder: Path) -> None:
    with files_of_at_most(2 * MEGABYTE), pytest.raises(StorageFull):
        await blobs.put(megabytes(5))
    assert files(folder) == []


async def test_a_blob_that_was_cut_on_disk_is_reported_and_not_served_short(blobs: LocalBlobs, folder: Path) -> None:
    blob = await blobs.put(megabytes(3))
    os.truncate(folder / blob.location, 2 * MEGABYTE)
    pieces = await blobs.read(blob)
    with pytest.raises(DataLoss):
        [piece async for piece in pieces]


async def test_errors_do_not_tell_where_on_the_server_artifacts_lie(blobs: LocalBlobs, folder: Path) -> None:
    (folder / "tmp").rmdir()
    with pytest.raises(Unavailable) as raised:
        await blobs.put(megabytes(1))
    assert str(folder) not in raised.value.message


async def test_a_folder_that_went_away_is_found_by_a_ping(blobs: LocalBlobs, folder: Path) -> None:
    (folder / "tmp").rmdir()
    with pytest.raises(Unavailable):
        await blobs.ping()


def test_uploads_that_a_killed_server_left_are_swept_and_young_ones_are_not(folder: Path) -> None:
    LocalBlobs(folder)
    abandoned, young = folder / "tmp" / "abandoned", folder / "tmp" / "young"
    for file in (abandoned, young):
        file.write_bytes(b"part of an upload")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(abandoned, (two_days_ago, two_days_ago))
    LocalBlobs(folder)
    assert (abandoned.exists(), young.exists()) == (False, True)


def test_a_folder_that_can_not_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="Can't keep artifacts in"):
        LocalBlobs(tmp_path / "file" / "artifacts")
