"""The pages of models, promotions, deployments and traces, where there are many: what the server takes for each."""

from collections.abc import Mapping
from urllib.parse import urlencode

from benchmarks import descended, promoted
from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.measures.lineage import await_index
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all
from benchmarks.messages import page
from benchmarks.percentiles import percentile
from benchmarks.servers import Server
from benchmarks.servers.trackback import TrackbackServer

_MODEL = f"/registry/{promoted.MODEL}"
PROMOTED: dict[str, tuple[str, str]] = {
    "models": ("the list of models", "/registry"),
    "model": ("a model with 1,000 versions and 50,000 promotions", _MODEL),
    "version": ("a version", f"{_MODEL}/7"),
    "changes": ("a version's changes", f"{_MODEL}/7/changes"),
    "delivery": ("a version's delivery", f"{_MODEL}/7/delivery"),
    "promotions": ("the log of 100,000 promotions", "/promotions"),
    "promotion": ("a promotion", "/promotions/7"),
}
DEPLOYED: dict[str, tuple[str, str]] = {
    "live": ("what is live, of 10,000 deployments", "/deployments"),
    "past": ("what was live at a time", "/deployments?at=2026-01-01"),
    "trace": ("the trace of an image", f"/trace?{urlencode({'of': descended.image(7)})}"),
    "impact": ("all that came of a data set", f"/trace?{urlencode({'of': descended.COMMON})}"),
}


def promotion_pages(context: Context, server: Server) -> Round:
    """The server's database is filled while the server is stopped."""
    assert isinstance(server, TrackbackServer)
    server.stop()
    promoted.load(server.database(), context.sizes.promotions)
    server.start()
    return _round(context, server, PROMOTED)


def deployment_pages(context: Context, server: Server) -> Round:
    assert isinstance(server, TrackbackServer)
    server.stop()
    descended.load(server.database(), context.sizes.many_searched_runs, context.sizes.descended_versions)
    server.start()
    with server.connect() as setup:
        await_index(setup)
    return _round(context, server, DEPLOYED)


def _round(context: Context, server: Server, pages: Mapping[str, tuple[str, str]]) -> Round:
    requests = {key: page(path) for key, (_, path) in pages.items()}
    with server.connect() as setup:
        for key, request in requests.items():
            if b"<main" not in setup.expect(request):
                raise UnexpectedAnswerError(f"nothing on the page of {key}")

    def run_round(connection: Connection) -> dict[str, float]:
        return {
            f"delivery_page_{key}": percentile(
                call_all(connection, [request] * context.sizes.searches, context.sizes.seconds), 50
            )
            * 1e3
            for key, request in requests.items()
        }

    return run_round


def _figures(pages: Mapping[str, tuple[str, str]]) -> tuple[Figure, ...]:
    return tuple(Figure(f"delivery_page_{key}", f"a page: {title}", "ms", "less") for key, (title, _) in pages.items())


MEASURES = (
    Measure("promotion-pages", _figures(PROMOTED), promotion_pages, servers=("trackback", "trackback-postgres")),
    Measure("deployment-pages", _figures(DEPLOYED), deployment_pages, servers=("trackback", "trackback-postgres")),
)
