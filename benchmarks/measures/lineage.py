"""Trace and impact over 100,000 runs and 10,000 versions."""

import itertools
import json
import time
from typing import Any

from benchmarks import descended
from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all
from benchmarks.messages import get_ours
from benchmarks.percentiles import percentile
from benchmarks.servers import Server
from benchmarks.servers.trackback import TrackbackServer

_TITLES = {
    "impact_dataset": "impact of a data set of 100 runs",
    "impact_common_dataset": "impact of a data set of all runs",
    "impact_package": "impact of a package's version, in one run of 50",
    "impact_common_package": "impact of a package's version, in all runs",
    "impact_commit": "impact of a commit of 100 runs",
    "impact_run": "impact of a run with nine children",
    "trace_image": "trace of an image digest",
    "trace_commit": "trace of a commit of 100 runs",
    "deployments_at": "what was in production at a time",
}
_INDEXED_WITHIN_S = 600


def lineage(context: Context, server: Server) -> Round:
    """The server's database is filled while the server is stopped."""
    assert isinstance(server, TrackbackServer)
    runs, versions = context.sizes.many_searched_runs, context.sizes.descended_versions
    server.stop()
    descended.load(server.database(), runs, versions)
    server.start()
    with server.connect() as setup:
        _await_index(setup)
        _check(setup, runs, versions)
    requests = _requests(runs, versions)

    def run_round(connection: Connection) -> dict[str, float]:
        return {
            f"lineage_{key}": percentile(
                call_all(connection, list(itertools.repeat(request, context.sizes.searches)), context.sizes.seconds), 50
            )
            * 1e3
            for key, request in requests.items()
        }

    return run_round


def _requests(runs: int, versions: int) -> dict[str, bytes]:
    apart = runs // versions
    some = versions // 2
    return {
        "impact_dataset": _impact(dataset=descended.RARE.format(some * apart // descended.SHARING)),
        "impact_common_dataset": _impact(dataset=descended.COMMON),
        "impact_package": _impact(package=descended.PACKAGE.format(0)),
        "impact_common_package": _impact(package=descended.COMMON_PACKAGE),
        "impact_commit": _impact(commit=descended.commit(some * apart)),
        "impact_run": _impact(run=descended.run_id(some * apart)),
        "trace_image": get_ours(f"/trace/{descended.image(some)}", {}),
        "trace_commit": get_ours(f"/trace/{descended.commit(some * apart)[:12]}", {}),
        "deployments_at": get_ours("/deployments", {"environment": "production", "at": "2026-11-01T00:00:00Z"}),
    }


def _impact(**question: str) -> bytes:
    return get_ours("/impact", question)


def _answer(connection: Connection, request: bytes) -> Any:
    return json.loads(connection.expect(request))


def _await_index(connection: Connection) -> None:
    """Wait until the server has found what all versions descend from."""
    end = time.perf_counter() + _INDEXED_WITHIN_S
    while _answer(connection, _impact(dataset=descended.COMMON)).get("unindexed"):
        if time.perf_counter() > end:
            raise UnexpectedAnswerError("the server has not found what versions descend from")
        time.sleep(0.5)


def _check(connection: Connection, runs: int, versions: int) -> None:
    """That what is found is what must be."""
    apart, some = runs // versions, versions // 2
    requests = _requests(runs, versions)
    made_by = [descended.run_of(each, apart) for each in range(versions)]
    group = some * apart // descended.SHARING
    expected = {
        "impact_common_dataset": versions,
        "impact_common_package": versions,
        "impact_dataset": sum(each // descended.SHARING == group for each in made_by),
        "impact_run": 1,
    }
    for key, number in expected.items():
        if (found := _answer(connection, requests[key])["affected"]) != number:
            raise UnexpectedAnswerError(f"{key} found {found} versions, expected {number}")
    traced = _answer(connection, requests["trace_image"])
    if traced["run"]["run_id"] != descended.run_id(made_by[some]):
        raise UnexpectedAnswerError(f"the trace led to the run {traced['run']['run_id']}")


MEASURES = (
    Measure(
        "lineage",
        tuple(
            Figure(f"lineage_{key}", f"100,000 runs, 10,000 versions: {title}", "ms", "less")
            for key, title in _TITLES.items()
        ),
        lineage,
        servers=("trackback", "trackback-postgres"),
        apart=True,
    ),
)
