"""Unmodified clients that sign in: by token, and by name and password."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environments import Environment
from tests.servers.accounts import PASSWORD, add_service, admin, guarded_server, post
from tests.servers.trackback import TrackbackServer

SCRIPT = Path(__file__).parent / "scripts" / "accounts.py"
TRACKING = "/api/2.0/mlflow"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("accounts")
    with guarded_server(f"sqlite:///{folder}/trackback.db", folder) as server:
        yield server


@pytest.fixture(scope="module")
def arguments(guarded: TrackbackServer) -> list[str]:
    """The experiment of the users, another, and a run of that."""
    with admin(guarded) as root:
        mine, theirs = (
            root.post(f"{TRACKING}/experiments/create", json={"name": name}).json()["experiment_id"]
            for name in ("mine", "theirs")
        )
        body = {"experiment_id": theirs, "tags": [{"key": "whose", "value": "theirs"}]}
        run = root.post(f"{TRACKING}/runs/create", json=body).json()["run"]["info"]["run_id"]
    return [mine, theirs, run]


@pytest.mark.parametrize("way", ["token", "password", "token as password"])
def test_a_client_signs_in_and_does_what_its_user_may(
    mlflow: Environment, guarded: TrackbackServer, arguments: list[str], way: str
) -> None:
    name = f"{way.replace(' ', '-')}-of-{mlflow.name}"
    resource = f"experiments:/{arguments[0]}"
    with admin(guarded) as root:
        if way == "password":
            post(root, "users", {"name": name, "password": PASSWORD})
            post(root, "grants", {"user": name, "role": "writer", "resource": resource})
            env = {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": PASSWORD}
        else:
            token = add_service(root, name, "writer", resources=(resource,))
            env = {"MLFLOW_TRACKING_TOKEN": token}
            if way == "token as password":
                env = {"MLFLOW_TRACKING_USERNAME": "token", "MLFLOW_TRACKING_PASSWORD": token}

    mlflow.run(SCRIPT, *arguments, tracking_uri=guarded.url, env=env)
