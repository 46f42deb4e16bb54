"""What those see who watch a server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.wire import LOG_METRIC, ask, metric, new_run
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer
from trackback import __version__


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    folder = tmp_path_factory.mktemp("probed")
    with TrackbackServer(sqlite(folder), folder / "artifacts", folder, flags=["--json-logs"]) as running:
        yield running


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder}/trackback.db"


def ready(port: int) -> tuple[int, dict[str, str]]:
    answer = ask(port, "GET", "/ready")
    return answer.status, answer.json["checks"]


def test_health_says_ok(server: TrackbackServer) -> None:
    answer = ask(server.port, "GET", "/health")

    assert (answer.status, answer.body) == (200, b"OK")


def test_the_version_is_ours_and_below_the_one_that_traces_are_posted_to(server: TrackbackServer) -> None:
    answer = ask(server.port, "GET", "/version")

    assert answer.body.decode() == __version__
    assert int(__version__.partition(".")[0]) < 3


def test_a_server_is_ready_while_its_database_and_artifact_store_answer(server: TrackbackServer) -> None:
    assert ready(server.port) == (200, {"database": "ok", "artifact store": "ok"})


def test_a_server_whose_database_file_is_gone_is_not_ready(tmp_path: Path) -> None:
    with TrackbackServer(sqlite(tmp_path), tmp_path / "artifacts", tmp_path) as server:
        (tmp_path / "trackback.db").rename(tmp_path / "elsewhere")

        assert ready(server.port) == (503, {"database": "does not answer", "artifact store": "ok"})
        assert ask(server.port, "GET", "/health").status == 200


def test_a_server_whose_postgresql_is_gone_is_not_ready_until_it_is_back(
    postgres: Postgres, postgres_uri: str, tmp_path: Path
) -> None:
    with TrackbackServer(postgres_uri, tmp_path / "artifacts", tmp_path) as server:
        assert ready(server.port)[0] == 200
        postgres.stop()
        try:
            assert ready(server.port) == (503, {"database": "does not answer", "artifact store": "ok"})
        finally:
            postgres.start()
        assert ready(server.port)[0] == 200


def test_an_idle_server_needs_little_memory(server: TrackbackServer) -> None:
    status = Path(f"/proc/{server.pid}/status")
    if not status.exists():
        pytest.skip("memory is read from /proc, which only Linux has")
    resident_kb = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS"))

    assert resident_kb < 120 * 1024


def test_metrics_count_requests_by_the_path_of_their_route(server: TrackbackServer) -> None:
    run_id = new_run(server.port)
    for step in range(3):
        ask(server.port, "POST", LOG_METRIC, metric(run_id, step))
    ask(server.port, "POST", LOG_METRIC, b"{}")
    ask(server.port, "GET", "/random/1")
    ask(server.port, "GET", "/random/2")

    lines = ask(server.port, "GET", "/metrics").body.decode().splitlines()

    count = "trackback_http_request_seconds_count"
    assert f'{count}{{method="POST",route="{LOG_METRIC}",status="200"}} 3.0' in lines
    assert f'{count}{{method="POST",route="{LOG_METRIC}",status="400"}} 1.0' in lines
    assert f'{count}{{method="GET",route="(none)",status="404"}} 2.0' in lines
    assert "trackback_storage_waiting 0.0" in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_the_log_holds_one_json_object_a_request(server: TrackbackServer) -> None:
    ask(server.port, "GET", "/random?secret=1")
    ask(server.port, "GET", "/health")

    entries = [json.loads(line) for line in server.log_text.splitlines()]
    (entry,) = [entry for entry in entries if entry.get("path") == "/random"]
    assert (entry["method"], entry["status"], entry["route"], entry["client"]) == ("GET", 404, "(none)", "127.0.0.1")
    assert entry["duration_ms"] > 0
    assert len({entry["request_id"] for entry in entries if "request_id" in entry}) > 1
    assert "secret" not in server.log_text
