"""What a server must not start on, it does not, and says in one line why."""

from pathlib import Path

import apsw
import pytest

from tests.commands import trackback
from tests.faults.client import Client
from tests.faults.disk import small_disk
from tests.servers.trackback import TrackbackServer


def start(uri: str, folder: Path) -> tuple[int, str]:
    """The exit code of a server that does not come up, and all that it said."""
    words = ["server", "--port", "0", "--backend-store-uri", uri, "--artifacts-destination", str(folder / "artifacts")]
    ended = trackback(*words, timeout_s=30)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def first(sqlite_uri: str, tmp_path: Path) -> TrackbackServer:
    return TrackbackServer(sqlite_uri, tmp_path / "artifacts", tmp_path)


def test_a_second_server_on_a_sqlite_file_is_refused_by_every_path_and_harms_nothing(
    first: TrackbackServer, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "trackback.db")
    with first, Client(first.port) as client:
        for uri in (first.backend_uri, f"sqlite:///{link}"):
            code, said = start(uri, tmp_path)
            assert code == 2
            assert said == (
                f"trackback: The database {tmp_path}/trackback.db is in use by another trackback process"
                f" (pid {first.pid}). Stop that one, or use PostgreSQL to run several servers.\n"
            )
        client.new_run()


def test_a_killed_servers_database_is_free_again(first: TrackbackServer) -> None:
    first.start()
    first.kill()
    with first:
        assert first.running


def test_a_newer_schema_is_refused(first: TrackbackServer, tmp_path: Path) -> None:
    with first:
        pass
    database = apsw.Connection(str(tmp_path / "trackback.db"))
    database.execute("UPDATE schema_version SET version = 99")
    database.close()

    code, said = start(first.backend_uri, tmp_path)
    assert code == 2
    assert said.startswith("trackback: The database's schema has version 99, this trackback knows ")
    assert said.endswith("a newer trackback has upgraded it. Install that version here too.\n")


def test_a_new_database_on_a_full_disk_is_refused_and_started_once_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        uri = f"sqlite:///{disk.folder}/trackback.db"
        disk.fill()
        code, said = start(uri, tmp_path)
        assert code == 2
        assert said.startswith("trackback: ")
        assert said.endswith(f"{disk.folder}/trackback.db: database or disk is full.\n")
        disk.free()
        with TrackbackServer(uri, tmp_path / "artifacts", tmp_path) as server, Client(server.port) as client:
            client.new_run()
