"""Reads have a time limit, and threads and connections of their own: whatever they do, look-ups and writes go on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from trackback.errors import Overloaded, ReadTooSlow, Unavailable
from trackback.storage import Storage, Transaction, open_storage

MORE_THAN_RUN_AT_ONCE = 12
IN_TIME_S = 10.0
_COUNT_FOR_EVER = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0"


@asynccontextmanager
async def limited(uri: str, read_timeout_s: float) -> AsyncIterator[Storage]:
    storage = open_storage(uri, read_timeout_s)
    yield storage
    await storage.close()


def never_end(tx: Transaction) -> None:
    tx.rows(_COUNT_FOR_EVER)


def ask_again_and_again(tx: Transaction) -> None:
    while True:
        time.sleep(0.01)
        tx.row("SELECT 1")


def answer(tx: Transaction) -> int:
    row = tx.row("SELECT 42")
    assert row is not None
    return int(row[0])


def add(root: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.run("INSERT INTO manifests (root) VALUES (?)", root)


@pytest.mark.parametrize("operation", [never_end, ask_again_and_again])
async def test_a_read_that_takes_too_long_is_ended_and_says_what_to_do(
    migrated_uri: str, operation: Callable[[Transaction], None]
) -> None:
    async with limited(migrated_uri, 0.5) as storage:
        began = time.monotonic()
        with pytest.raises(ReadTooSlow, match=r"longer than 0\.5 s .* narrower filter, .* --read-timeout"):
            await storage.read(operation)
        assert 0.5 <= time.monotonic() - began < IN_TIME_S


async def test_the_limit_is_for_all_statements_of_a_read_together(migrated_uri: str) -> None:
    def take_most_of_it_and_go_on(tx: Transaction) -> None:
        for _ in range(25):
            time.sleep(0.1)
            tx.row("SELECT 1")
        never_end(tx)

    async with limited(migrated_uri, 3.0) as storage:
        began = time.monotonic()
        with pytest.raises(ReadTooSlow):
            await storage.read(take_most_of_it_and_go_on)
        assert time.monotonic() - began < 5.0  # a limit for each would end the last one after 5.5 s


async def test_connections_are_of_use_after_reads_that_were_ended(migrated_uri: str) -> None:
    async with limited(migrated_uri, 0.5) as storage:
        await asyncio.gather(*(storage.read(never_end) for _ in range(MORE_THAN_RUN_AT_ONCE)), return_exceptions=True)
        answers = await asyncio.gather(*(storage.read(answer) for _ in range(MORE_THAN_RUN_AT_ONCE)))
        assert answers == [42] * MORE_THAN_RUN_AT_ONCE


async def test_a_look_up_that_takes_too_long_means_that_the_database_does_not_answer(migrated_uri: str) -> None:
    async with limited(migrated_uri, 0.5) as storage:
        with pytest.raises(Unavailable, match=r"within 0\.5 s"):
            await storage.look_up(never_end)
        assert await storage.look_up(answer) == 42


async def test_look_ups_and_writes_go_on_while_all_reads_are_slow(migrated_uri: str) -> None:
    async with limited(migrated_uri, 30.0) as storage:
        slow = [asyncio.create_task(storage.read(never_end)) for _ in range(MORE_THAN_RUN_AT_ONCE)]
        await asyncio.sleep(0.2)
        async with asyncio.timeout(IN_TIME_S):
            for number in range(20):
                await storage.write(add(f"{number:02d}"))
                assert await storage.look_up(lambda tx: tx.row("SELECT count(*) FROM manifests")) == (number + 1,)
            await storage.ping()
        assert not any(read.done() for read in slow)
        assert storage.waiting > 0
        for read in slow:
            read.cancel()


async def test_a_read_whose_turn_does_not_come_is_to_be_repeated_later(migrated_uri: str) -> None:
    async with limited(migrated_uri, 0.5) as storage:
        slow = [storage.read(never_end) for _ in range(MORE_THAN_RUN_AT_ONCE)]
        async with asyncio.timeout(2 * IN_TIME_S):
            outcomes = await asyncio.gather(*slow, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {ReadTooSlow, Overloaded}


async def test_a_storage_that_is_closed_gives_up_reads_under_way(migrated_uri: str) -> None:
    storage = open_storage(migrated_uri)
    slow = asyncio.create_task(storage.read(never_end))
    await asyncio.sleep(0.2)
    async with asyncio.timeout(2 * IN_TIME_S):
        await storage.close()
    with pytest.raises(Unavailable):
        await slow
