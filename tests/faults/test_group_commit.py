"""SQLite commits writes in groups: when a group's transaction fails, every member must hear of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from trackback.errors import StorageFull, TrackbackError
from trackback.storage import Storage, Transaction, open_storage

ROOM_PAGES = 200
TOO_LARGE = "x" * 2**21

Operation = Callable[[Transaction], Any]


@pytest.fixture
async def storage(sqlite_uri: str) -> AsyncIterator[Storage]:
    """A database that SQLite itself keeps from growing, which to all above is a full disk."""
    opened = open_storage(sqlite_uri)
    await opened.write(lambda tx: tx.rows(f"PRAGMA max_page_count = {ROOM_PAGES}"))
    yield opened
    await opened.close()


async def write_as_a_group(storage: Storage, *operations: Operation) -> list[Any]:
    """What became of each: all wait while another write is under way, so that they share the next transaction."""
    begun, end = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        begun.set()
        assert end.wait(10)

    holding = asyncio.create_task(storage.write(hold))
    await asyncio.to_thread(begun.wait)
    members = [asyncio.create_task(storage.write(operation)) for operation in operations]
    await asyncio.sleep(0)
    assert storage.waiting == len(members)
    end.set()
    await holding
    return await asyncio.gather(*members, return_exceptions=True)


def add(*names: str) -> Operation:
    return lambda tx: tx.name_ids(names)


async def known(storage: Storage, *names: str) -> list[str]:
    return sorted(await storage.read(lambda tx: tx.known_name_ids(names)))


async def test_each_write_of_a_group_that_finds_no_room_is_refused_and_none_is_there(storage: Storage) -> None:
    outcomes = await write_as_a_group(storage, add("first"), add("second", TOO_LARGE), add("third"))

    assert [type(outcome) for outcome in outcomes] == [StorageFull] * 3
    assert await known(storage, "first", "second", "third") == []


async def test_after_a_group_without_room_what_fits_is_written(storage: Storage) -> None:
    """The numbers of the names that were lost are given again, so nobody may remember them."""
    await write_as_a_group(storage, add("first"), add("second", TOO_LARGE))
    (number,) = await storage.write(add("third"))

    assert await storage.read(lambda tx: tx.names([number])) == ["third"]
    assert await known(storage, "first", "third") == ["third"]


async def test_a_write_that_fails_by_itself_leaves_the_rest_of_its_group_alone(storage: Storage) -> None:
    def fail(tx: Transaction) -> None:
        tx.name_ids(["half done"])
        raise ValueError("no more")

    first, failed, last = await write_as_a_group(storage, add("first"), fail, add("last"))

    assert (len(first), str(failed), len(last)) == (1, "no more", 1)
    assert await known(storage, "first", "half done", "last") == ["first", "last"]


async def test_the_writer_outlives_what_nobody_foresaw(storage: Storage) -> None:
    class Unforeseen(BaseException):
        pass

    def fail(tx: Transaction) -> None:
        tx.name_ids(["half done"])
        raise Unforeseen

    outcomes = await write_as_a_group(storage, add("first"), fail)
    await storage.write(add("later"))

    assert [type(outcome) for outcome in outcomes] == [TrackbackError] * 2
    assert await known(storage, "first", "half done", "later") == ["later"]
