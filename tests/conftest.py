import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import certificates, needs, passwords, scratch
from tests.environments import Environment
from tests.needs import need
from tests.servers import postgres as postgres_server, s3 as s3_server
from tests.servers.emptied import EmptiedDatabases
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3
from tests.servers.trackback import TrackbackServer
from trackback.storage import schema


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(needs)
    scratch.keep_temporary_files_in_memory()
    certificates.read_once()
    passwords.hash_quickly()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    reason = postgres_server.missing()
    need(reason is None, str(reason))
    with Postgres(scratch.folder_for_all()) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(postgres_server.programs()), prepend=os.pathsep)  # Debian's scripts look for it
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    reason = s3_server.missing()
    need(reason is None, str(reason))
    with S3() as server:
        yield server


@pytest.fixture
def postgres_uri(postgres: Postgres) -> Iterator[str]:
    """An empty PostgreSQL database."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def sqlite_uri(tmp_path: Path) -> str:
    """A SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path}/trackback.db"


@pytest.fixture(params=["sqlite", "postgres"])
def backend_uri(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind: a test that takes it runs once on each."""
    uri: str = request.getfixturevalue(f"{request.param}_uri")
    return uri


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with trackback's schema, to be copied: to make one takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "trackback.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def emptied_databases(postgres: Postgres) -> Iterator[EmptiedDatabases]:
    """PostgreSQL databases with trackback's schema."""
    url = postgres.create_database()
    schema.upgrade(url)
    databases = EmptiedDatabases(postgres, url)
    yield databases
    databases.close()


@pytest.fixture
def migrated_sqlite_uri(sqlite_template: Path, sqlite_uri: str) -> str:
    """A SQLite database with trackback's schema and nothing in it."""
    shutil.copy(sqlite_template, sqlite_uri.removeprefix("sqlite:///"))
    return sqlite_uri


@pytest.fixture
def migrated_postgres_uri(emptied_databases: EmptiedDatabases) -> Iterator[str]:
    """A PostgreSQL database with trackback's schema and nothing in it."""
    url = emptied_databases.take()
    yield url
    emptied_databases.give_back(url)


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_uri(request: pytest.FixtureRequest) -> str:
    """A database of each kind with trackback's schema: a test that takes it runs once on each."""
    uri: str = request.getfixturevalue(f"migrated_{request.param}_uri")
    return uri


@pytest.fixture
def server(migrated_uri: str, tmp_path: Path) -> Iterator[TrackbackServer]:
    """trackback's server on each kind of database, with artifacts on local disk."""
    with TrackbackServer(migrated_uri, tmp_path / "artifacts", tmp_path) as running:
        yield running


@pytest.fixture(params=["mlflow3", "mlflow2"])
def mlflow(request: pytest.FixtureRequest) -> Environment:
    """An environment with an unmodified MLflow: a test that takes it runs once with each major version."""
    return Environment(request.param)
