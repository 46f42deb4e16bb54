"""SQLite's log of writes, the WAL, stays small although some read is always under way."""

import asyncio
import time
from pathlib import Path

import pytest

from trackback.storage import Transaction, checkpoints, open_storage

SIZE = 400_000
INSERT = "INSERT INTO manifests (root) VALUES (?)"


def read_slowly(tx: Transaction) -> None:
    tx.row("SELECT count(*) FROM manifests")
    time.sleep(0.02)


@pytest.mark.parametrize("brief", [False, True])
async def test_the_log_of_writes_has_a_bound_while_reads_never_cease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brief: bool
) -> None:
    monkeypatch.setattr(checkpoints, "COPY_BYTES", SIZE // 2)
    monkeypatch.setattr(checkpoints, "RESTART_BYTES", SIZE)
    storage = open_storage(f"sqlite:///{tmp_path / 'trackback.db'}")

    async def read_all_the_time() -> None:
        while True:
            await storage.read(read_slowly)

    readers = [asyncio.create_task(read_all_the_time()) for _ in range(3)]
    for number in range(500):
        root = f"{number:0500d}"
        await storage.write(lambda tx, root=root: tx.run(INSERT, root), brief=brief)  # type: ignore[misc]
    size = (tmp_path / "trackback.db-wal").stat().st_size  # it never shrinks
    for reader in readers:
        reader.cancel()
    await storage.close()
    assert SIZE < size < 3 * SIZE
