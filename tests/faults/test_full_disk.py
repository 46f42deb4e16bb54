"""A full disk under SQLite: writes are refused with a clear error, reads go on, and nothing is corrupt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.audit import SOUND, audit
from tests.faults.client import Client
from tests.faults.database import check_database
from tests.faults.disk import Disk, small_disk
from tests.faults.load import Load
from tests.servers.trackback import TrackbackServer

FULL = (507, "TEMPORARILY_UNAVAILABLE")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", megabytes=16) as mounted:
        yield mounted


@pytest.fixture
def server(disk: Disk, tmp_path: Path) -> Iterator[TrackbackServer]:
    uri = f"sqlite:///{disk.folder}/trackback.db"
    with TrackbackServer(uri, disk.folder / "artifacts", tmp_path) as running:
        yield running


def test_a_full_disk_refuses_writes_until_there_is_room_and_loses_nothing(server: TrackbackServer, disk: Disk) -> None:
    with Load(server.port) as load, Client(server.port) as reader:
        for _ in range(3):
            load.wait_for(30)
            disk.fill()
            load.wait_for_refusals(20)
            series = {"run_id": load.shared_run, "metric_key": "loss"}
            assert reader.get("metrics/get-history", series).status == 200
            assert reader.get("runs/get", {"run_id": load.shared_run}).status == 200
            assert reader.post("runs/search", {"experiment_ids": ["0"]}).status == 200
            disk.free()
        load.wait_for(30)

    assert set(load.books.refusals) == {FULL}
    assert load.books.broken == 0
    assert audit(server.port, load.books) == SOUND
    assert server.stop() == 0
    assert check_database(server.backend_uri) == "The database is sound."
    assert "Traceback" not in server.log_text
