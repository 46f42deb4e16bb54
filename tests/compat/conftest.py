"""Programs of real clients against a real server.

TRACKBACK_COMPAT_TRACKING_URI=http://… runs them against that server instead, such as one of MLflow's own: what the
programs expect is what MLflow 3.17.2 does.
"""

import os
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.compat.wire import post
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer

FLAGS = ["--webhook-allowed-networks", "127.0.0.0/8"]  # where the programs have receivers of their own
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
    with TrackbackServer(backend_uri, folder / "artifacts", folder, FLAGS) as server:
        yield server.url
        assert "Traceback" not in server.log_text, f"the server logged an error:\n{server.log_text[-4000:]}"


@pytest.fixture(scope="module")
def http(tracking_uri: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=tracking_uri, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def experiment_id(http: httpx.Client) -> str:
    created: str = post(http, "experiments/create", {"name": f"wire {uuid4().hex[:8]}"})["experiment_id"]
    return created


@pytest.fixture
def run_id(http: httpx.Client, experiment_id: str) -> str:
    run = post(http, "runs/create", {"experiment_id": experiment_id, "start_time": 1_700_000_000_000})["run"]
    return str(run["info"]["run_id"])
