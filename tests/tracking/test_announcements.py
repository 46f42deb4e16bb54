"""A program that logs hears of its own requests, and not of those that tracking makes."""

from pathlib import Path

from tests.servers.trackback import TrackbackServer
from tests.tracking.programs import run

PROGRAM = """
import logging
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s %(message)s")
with tb.start_run() as run:
    run.log_metric("loss", 1)
    run.flush()
import httpx
httpx.get(tb.get_tracking_uri() + "/health")
"""


def test_only_the_programs_own_requests_are_logged(tracking_server: TrackbackServer, spool_root: Path) -> None:
    printed, _ = run(PROGRAM, tracking_server.url, spool_root, TRACKBACK_SYSTEM_METRICS="0")

    (line,) = (line for line in printed.splitlines() if line.startswith("httpx"))
    assert "/health" in line
