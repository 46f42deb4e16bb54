import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.trackback import TrackbackServer


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    """A server for all tests of a module: on which database it keeps things makes no difference to them."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(sqlite_template, folder / "trackback.db")
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder) as running:
        yield running
