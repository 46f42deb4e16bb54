from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.gocd.world import World
from tests.servers.accounts import admin, guarded_server
from tests.servers.trackback import TrackbackServer


@pytest.fixture
def world(server: TrackbackServer) -> Iterator[World]:
    """A server without accounts, on each database."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        yield World(server, http)
    assert "Traceback" not in server.log_text, server.log_text[-4000:]


@pytest.fixture
def guarded(migrated_uri: str, tmp_path: Path) -> Iterator[World]:
    """A server with accounts, on each database, as its admin."""
    with guarded_server(migrated_uri, tmp_path) as server, admin(server) as root:
        yield World(server, root)
