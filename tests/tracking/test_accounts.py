"""Tracking on a server with accounts: what those of limited roles store, and what was promoted for all to load."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.servers.accounts import add_service, admin, guarded_server, post
from tests.servers.trackback import TrackbackServer
from trackback.client.api import Client
from trackback.entities import RunStatus

STORE = """
import pandas as pd
import trackback
frame = pd.DataFrame({"x": [1.5, 2.5], "name": ["a", "b"]})
with trackback.start_run(experiment_id=sys.argv[1]) as run:
    described = trackback.log_input(frame, "training", store=True)
print(run.run_id, described.sha256)
"""
LOG = """
import cloudpickle, trackback
class Doubler:
    def predict(self, data):
        return [2 * each for each in data]
with trackback.start_run(experiment_id=sys.argv[1]) as run:
    info = trackback.log_model(Doubler(), registered_model_name="doubler")
    print(run.run_id, info.model_uri)
"""
REVOKED = """
import os, trackback
from trackback.client.api import Client
from trackback.errors import Unavailable
os.environ["TRACKBACK_EXIT_WAIT_S"] = "1"
with Client(token=sys.argv[2]) as root, trackback.start_run(experiment_id=sys.argv[1]) as run:
    trackback.flush()
    root.disable_user("limited")
    for step in range(100):
        trackback.log_metric("loss", step, step=step)
    try:
        trackback.flush(2)
    except Unavailable as error:
        assert "token" in str(error), error
        print(run.run_id)
"""
LOAD = """
import trackback
from trackback.errors import UntrustedModel
try:
    print(trackback.load_model(sys.argv[1]).predict([1, 2]))
except UntrustedModel as error:
    print("untrusted")
"""


class _Listing(msgspec.Struct):
    files: list[dict[str, Any]] = []


class Place(NamedTuple):
    """``token``: of a service that may write in one experiment, ``mine``, only."""

    server: TrackbackServer
    token: str
    root_token: str
    mine: str


@pytest.fixture
def place(migrated_sqlite_uri: str, tmp_path: Path) -> Iterator[Place]:
    with guarded_server(migrated_sqlite_uri, tmp_path) as server, admin(server) as root:
        root_token = str(post(root, "tokens", {"name": "tests", "user": "root"})["secret"])
        with Client(server.url, token=root_token) as client:
            mine = client.create_experiment("mine")
        yield Place(
            server, add_service(root, "limited", "writer", resources=(f"experiments:/{mine}",)), root_token, mine
        )


def run(program: str, place: Place, token: str, home: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}", *arguments],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "TRACKBACK_TRACKING_URI": place.server.url,
            "TRACKBACK_TOKEN": token,
            "TRACKBACK_CAPTURE": "0",
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_who_may_write_one_experiment_only_stores_data_among_the_files_of_the_run(place: Place, tmp_path: Path) -> None:
    run_id, digest = run(STORE, place, place.token, tmp_path, place.mine)

    command = [sys.executable, "-m", "trackback", "data", "get", digest, "--run", run_id, "-o", str(tmp_path / "back")]
    env = {"PATH": "/usr/bin:/bin", "TRACKBACK_TRACKING_URI": place.server.url, "TRACKBACK_TOKEN": place.token}
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)
    assert (tmp_path / "back").exists()


def test_who_may_write_everywhere_stores_data_for_all_runs(place: Place, tmp_path: Path) -> None:
    _, digest = run(STORE, place, place.root_token, tmp_path, place.mine)

    with Client(place.server.url, token=place.root_token) as client:
        listed = client.transport.call(
            "GET", f"/api/2.0/mlflow-artifacts/artifacts?path=datasets%2F{digest}", {}, _Listing
        )
    assert [each["path"] for each in listed.files] == ["data.parquet"]


def test_a_token_that_is_revoked_stops_no_training_and_what_was_logged_is_sent_with_another(
    place: Place, tmp_path: Path
) -> None:
    (run_id,) = run(REVOKED, place, place.token, tmp_path, place.mine, place.root_token)

    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TRACKBACK_TRACKING_URI": place.server.url,
        "TRACKBACK_TOKEN": place.root_token,
    }
    subprocess.run([sys.executable, "-m", "trackback", "sync"], env=env, check=True, capture_output=True, timeout=60)
    with Client(place.server.url, token=place.root_token) as client:
        assert [each.step for each in client.get_metric_history(run_id, "loss")] == list(range(100))
        assert client.get_run(run_id).info.status is RunStatus.FINISHED


def test_a_pickle_that_was_promoted_loads_and_no_other_does(place: Place, tmp_path: Path) -> None:
    _, logged = run(LOG, place, place.root_token, tmp_path / "author", place.mine)
    uri, elsewhere = "models:/doubler/1", tmp_path / "reader"
    assert run(LOAD, place, place.root_token, elsewhere, uri) == ["untrusted"]

    with Client(place.server.url, token=place.root_token) as client:
        client.promote(uri, "staging")
    run(LOG, place, place.root_token, tmp_path / "author", place.mine)

    assert run(LOAD, place, place.root_token, elsewhere, uri) == ["[2,", "4]"]
    assert run(LOAD, place, place.root_token, elsewhere, "models:/doubler/2") == ["untrusted"]
    assert run(LOAD, place, place.root_token, elsewhere, logged) == ["untrusted"]


def test_a_promotion_on_a_server_without_accounts_vouches_for_nothing(
    tracking_server: TrackbackServer, tmp_path: Path
) -> None:
    place = Place(tracking_server, "", "", "0")
    run(LOG, place, "", tmp_path / "author", "0")
    with Client(tracking_server.url) as client:
        client.promote("models:/doubler/1", "staging")

    assert run(LOAD, place, "", tmp_path / "reader", "models:/doubler/1") == ["untrusted"]


def test_a_promoted_run_vouches_for_its_models(place: Place, tmp_path: Path) -> None:
    run_id, logged = run(LOG, place, place.root_token, tmp_path / "author", place.mine)
    with Client(place.server.url, token=place.root_token) as client:
        client.promote(f"runs:/{run_id}", "staging")

    assert run(LOAD, place, place.root_token, tmp_path / "reader", logged) == ["[2,", "4]"]
