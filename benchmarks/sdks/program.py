"""A training program that does nothing but log: `python program.py LIBRARY SECONDS POINTS`.

It runs in the environment of the library that it measures, so it imports nothing else, and prints its figures as JSON.
Peers log to the current directory, or to the server that the environment names (`TRACKED_AT`).
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

Log = Callable[[float, int], object]


class Started(NamedTuple):
    """A run: ``log(value, step)`` one point of ``loss``; ``end()`` returns when all of it is where it is kept."""

    log: Log
    end: Callable[[], object]
    run_id: str = ""


def trackback(library: Any) -> Started:
    run = library.start_run()

    def end() -> None:
        library.flush(600)
        library.end_run()

    return Started(lambda value, step: library.log_metric("loss", value, step=step), end, run.info.run_id)


def mlflow(library: Any) -> Started:
    run = library.start_run()
    return Started(lambda value, step: library.log_metric("loss", value, step=step), library.end_run, run.info.run_id)


def wandb(library: Any) -> Started:
    run = library.init(mode="offline", project="benchmark", settings=library.Settings(silent=True))
    return Started(lambda value, step: run.log({"loss": value}, step=step), run.finish)


def trackio(library: Any) -> Started:
    run = library.init(project="benchmark", embed=False)
    return Started(lambda value, step: run.log({"loss": value}, step=step), run.finish)


def aim(library: Any) -> Started:
    run = library.Run(experiment="benchmark")
    return Started(lambda value, step: run.track(value, name="loss", step=step), run.close)


STARTS = {start.__name__: start for start in (trackback, mlflow, wandb, trackio, aim)}


def main(name: str, seconds: float, points: int) -> dict[str, Any]:
    """One process, as a training script is: import, start a run, log to it, end it; then a second run for the rate."""
    began = time.perf_counter()
    library = importlib.import_module(name)
    imported = time.perf_counter()
    if name in ("trackback", "mlflow"):
        library.set_tracking_uri(os.environ["TRACKED_AT"])
    first = STARTS[name](library)
    ready = time.perf_counter()
    took_ns = _calls(first.log, seconds, points)
    first.end()
    before = time.perf_counter()
    second = STARTS[name](library)
    started = time.perf_counter()
    logged, elapsed_s = _loop(second, seconds, points)
    return {
        "import_s": imported - began,
        "ready_s": ready - began,
        "start_ms": (started - before) * 1e3,
        "log_p50_us": _percentile(took_ns, 50) / 1e3,
        "log_p99_us": _percentile(took_ns, 99) / 1e3,
        "rate": logged / elapsed_s,
        "logged": {first.run_id: len(took_ns), second.run_id: logged},
    }


def _calls(log: Log, seconds: float, points: int) -> list[int]:
    """The nanoseconds of each call."""
    took_ns = []
    until = time.perf_counter() + seconds
    for step in range(points):
        before = time.perf_counter_ns()
        log(1.0 / (step + 1), step)
        after = time.perf_counter_ns()
        took_ns.append(after - before)
        if after / 1e9 > until:
            break
    return took_ns


def _loop(run: Started, seconds: float, points: int) -> tuple[int, float]:
    """How many points were logged, and the seconds from the first call to all of them kept."""
    logged = 0
    log = run.log
    began = time.perf_counter()
    for step in range(points):
        log(1.0 / (step + 1), step)
        logged += 1
        if not step % 100 and time.perf_counter() - began > seconds:
            break
    run.end()
    return logged, time.perf_counter() - began


def _percentile(values: list[int], percent: int) -> float:
    return float(sorted(values)[min(len(values) - 1, len(values) * percent // 100)])


if __name__ == "__main__":
    figures = main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(figures))
