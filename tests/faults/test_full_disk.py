"""A full disk under the database: writes are refused with a clear error, reads go on, and nothing is corrupt."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.faults.audit import SOUND, audit
from tests.faults.client import Client
from tests.faults.database import check_database
from tests.faults.disk import Disk, small_disk
from tests.faults.load import Load
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer

FULL = (507, "TEMPORARILY_UNAVAILABLE")


@pytest.fixture
def database_disk() -> Iterator[Disk]:
    """In a folder that PostgreSQL's user may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with small_disk(Path(folder) / "disk", megabytes=40) as disk:
            yield disk


@pytest.fixture
def database_on_it(postgres: Postgres, database_disk: Disk) -> Iterator[str]:
    """A database whose tables lie on the small disk, but not what PostgreSQL writes first, its log of writes."""
    place = database_disk.folder / "tables"
    place.mkdir()
    shutil.chown(place, "postgres", "postgres")
    execute(postgres.url, sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(place)))
    execute(postgres.url, sql.SQL("CREATE DATABASE on_small_disk TABLESPACE small"))
    yield postgres.url.rpartition("/")[0] + "/on_small_disk"
    execute(postgres.url, sql.SQL("DROP DATABASE on_small_disk WITH (FORCE)"))
    execute(postgres.url, sql.SQL("DROP TABLESPACE small"))


def execute(url: str, statement: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def fill_under_load(server: TrackbackServer, disk: Disk, times: int) -> Load:
    with Load(server.port) as load, Client(server.port) as reader:
        for _ in range(times):
            load.wait_for(30)
            read_some(reader, load.shared_run)  # to connect takes PostgreSQL a little room
            disk.fill()
            load.wait_for_refusals(20)
            read_some(reader, load.shared_run)
            disk.free()
        load.wait_for(30)
    return load


def read_some(reader: Client, run_id: str) -> None:
    assert reader.get("metrics/get-history", {"run_id": run_id, "metric_key": "loss"}).status == 200
    assert reader.get("runs/get", {"run_id": run_id}).status == 200
    assert reader.post("runs/search", {"experiment_ids": ["0"]}).status == 200


def test_sqlite_refuses_writes_until_there_is_room_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=16) as disk:
        uri = f"sqlite:///{disk.folder}/trackback.db"
        with TrackbackServer(uri, tmp_path / "artifacts", tmp_path) as server:
            load = fill_under_load(server, disk, times=3)
            assert set(load.books.refusals) == {FULL}
            assert load.books.broken == 0
            assert audit(server.port, load.books) == SOUND
        assert check_database(uri) == "The database is sound."
        assert "Traceback" not in server.log_text


def test_postgresql_refuses_writes_until_there_is_room_and_loses_nothing(
    database_disk: Disk, database_on_it: str, tmp_path: Path
) -> None:
    with TrackbackServer(database_on_it, tmp_path / "artifacts", tmp_path) as server:
        load = fill_under_load(server, database_disk, times=2)
        assert set(load.books.refusals) == {FULL}
        assert load.books.broken == 0
        assert audit(server.port, load.books) == SOUND
    assert "Traceback" not in server.log_text
