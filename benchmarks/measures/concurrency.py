"""Many clients at once."""

import time
from typing import NamedTuple

from benchmarks.clients import at_once
from benchmarks.connection import Connection
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import encoded_single_metrics
from benchmarks.messages import for_run
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, create_run, expect_points


class _Share(NamedTuple):
    """What one client did."""

    acknowledged: int
    errors: int
    began: float
    ended: float


def clients(context: Context, server: Server) -> Round:
    """Client processes, each with a run of its own, log single metrics as fast as they are answered."""
    requests = encoded_single_metrics(context.sizes.single_metrics)
    with server.connect() as setup:
        experiment_id = create_experiment(setup)

    def run_round(connection: Connection) -> dict[str, float]:
        runs = [create_run(connection, experiment_id) for _ in range(context.sizes.clients)]

        def work(number: int) -> _Share:
            return _log(server, [for_run(request, runs[number].run_id) for request in requests], context.sizes.seconds)

        shares = at_once(len(runs), work)
        with server.connect() as afterwards:
            for run, share in zip(runs, shares, strict=True):
                if not share.errors:
                    expect_points(afterwards, run.run_id, "loss", share.acknowledged)
        elapsed_s = max(share.ended for share in shares) - min(share.began for share in shares)
        return {
            "clients_rate": sum(share.acknowledged for share in shares) / elapsed_s,
            "clients_errors": sum(share.errors for share in shares),
        }

    return run_round


def _log(server: Server, requests: list[bytes], seconds: float) -> _Share:
    acknowledged = errors = 0
    connection = server.connect()
    began = ended = time.perf_counter()
    for request in requests:
        status, connection = _attempt(server, connection, request)
        ended = time.perf_counter()
        acknowledged += status == 200
        errors += status != 200
        if ended - began > seconds:
            break
    return _Share(acknowledged, errors, began, ended)


def _attempt(server: Server, connection: Connection, request: bytes) -> tuple[int, Connection]:
    """The status of the answer, 0 if there was none; then the connection is a new one."""
    try:
        return connection.call(request).status, connection
    except OSError:
        return 0, server.connect()


MEASURES = (
    Measure(
        "clients",
        (
            Figure("clients_rate", "8 client processes, single metrics", "calls/s", "more"),
            Figure("clients_errors", "8 client processes: errors", "errors", "less"),
        ),
        clients,
    ),
)
