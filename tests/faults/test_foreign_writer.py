"""Another program that writes to SQLite's file delays our writes, and nothing else."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw

from trackback.storage import Transaction, open_storage

HELD_S = 0.3


def add(root: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.run("INSERT INTO manifests (root) VALUES (?)", root)


async def test_brief_writes_wait_for_it_and_the_event_loop_does_not(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'trackback.db'}")
    foreign = apsw.Connection(str(tmp_path / "trackback.db"))
    foreign.execute("BEGIN IMMEDIATE")
    writes = [asyncio.create_task(storage.write(add(root), brief=True)) for root in "ab"]
    loop = asyncio.get_running_loop()
    began, longest = loop.time(), 0.0
    while (now := loop.time()) < began + HELD_S:
        await asyncio.sleep(0.005)
        longest = max(longest, loop.time() - now)
    assert not any(write.done() for write in writes)
    assert longest < HELD_S / 2
    foreign.execute("COMMIT")
    foreign.close()
    assert await asyncio.gather(*writes) == [1, 1]
    await storage.close()
