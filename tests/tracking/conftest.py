from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.trackback import TrackbackServer
from trackback.client.transport import Transport

VARIABLES = ("TRACKING_URI", "TRACKING_TOKEN", "TRACKING_USERNAME", "TRACKING_PASSWORD", "RUN_ID", "EXPERIMENT_ID")


@pytest.fixture(autouse=True)
def spool_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment says nothing of servers and runs, and names a folder for spools."""
    for name in VARIABLES:
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)
        monkeypatch.delenv(f"TRACKBACK_{name}", raising=False)
    root = tmp_path / "spool"
    monkeypatch.setenv("TRACKBACK_SPOOL_DIR", str(root))
    return root


@pytest.fixture(scope="module")
def tracking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    """For all tests of a module: which database it has is nothing to a client."""
    folder = tmp_path_factory.mktemp("server")
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder) as server:
        yield server


@pytest.fixture
def transport(tracking_server: TrackbackServer) -> Iterator[Transport]:
    with Transport(tracking_server.url) as transport:
        yield transport
