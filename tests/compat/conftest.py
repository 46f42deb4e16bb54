"""Programs of real clients against a real server.

TRACKBACK_COMPAT_TRACKING_URI=http://… runs them against that server instead, such as one of MLflow's own: what the
programs expect is what MLflow 3.17.2 does.
"""

import os
from collections.abc import Iterator

import pytest

from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer

GIVEN = os.environ.get("TRACKBACK_COMPAT_TRACKING_URI")


@pytest.fixture(scope="session", params=["given"] if GIVEN else ["sqlite", "postgres"])
def tracking_uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all programs, as in use: none may rely on being alone."""
    if GIVEN:
        yield GIVEN
        return
    folder = tmp_path_factory.mktemp(f"compat-{request.param}")
    if request.param == "sqlite":
        backend_uri = f"sqlite:///{folder}/trackback.db"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        backend_uri = postgres.create_database()
    with TrackbackServer(backend_uri, folder / "artifacts", folder) as server:
        yield server.url
        assert "Traceback" not in server.log_text, f"the server logged an error:\n{server.log_text[-4000:]}"
