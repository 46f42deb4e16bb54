"""A drill: a server that is written to is backed up, and another one is made from the backup.

All that was acknowledged before the backup began has to be there, and every file has to be what it was.
"""

import hashlib
import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.faults.audit import SOUND, audit
from tests.faults.client import Client
from tests.faults.database import check_database
from tests.faults.load import Load
from tests.server.test_command_line import trackback
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3
from tests.servers.trackback import TrackbackServer

PROXY = "/api/2.0/mlflow-artifacts/artifacts/"


class Uploads(threading.Thread):
    """Puts files until the end, some with bytes that others have, and deletes one in four soon after."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._client = Client(port)
        self._end = threading.Event()
        self.kept: dict[str, bytes] = {}
        """What was acknowledged and is not deleted, by path."""

    def run(self) -> None:
        with self._client:
            turn = 0
            while not self._end.is_set():
                turn += 1
                path, content = f"uploads/{turn}", f"content {turn // 2}".encode() * 1000
                assert self._client.ask("PUT", PROXY + path, content).status == 200
                if turn % 4:
                    self.kept[path] = content
                else:
                    assert self._client.ask("DELETE", PROXY + path).status == 200

    def wait_for(self, count: int) -> dict[str, bytes]:
        """What is kept, once it is so many files more."""
        goal = len(self.kept) + count
        while len(self.kept) < goal:
            assert self.is_alive()
            threading.Event().wait(0.01)
        return dict(self.kept)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self.join()


@pytest.fixture
def empty_uri(migrated_uri: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if migrated_uri.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/restored/trackback.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database()


def stores(uri: str, artifacts: str) -> list[str]:
    return ["--backend-store-uri", uri, "--artifacts-destination", artifacts]


def drill(server: TrackbackServer, artifacts: str, empty_uri: str, elsewhere: str, folder: Path) -> None:
    with Load(server.port, clients=2) as load:
        load.wait_for(200)
    with Uploads(server.port) as uploads:
        acknowledged = uploads.wait_for(50)
        code, printed = trackback("backup", str(folder), "--json", *stores(server.backend_uri, artifacts))
        assert code == 0, printed
        assert trackback("gc", "--server", server.url)[0] == 0
        uploads.wait_for(10)
        code, printed = trackback("backup", str(folder), "--json", *stores(server.backend_uri, artifacts))
        assert json.loads(printed)["present"]["count"] >= 25
    server.kill()

    assert trackback("restore", str(folder), *stores(server.backend_uri, elsewhere))[0] == 2
    code, printed = trackback("restore", str(folder), "--json", *stores(empty_uri, elsewhere))
    assert (code, json.loads(printed)["lost"]) == (0, []), printed
    assert check_database(empty_uri) == "The database is sound."
    with TrackbackServer(empty_uri, elsewhere, folder) as restored, Client(restored.port) as client:
        assert audit(restored.port, load.books) == SOUND
        wrong = [path for path, content in acknowledged.items() if client.ask("GET", PROXY + path).body != content]
        assert wrong == []
        assert client.ask("PUT", f"{PROXY}after", b"the restore").status == 200
        assert client.ask("GET", f"{PROXY}after").body == b"the restore"


def test_a_server_restored_from_a_backup_has_all_that_was_acknowledged_before_it(
    server: TrackbackServer, empty_uri: str, tmp_path: Path
) -> None:
    drill(server, str(tmp_path / "artifacts"), empty_uri, str(tmp_path / "elsewhere"), tmp_path / "backups")
    names = {path: path.parent.name + path.name[:62] for path in (tmp_path / "elsewhere" / "blobs").glob("??/*")}
    assert len(names) > 25
    assert [path for path, name in names.items() if hashlib.sha256(path.read_bytes()).hexdigest() != name] == []


def test_so_has_one_whose_artifacts_are_in_a_bucket(
    s3: S3, sqlite_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    artifacts, elsewhere = s3.make_bucket("drill"), s3.make_bucket("drill-restored")
    with TrackbackServer(sqlite_uri, artifacts, tmp_path) as server:
        drill(server, artifacts, f"sqlite:///{tmp_path}/restored.db", elsewhere, tmp_path / "backups")
