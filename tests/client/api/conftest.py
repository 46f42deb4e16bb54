from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count

import pytest

from tests.client.mlflow_server import MlflowServer
from tests.servers.trackback import TrackbackServer
from trackback.client.api import Client

NUMBERS = count(1)

Url = Callable[[str], str]


@pytest.fixture(scope="package")
def url_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Url]:
    """The URL of a server that is started when a test first asks for it: of MLflow's, or of ours on a database."""
    with ExitStack() as stack:

        @cache
        def start(kind: str) -> str:
            folder = tmp_path_factory.mktemp(kind)
            if kind == "mlflow":
                return stack.enter_context(MlflowServer(folder)).url
            uri = f"sqlite:///{folder}/trackback.db"
            if kind == "postgres":
                postgres = request.getfixturevalue("postgres")
                uri = postgres.create_database()
                stack.callback(postgres.drop_database, uri)
            return stack.enter_context(TrackbackServer(uri, folder / "artifacts", folder)).url

        yield start


@pytest.fixture(params=["sqlite", "postgres"])
def client(request: pytest.FixtureRequest, url_of: Url) -> Iterator[Client]:
    """A client of trackback's server, on each kind of database."""
    with Client(url_of(request.param)) as client:
        yield client


@pytest.fixture(params=["sqlite", "postgres", "mlflow"])
def any_client(request: pytest.FixtureRequest, url_of: Url) -> Iterator[Client]:
    """A client of each server that speaks MLflow's protocol: trackback's, on each kind of database, and MLflow's."""
    with Client(url_of(request.param)) as client:
        yield client


@pytest.fixture
def name() -> str:
    """A name that no other test has taken."""
    return f"name {next(NUMBERS)}"
