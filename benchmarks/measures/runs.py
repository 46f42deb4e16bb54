"""Runs created, with what a training run logs at its start and end."""

import time

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.datasets import content, creation, searched_run
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.messages import for_run, post
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, run_id_in, search_runs


def created_runs(context: Context, server: Server) -> Round:
    """One client creates runs and logs 20 params, 20 metrics and two tags to each, in one batch."""
    runs = [searched_run(number) for number in range(context.sizes.created_runs)]
    contents = [content(run) for run in runs]

    def run_round(connection: Connection) -> dict[str, float]:
        experiment_id = create_experiment(connection)
        creations = [creation(experiment_id, run) for run in runs]
        created = 0
        began = time.perf_counter()
        for create, fill in zip(creations, contents, strict=True):
            connection.expect(for_run(fill, run_id_in(connection.expect(create))))
            created += 1
            if time.perf_counter() - began > context.sizes.seconds:
                break
        elapsed_s = time.perf_counter() - began
        last = search_runs(connection, post("/runs/search", {"experiment_ids": [experiment_id], "max_results": 1}))[0]
        counts = len(last["data"]["params"]), len(last["data"]["metrics"])
        if last["info"]["run_name"] != runs[created - 1].name or counts != (20, 20):
            raise UnexpectedAnswerError(f"the last run created is {last['info']}, with {counts} params and metrics")
        return {"created_runs": created / elapsed_s}

    return run_round


MEASURES = (
    Measure(
        "created-runs",
        (Figure("created_runs", "runs created with 20 params and 20 metrics", "runs/s", "more"),),
        created_runs,
    ),
)
