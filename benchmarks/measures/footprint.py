"""What a server costs before it does anything: time to start, memory."""

import time

from benchmarks.connection import Connection
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.processes import memory_mb
from benchmarks.servers import Server

_IDLE_AFTER_S = 5.0


def footprint(context: Context, server: Server) -> Round:
    """A server of its own, started on an empty directory, left alone, stopped, and started once more."""
    rounds = 0

    def run_round(_: Connection) -> dict[str, float]:
        nonlocal rounds
        rounds += 1
        twin = server.twin(context.directory / f"{server.name}-footprint-{rounds}")
        try:
            first_start_s = twin.start()
            time.sleep(_IDLE_AFTER_S)
            idle_mb = memory_mb(twin.pid)
            twin.stop()
            start_s = twin.start()
        finally:
            twin.stop()
        return {"first_start": first_start_s, "start": start_s, "idle_memory": idle_mb}

    return run_round


MEASURES = (
    Measure(
        "footprint",
        (
            Figure("first_start", "from start on an empty directory to the first answer", "s", "less"),
            Figure("start", "from start to the first answer", "s", "less"),
            Figure("idle_memory", "memory when idle", "MB", "less"),
        ),
        footprint,
        at_most_rounds=3,
    ),
)
