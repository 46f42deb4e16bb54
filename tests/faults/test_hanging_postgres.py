"""Nobody waits for ever where PostgreSQL takes statements and does not answer, or another program holds a lock."""

import asyncio
import time
from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.servers.postgres import Postgres
from trackback.errors import Overloaded, Unavailable
from trackback.storage import Storage, Transaction, open_storage, postgres as postgres_storage
from trackback.storage.deadlines import TimeLimit, no_answer

LIMIT_S = 1.0
GIVEN_UP_WITHIN_S = 20.0  # a second of limit, one of grace, a look, and five for a connection
THREADS = 14


@pytest.fixture
async def storage(postgres_uri: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Storage]:
    monkeypatch.setattr(postgres_storage, "WRITE_LIMIT", TimeLimit(LIMIT_S, no_answer))
    monkeypatch.setattr(postgres_storage, "GRACE_S", 1.0)
    opened = open_storage(postgres_uri, LIMIT_S)
    yield opened
    await opened.close()


def count(tx: Transaction) -> int:
    row = tx.row("SELECT count(*) FROM manifests")
    assert row is not None
    return int(row[0])


def add(tx: Transaction) -> int:
    return tx.run("INSERT INTO manifests (root) VALUES ('a') ON CONFLICT (root) DO UPDATE SET root = 'a'")


async def ask_all(storage: Storage) -> list[object]:
    """What comes of as many operations as have threads."""
    kinds = ((storage.read, count), (storage.look_up, count), (storage.write, add))
    return await asyncio.gather(*(ask(what) for ask, what in kinds for _ in range(THREADS)), return_exceptions=True)


async def test_all_threads_are_free_again_soon_after_postgresql_hangs(postgres: Postgres, storage: Storage) -> None:
    await storage.write(add)
    await ask_all(storage)
    with postgres.hanging():
        began = time.monotonic()
        outcomes = await ask_all(storage)
        assert time.monotonic() - began < GIVEN_UP_WITHIN_S
    assert {type(outcome) for outcome in outcomes} <= {Unavailable, Overloaded}
    async with asyncio.timeout(GIVEN_UP_WITHIN_S):
        while await ask_all(storage) != [1] * 3 * THREADS:
            continue


async def test_a_write_gives_up_a_lock_that_is_never_released(postgres_uri: str, storage: Storage) -> None:
    await storage.write(add)
    with psycopg.connect(postgres_uri) as other:
        other.execute("LOCK TABLE manifests IN EXCLUSIVE MODE")
        async with asyncio.timeout(GIVEN_UP_WITHIN_S):
            with pytest.raises(Unavailable, match="within 1 s"):
                await storage.write(add)
            assert await storage.read(count) == 1
    assert await storage.write(add) == 1
