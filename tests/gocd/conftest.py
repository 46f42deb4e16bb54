from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from tests.gocd.gocd_server import GoCDServer
from tests.gocd.world import World
from tests.servers.accounts import PASSWORD
from tests.servers.threaded import ThreadedServer
from trackback.cli.main import commands
from trackback.server.settings import Settings


@pytest.fixture
def settings(migrated_uri: str, tmp_path: Path) -> Settings:
    """Those of a server that may reach this machine; a test that takes it runs once on each database."""
    return Settings(
        backend_store_uri=migrated_uri,
        artifacts_destination=str(tmp_path / "artifacts"),
        webhook_allowed_networks=("127.0.0.0/8",),
    )


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    """A server without accounts, on each database."""
    with ThreadedServer(settings) as server, httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        yield World(server, http)
    assert "Traceback" not in server.log_text, server.log_text


@pytest.fixture
def sqlite_world(migrated_sqlite_uri: str, tmp_path: Path) -> Iterator[World]:
    """A server with two versions of a model, on SQLite only: for commands, whose calls other tests make on both."""
    settings = Settings(
        backend_store_uri=migrated_sqlite_uri,
        artifacts_destination=str(tmp_path / "artifacts"),
        webhook_allowed_networks=("127.0.0.0/8",),
    )
    with (
        ThreadedServer(settings) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        world = World(server, http)
        world.models("churn", 2)
        yield world
    assert "Traceback" not in server.log_text


@pytest.fixture
def guarded(migrated_uri: str, tmp_path: Path) -> Iterator[World]:
    """A server with accounts, on each database, as its admin."""
    arguments = ["user", "add", "root", "--admin", "--password-stdin", "--backend-store-uri", migrated_uri]
    added = CliRunner().invoke(commands, arguments, input=f"{PASSWORD}\n", catch_exceptions=False)
    assert added.exit_code == 0, added.output
    settings = Settings(backend_store_uri=migrated_uri, artifacts_destination=str(tmp_path / "artifacts"), auth=True)
    with (
        ThreadedServer(settings) as server,
        httpx.Client(base_url=server.url, auth=("root", PASSWORD), trust_env=False, timeout=30) as root,
    ):
        yield World(server, root)
    assert "Traceback" not in server.log_text, server.log_text


@pytest.fixture
def gocd() -> Iterator[GoCDServer]:
    with GoCDServer() as stand_in:
        yield stand_in
