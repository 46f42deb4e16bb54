import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.patience import Clock
from tests.servers.trackback import TrackbackServer
from trackback.client.transport import Transport


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the tests says nothing about servers."""
    for name in ("TRACKING_URI", "TRACKING_TOKEN", "TRACKING_USERNAME", "TRACKING_PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)
    for name in ("TRACKBACK_TRACKING_URI", "TRACKBACK_TOKEN", "TRACKBACK_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _own_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is fetched without saying where to goes with the test's own folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def tracking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    """trackback's server on SQLite, for all tests of a module: which database it has is nothing to a client."""
    folder = tmp_path_factory.mktemp("server")
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder) as server:
        yield server


@pytest.fixture
def transport(tracking_server: TrackbackServer) -> Iterator[Transport]:
    with Transport(tracking_server.url) as transport:
        yield transport
