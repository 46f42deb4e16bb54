"""Runs measures: every server prepared, then round after round, the servers taking turns."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from benchmarks.measures import Context, Measure
from benchmarks.measures.measure import Round
from benchmarks.results import MeasureResults
from benchmarks.servers import Server


def run_measure(measure: Measure, servers: Sequence[Server], context: Context) -> MeasureResults:
    """A server that fails a measure is left out of the rest of it, and the results say why."""
    results = MeasureResults(datetime.now(UTC).isoformat(timespec="seconds"))
    with ExitStack() as stack:
        prepared: dict[str, tuple[Server, Round]] = {}
        for server in servers:
            if server.name in measure.servers:
                _say(f"{measure.name}: preparing {server.title}")
                try:
                    prepared[server.name] = _prepare(measure, server, context, stack)
                except Exception as error:  # noqa: BLE001 - one server's failure must not lose the others' figures
                    results.failures[server.name] = _reason(error)
        _run_rounds(measure, prepared, context, results)
    for name, reason in results.failures.items():
        _say(f"{measure.name}: {name} FAILED: {reason}")
    return results


def _prepare(measure: Measure, server: Server, context: Context, stack: ExitStack) -> tuple[Server, Round]:
    if measure.apart:
        server = stack.enter_context(server.twin(context.directory / f"{server.name}-{measure.name}"))
    return server, measure.prepare(context, server)


def _run_rounds(
    measure: Measure, prepared: dict[str, tuple[Server, Round]], context: Context, results: MeasureResults
) -> None:
    for number in range(min(context.sizes.rounds, measure.at_most_rounds)):
        names = list(prepared)
        turn = number % len(names) if names else 0
        for name in names[turn:] + names[:turn]:
            server, run_round = prepared[name]
            try:
                with server.connect() as connection:
                    figures = run_round(connection)
            except Exception as error:  # noqa: BLE001 - as above
                results.failures[name] = _reason(error)
                del prepared[name]
                continue
            _say(f"{measure.name}: round {number + 1}, {name}: {_line(figures)}")
            for key, value in figures.items():
                results.values.setdefault(name, {}).setdefault(key, []).append(_rounded(value))


def _rounded(value: float) -> float:
    """Six significant digits: more would be noise, in a file that is kept."""
    return float(f"{value:.6g}")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _line(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in figures.items())


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)
