"""Metrics logged: one a call, a thousand a call, many keys a call."""

import random
import time
from collections.abc import Callable, Mapping
from functools import cache

from benchmarks.connection import Connection
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.messages import for_run, log_batch, log_metric
from benchmarks.percentiles import percentile
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, create_run, expect_points

_FIRST_TIMESTAMP_MS = 1_700_000_000_000
_POINTS_OF_ONE_KEY = 1_000
_KEYS = 100


def single_metrics(context: Context, server: Server) -> Round:
    """One client logs one metric a call."""
    log = _logger(context, server, encoded_single_metrics(context.sizes.single_metrics), {"loss": 1})

    def run_round(connection: Connection) -> dict[str, float]:
        latencies_s = log(connection)
        return {f"single_p{percent}": percentile(latencies_s, percent) * 1e3 for percent in (50, 99)}

    return run_round


def batches_of_one_key(context: Context, server: Server) -> Round:
    """Batches of 1,000 points of one metric."""
    log = _logger(context, server, _encoded_batches_of_one_key(context.sizes.batches), {"loss": _POINTS_OF_ONE_KEY})

    def run_round(connection: Connection) -> dict[str, float]:
        latencies_s = log(connection)
        return {"batches_one_key": len(latencies_s) * _POINTS_OF_ONE_KEY / sum(latencies_s)}

    return run_round


def batches_of_many_keys(context: Context, server: Server) -> Round:
    """Batches of one point of each of 100 metrics."""
    requests = _encoded_batches_of_many_keys(context.sizes.batches)
    log = _logger(context, server, requests, {_key(0): 1, _key(_KEYS - 1): 1})

    def run_round(connection: Connection) -> dict[str, float]:
        latencies_s = log(connection)
        return {"batches_many_keys": len(latencies_s) * _KEYS / sum(latencies_s)}

    return run_round


def _logger(
    context: Context, server: Server, requests: list[bytes], points_per_request: Mapping[str, int]
) -> Callable[[Connection], list[float]]:
    """What logs the requests to a new run, returns their latencies in seconds, and counts the points of these keys."""
    with server.connect() as setup:
        experiment_id = create_experiment(setup)

    def log(connection: Connection) -> list[float]:
        run_id = create_run(connection, experiment_id).run_id
        latencies_s = call_all(connection, [for_run(request, run_id) for request in requests], context.sizes.seconds)
        for key, points in points_per_request.items():
            expect_points(connection, run_id, key, points * len(latencies_s))
        return latencies_s

    return log


def call_all(connection: Connection, requests: list[bytes], seconds: float) -> list[float]:
    """Sends one request after the other until the time is over; returns how many seconds each took."""
    latencies_s = []
    end = time.perf_counter() + seconds
    for request in requests:
        began = time.perf_counter()
        connection.expect(request)
        ended = time.perf_counter()
        latencies_s.append(ended - began)
        if ended > end:
            break
    return latencies_s


def log_history(connection: Connection, run_id: str, batches: range) -> None:
    """Logs the batches of these numbers, 1,000 points of one metric each."""
    for number in batches:
        connection.expect(for_run(_batch_of_one_key(number), run_id))


@cache
def encoded_single_metrics(count: int) -> list[bytes]:
    chance = random.Random(count)
    return [log_metric("loss", chance.random(), _FIRST_TIMESTAMP_MS + step, step) for step in range(count)]


@cache
def _encoded_batches_of_one_key(count: int) -> list[bytes]:
    return [_batch_of_one_key(number) for number in range(count)]


def _batch_of_one_key(number: int) -> bytes:
    chance = random.Random(number)
    steps = range(number * _POINTS_OF_ONE_KEY, (number + 1) * _POINTS_OF_ONE_KEY)
    return log_batch(
        metrics=[
            {"key": "loss", "value": chance.random(), "timestamp": _FIRST_TIMESTAMP_MS + step, "step": step}
            for step in steps
        ]
    )


@cache
def _encoded_batches_of_many_keys(count: int) -> list[bytes]:
    chance = random.Random(count)
    return [
        log_batch(
            metrics=[
                {"key": _key(key), "value": chance.random(), "timestamp": _FIRST_TIMESTAMP_MS + step, "step": step}
                for key in range(_KEYS)
            ]
        )
        for step in range(count)
    ]


def _key(number: int) -> str:
    return f"metric_{number:03d}"


MEASURES = (
    Measure(
        "single-metrics",
        (
            Figure("single_p50", "one metric a call, p50", "ms", "less"),
            Figure("single_p99", "one metric a call, p99", "ms", "less"),
        ),
        single_metrics,
    ),
    Measure(
        "batches-one-key",
        (Figure("batches_one_key", "batches of 1,000 points of one metric", "points/s", "more"),),
        batches_of_one_key,
    ),
    Measure(
        "batches-many-keys",
        (Figure("batches_many_keys", "batches of 100 different metrics", "points/s", "more"),),
        batches_of_many_keys,
    ),
)
