"""A server that is killed with kill -9 under load has all that it acknowledged when it comes back, and has it once."""

from tests.faults.audit import SOUND, audit
from tests.faults.database import check_database, count_rows
from tests.faults.load import Load
from tests.servers.trackback import TrackbackServer

KILLS = 4
ACKNOWLEDGED_BETWEEN = 150


def test_what_was_acknowledged_survives_kills_and_is_there_once(server: TrackbackServer) -> None:
    with Load(server.port) as load:
        for _ in range(KILLS):
            load.wait_for(ACKNOWLEDGED_BETWEEN)
            server.kill()
            server.start()
        load.wait_for(ACKNOWLEDGED_BETWEEN)

    assert load.books.broken >= KILLS
    assert not load.books.refusals
    assert audit(server.port, load.books) == SOUND
    assert server.stop() == 0
    assert check_database(server.backend_uri) == "The database is sound."
    assert count_rows(server.backend_uri, "metric_chunks") > 0, "nothing was sealed meanwhile"
    assert "Traceback" not in server.log_text
