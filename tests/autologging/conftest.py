from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.autologging.runs import Runs
from tests.servers.trackback import TrackbackServer
from trackback.autologging import autolog, failures
from trackback.tracking.fluent import end_run, session, set_tracking_uri

VARIABLES = ("TRACKING_URI", "TRACKING_TOKEN", "TRACKING_USERNAME", "TRACKING_PASSWORD", "RUN_ID", "EXPERIMENT_ID")


@pytest.fixture(scope="session")
def tracking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("server")
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder) as server:
        yield server


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing of servers and runs, and captures nothing else: what is tested elsewhere would take time."""
    for name in VARIABLES:
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)
        monkeypatch.delenv(f"TRACKBACK_{name}", raising=False)
    monkeypatch.setenv("TRACKBACK_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TRACKBACK_CAPTURE", "0")
    monkeypatch.setenv("TRACKBACK_SYSTEM_METRICS", "0")


@pytest.fixture
def runs(tracking_server: TrackbackServer) -> Iterator[Runs]:
    """The runs that a test makes, in an experiment of its own; nothing is logged by itself after it."""
    set_tracking_uri(tracking_server.url)
    found = Runs(tracking_server.url)
    session.experiment_id = found.experiment_id
    failures.forget()
    yield found
    autolog(disable=True)
    end_run()
    session.close()
    session.experiment_id = ""
    set_tracking_uri(None)
    found.close()
