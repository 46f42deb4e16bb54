"""A metric's history read back."""

import time

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import log_history
from benchmarks.processes import PeakMemory
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, create_run, history_page, next_page_in, read_history

_BATCH = 1_000


def history(context: Context, server: Server) -> Round:
    """Reads the whole history of a metric, by the pages that MLflow's client asks for, without parsing it."""
    points = context.sizes.history_points
    with server.connect() as setup:
        run = create_run(setup, create_experiment(setup))
        log_history(setup, run.run_id, range(points // _BATCH))

    def run_round(connection: Connection) -> dict[str, float]:
        began = time.perf_counter()
        read = read_history(connection, run.run_id, "loss")
        elapsed_s = time.perf_counter() - began
        if read.points() != points:
            raise UnexpectedAnswerError(f"{read.points()} points in the history, {points} were sent")
        return {"history": points / elapsed_s}

    return run_round


def long_history(context: Context, server: Server) -> Round:
    """Reads a very long history page by page, on a server of its own, and watches that server's memory."""
    points = context.sizes.long_history_points

    def run_round(_: Connection) -> dict[str, float]:
        with server.twin(context.directory / f"{server.name}-long-history") as twin:
            with twin.connect() as connection:
                run_id = create_run(connection, create_experiment(connection)).run_id
                log_history(connection, run_id, range(points // _BATCH))
            with PeakMemory(twin.pid) as peak:
                pages_s = _time_pages(twin, run_id, points)
        return {
            "long_history_memory": peak.mb,
            "long_history": points / sum(pages_s),
            "long_history_slowest_page": max(pages_s) * 1e3,
        }

    return run_round


def _time_pages(server: Server, run_id: str, points: int) -> list[float]:
    """Seconds for each page; together they must hold every point."""
    pages_s = []
    counted = 0
    token = ""
    with server.connect() as connection:
        while True:
            began = time.perf_counter()
            body = connection.expect(history_page(run_id, "loss", token))
            pages_s.append(time.perf_counter() - began)
            counted += body.count(b'"timestamp"')
            token = next_page_in(body)
            if not token:
                break
    if counted != points:
        raise UnexpectedAnswerError(f"{counted} points in the history, {points} were sent")
    return pages_s


MEASURES = (
    Measure("history", (Figure("history", "history of 100,000 points read", "points/s", "more"),), history),
    Measure(
        "long-history",
        (
            Figure("long_history_memory", "memory while 10 million points are read page by page", "MB", "less"),
            Figure("long_history", "history of 10 million points read", "points/s", "more"),
            Figure("long_history_slowest_page", "its slowest page of 25,000", "ms", "less"),
        ),
        long_history,
        servers=("trackback",),
        at_most_rounds=1,
    ),
)
