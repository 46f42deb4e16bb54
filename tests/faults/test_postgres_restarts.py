"""PostgreSQL goes away under load and comes back: requests fail cleanly meanwhile, then go on by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.audit import SOUND, audit
from tests.faults.client import Client
from tests.faults.load import Load
from tests.needs import need
from tests.scratch import DISK
from tests.servers import postgres as postgres_server
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer

UNAVAILABLE = (503, "TEMPORARILY_UNAVAILABLE")
ACKNOWLEDGED_BETWEEN = 60


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """One that no other test uses, to be stopped and killed."""
    reason = postgres_server.missing()
    need(reason is None, str(reason))
    with Postgres(DISK) as server:
        yield server


@pytest.fixture
def trackback(own_postgres: Postgres, tmp_path: Path) -> Iterator[TrackbackServer]:
    with TrackbackServer(own_postgres.create_database(), tmp_path / "artifacts", tmp_path) as server:
        yield server


def readiness(server: TrackbackServer) -> tuple[int, str]:
    with Client(server.port) as client:
        answer = client.ask("GET", "/ready")
    return answer.status, answer.body["checks"]["database"]


def test_requests_fail_cleanly_while_postgresql_is_away_and_then_go_on(
    own_postgres: Postgres, trackback: TrackbackServer
) -> None:
    with Load(trackback.port) as load:
        for end in (own_postgres.stop, own_postgres.kill):
            load.wait_for(ACKNOWLEDGED_BETWEEN)
            end()
            with Client(trackback.port) as client:
                assert client.post("runs/create", {"experiment_id": "0"}).error == UNAVAILABLE
                assert client.get("runs/get", {"run_id": load.shared_run}).error == UNAVAILABLE
            assert readiness(trackback) == (503, "does not answer")
            own_postgres.start()
            assert readiness(trackback) == (200, "ok")
        load.wait_for(ACKNOWLEDGED_BETWEEN)

    assert set(load.books.refusals) == {UNAVAILABLE}
    assert load.books.broken == 0
    assert audit(trackback.port, load.books) == SOUND
    assert "Traceback" not in trackback.log_text


def test_a_restart_between_two_requests_is_not_noticed(own_postgres: Postgres, trackback: TrackbackServer) -> None:
    """The connections that the server keeps open are dead then, which it must find out by itself."""
    with Client(trackback.port) as client:
        run_id = client.new_run()
        for _ in range(20):
            client.get("runs/get", {"run_id": run_id})
        own_postgres.restart()

        assert {client.get("runs/get", {"run_id": run_id}).status for _ in range(20)} == {200}
