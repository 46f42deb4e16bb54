"""GoCD's polls over a log of 100,000 promotions: what each costs the server's processors."""

import itertools
import json
from collections.abc import Mapping

from benchmarks import promoted
from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all
from benchmarks.messages import post_ours
from benchmarks.percentiles import percentile
from benchmarks.processes import cpu_seconds
from benchmarks.servers import Server
from benchmarks.servers.trackback import TrackbackServer

POLLS = 5000
"""More than a round takes: the processors' time is counted in hundredths of a second."""

_TITLES = {
    "model": "a poll of a model and environment, nothing new",
    "experiment": "a poll of an experiment and tag, nothing new",
    "new": "a poll with a new promotion that passes over ten",
    "first": "the first poll of an experiment",
}


def gocd(context: Context, server: Server) -> Round:
    """The server's database is filled while the server is stopped."""
    assert isinstance(server, TrackbackServer)
    promotions = context.sizes.promotions
    server.stop()
    promoted.load(server.database(), promotions)
    server.start()
    requests = _requests(promotions)
    with server.connect() as setup:
        _check(setup, requests, promotions)

    def run_round(connection: Connection) -> dict[str, float]:
        figures = {}
        for key, request in requests.items():
            before = cpu_seconds(server.roots())
            latencies = call_all(connection, list(itertools.repeat(request, POLLS)), context.sizes.seconds)
            figures[f"gocd_{key}_cpu"] = (cpu_seconds(server.roots()) - before) / len(latencies) * 1e3
            figures[f"gocd_{key}"] = percentile(latencies, 50) * 1e3
        return figures

    return run_round


def _requests(promotions: int) -> dict[str, bytes]:
    model = {"MODEL": promoted.MODEL, "ENVIRONMENT": "production"}
    experiment = {"EXPERIMENT": "Default", "PROMOTION_TAG_NAME": "promote", "PROMOTION_TAG_VALUE": "true"}
    last_version = promotions - 1 if promotions % 2 == 0 else promotions
    last_run = promotions - promotions % 2
    return {
        "model": _poll("latest-revision-since", model, last_version),
        "experiment": _poll("latest-revision-since", experiment, last_run),
        "new": _poll("latest-revision-since", model, last_version - 22),
        "first": _poll("latest-revision", experiment),
    }


def _poll(request: str, package: Mapping[str, str], seen: int | None = None) -> bytes:
    body: dict[str, object] = {
        "repository-configuration": {"TRACKBACK_URL": {"value": "https://models.example.org"}},
        "package-configuration": {key: {"value": value} for key, value in package.items()},
    }
    if seen is not None:
        body["previous-revision"] = {"revision": f"{seen}-x", "timestamp": "2026-11-27T12:00:00.000Z", "data": {}}
    return post_ours(f"/gocd/v1/package-repository/{request}", body)


def _check(connection: Connection, requests: Mapping[str, bytes], promotions: int) -> None:
    """That polls find what they must."""
    found = {key: json.loads(connection.expect(request)) for key, request in requests.items()}
    if found["model"] or found["experiment"]:
        raise UnexpectedAnswerError(
            f"nothing was new, and yet the answers were {found['model']}, {found['experiment']}"
        )
    last = promotions - 1 if promotions % 2 == 0 else promotions
    if not (found["new"]["revision"].startswith(f"{last}-v") and "Passed over" in found["new"]["revisionComment"]):
        raise UnexpectedAnswerError(f"the newest promotion was not found, but {found['new']}")
    if found["first"]["data"]["PROMOTION"] != str(promotions - promotions % 2):
        raise UnexpectedAnswerError(f"the newest run was not found, but {found['first']}")


MEASURES = (
    Measure(
        "gocd",
        tuple(
            Figure(f"gocd_{key}{suffix}", f"100,000 promotions: {title}{of}", "ms", "less")
            for key, title in _TITLES.items()
            for suffix, of in (("_cpu", ", of processors"), ("", ""))
        ),
        gocd,
        servers=("trackback", "trackback-postgres"),
        apart=True,
    ),
)
