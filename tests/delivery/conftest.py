import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.registered import Registered
from tests.servers.threaded import ThreadedServer
from trackback.server.settings import Settings


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path is short enough for sockets to be in it."""
    folder = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def registered(migrated_sqlite_uri: str, tmp_path: Path, short_path: Path) -> Iterator[Registered]:
    settings = Settings(backend_store_uri=migrated_sqlite_uri, artifacts_destination=str(tmp_path / "artifacts"))
    with ThreadedServer(settings) as server, Registered(server.url, short_path).client as client:
        yield Registered(client.tracking_uri, short_path)
