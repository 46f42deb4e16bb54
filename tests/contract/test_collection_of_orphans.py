"""Collections of bytes that no row names, on each database."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.collection_world import House
from trackback.entities import ANYONE, Garbage, Tally
from trackback.errors import DataLoss
from trackback.storage import Storage


@pytest.fixture
async def house(storage: Storage, tmp_path: Path) -> AsyncIterator[House]:
    house = House(storage, tmp_path / "artifacts")
    yield house
    await house.sealer.close()
    await house.blobs.close()


def age(path: Path, days: float) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


async def test_bytes_that_no_row_names_go_once_they_are_old_enough(house: House) -> None:
    """What a server leaves behind that is killed between an upload and its row."""
    await house.put("a", b"123")
    (named,) = house.files()
    old = named.with_name("0" * 62 + "." + "0" * 16)
    young = named.with_name("1" * 62 + "." + "0" * 16)
    broken_off = house.folder / "tmp" / ("2" * 32)
    others = house.folder / "blobs" / "notes.txt"
    for path in (old, young, broken_off, others):
        path.write_bytes(b"1234")
    for path in (named, old, broken_off, others):
        age(path, 8)

    assert await house.collect(dry_run=True) == {Garbage.ORPHANS: Tally(2, 8)}
    assert await house.collect() == {Garbage.ORPHANS: Tally(2, 8)}
    assert sorted(house.files()) == sorted([named, young, others])


async def test_bytes_that_no_row_names_are_left_alone_for_a_day_whatever_the_grace(house: House) -> None:
    """They may be of an upload whose row is about to be written."""
    orphan = house.folder / "blobs" / "00" / ("0" * 62 + "." + "0" * 16)
    orphan.write_bytes(b"1234")
    age(orphan, 0.9)
    assert await house.collect(0) == {}
    age(orphan, 1.1)
    assert await house.collect(0) == {Garbage.ORPHANS: Tally(1, 4)}


async def test_bytes_that_could_not_be_deleted_are_found_by_a_later_collection(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(location: str) -> None:
        raise DataLoss("The store fails.")

    await house.put("a", b"123")
    await house.artifacts.delete(ANYONE, "a")
    with monkeypatch.context() as broken:
        broken.setattr(house.blobs, "delete", fail)
        assert await house.collect(0) == {}
    assert len(house.files()) == 1
    age(house.files()[0], 2)
    assert await house.collect(0) == {Garbage.ORPHANS: Tally(1, 3)}
