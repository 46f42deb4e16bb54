"""A run's pages, in an experiment with many runs: what the server takes to write each."""

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.datasets import Search
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all
from benchmarks.messages import page
from benchmarks.percentiles import percentile
from benchmarks.servers import Server
from benchmarks.tracking import search_runs

_TABS = {
    "overview": "",
    "params": "/params",
    "metrics": "/metrics",
    "data": "/data",
    "code": "/code",
    "environment": "/environment",
    "artifacts": "/artifacts",
}


def run_pages(context: Context, server: Server) -> Round:
    experiment_id = context.datasets.experiment(server, context.sizes.many_searched_runs)
    with server.connect() as setup:
        found = search_runs(setup, Search("", lambda _: True, max_results=1).request(experiment_id))
        run_id = found[0]["info"]["run_id"]
        requests = {tab: page(f"/runs/{run_id}{path}") for tab, path in _TABS.items()}
        for request in requests.values():
            if run_id.encode() not in setup.expect(request):
                raise UnexpectedAnswerError(f"a page that is not of the run {run_id}")

    def run_round(connection: Connection) -> dict[str, float]:
        return {
            f"run_page_{tab}": percentile(
                call_all(connection, [request] * context.sizes.searches, context.sizes.seconds), 50
            )
            * 1e3
            for tab, request in requests.items()
        }

    return run_round


MEASURES = (
    Measure(
        "run-pages",
        tuple(Figure(f"run_page_{tab}", f"a run's page, of 100,000 runs: {tab}", "ms", "less") for tab in _TABS),
        run_pages,
        servers=("trackback", "trackback-postgres"),
    ),
)
