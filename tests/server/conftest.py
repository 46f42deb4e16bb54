from collections.abc import Iterator

import pytest

from tests.server.artifact_client import LIMIT, ArtifactClient
from tests.servers.trackback import TrackbackServer

MAX_JSON_BYTES = 100_000
HEADER_DEADLINE_S = 0.6
BODY_DEADLINE_S = 1.0
KEEP_ALIVE_S = 2.0


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    """A server on SQLite with little patience: the deadlines and the limit above."""
    folder = tmp_path_factory.mktemp("strict")
    flags = (
        f"--max-json-bytes {MAX_JSON_BYTES} --header-deadline {HEADER_DEADLINE_S} "
        f"--body-deadline {BODY_DEADLINE_S} --keep-alive {KEEP_ALIVE_S}"
    )
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder, flags.split()) as server:
        yield server
    assert "Traceback" not in server.log_text


@pytest.fixture(scope="module")
def port(strict_server: TrackbackServer) -> int:
    return strict_server.port


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArtifactClient]:
    """Of a server on SQLite and local disk, one for all tests of a module."""
    folder = tmp_path_factory.mktemp("artifacts")
    flags = ["--max-artifact-bytes", str(LIMIT)]
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder, flags) as server:
        yield ArtifactClient(server.port, folder / "artifacts")
    assert "Traceback" not in server.log_text
