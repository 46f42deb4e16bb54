"""A stop under load is soon and clean, and loses nothing; not even a database that hangs holds it up."""

import signal
import time
from pathlib import Path

from tests.faults.audit import SOUND, audit
from tests.faults.database import check_database
from tests.faults.load import Load
from tests.servers.postgres import Postgres
from tests.servers.trackback import TrackbackServer

STOP_WITHIN_S = 20.0
HANGING_STOP_WITHIN_S = 30.0  # the requests' deadline, then what sealing and the database are given


def test_a_stop_under_load_is_soon_and_clean_and_loses_nothing(server: TrackbackServer) -> None:
    with Load(server.port) as load:
        load.wait_for(100)
        began = time.monotonic()
        assert server.stop(signal_number=signal.SIGTERM) == 0
        assert time.monotonic() - began < STOP_WITHIN_S

    assert check_database(server.backend_uri) == "The database is sound."
    assert "Traceback" not in server.log_text
    server.start()
    assert audit(server.port, load.books) == SOUND


def test_a_database_that_hangs_does_not_hold_up_a_stop(postgres: Postgres, postgres_uri: str, tmp_path: Path) -> None:
    flags = ["--stop-deadline", "1"]
    with TrackbackServer(postgres_uri, tmp_path / "artifacts", tmp_path, flags) as server, Load(server.port) as load:
        load.wait_for(10)
        with postgres.hanging():
            load.wait_for_silence()
            began = time.monotonic()
            assert server.stop(signal_number=signal.SIGTERM) == 0
            assert time.monotonic() - began < HANGING_STOP_WITHIN_S

    assert set(load.books.refusals) == {(503, "TEMPORARILY_UNAVAILABLE")}
    assert "Traceback" not in server.log_text
