"""Runs compared, and anything searched for, among many runs: what the server takes to write each page."""

from urllib.parse import urlencode

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.datasets import Search, metric_key, param_key
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all
from benchmarks.messages import page
from benchmarks.percentiles import percentile
from benchmarks.servers import Server
from benchmarks.tracking import search_runs

COMPARED = 500
_X, _Y = f"params.{param_key(2)}", f"metrics.{metric_key(1)}"

PAGES: dict[str, tuple[str, str, dict[str, str | list[str]]]] = {
    "compare_values": ("500 runs compared", "/compare", {}),
    "compare_charts": ("500 runs, the page of their curves", "/compare", {"tab": "charts"}),
    "compare_scatter": ("the points of 500 runs", "/ui/compare/scatter", {"x": _X, "y": _Y}),
    "compare_parallel": ("the lines of 500 runs", "/ui/compare/parallel", {"dim": [_X, _Y]}),
    "compare_made_of": ("the packages and data of 500 runs", "/compare", {"tab": "made-of"}),
}
SEARCHES = {
    "find_name": ("search box: part of a name", "bench"),
    "find_id": ("search box: the beginning of an id", "{id}"),
    "find_value": ("search box: a value of a param", "optimizer-3"),
    "find_nothing": ("search box: nothing by that name", "no such thing"),
}
_TITLES = {key: title for key, (title, *_) in (*PAGES.items(), *SEARCHES.items())}


def comparison_pages(context: Context, server: Server) -> Round:
    experiment_id = context.datasets.experiment(server, context.sizes.many_searched_runs)
    with server.connect() as setup:
        found = search_runs(setup, Search("", lambda _: True, max_results=COMPARED).request(experiment_id))
        ids = [run["info"]["run_id"] for run in found]
        named = ",".join(ids)
        requests = {
            key: page(f"{path}?{urlencode({'run': named, **query}, doseq=True, safe=',')}")
            for key, (_, path, query) in PAGES.items()
        }
        requests |= {
            key: page(f"/search/suggestions?{urlencode({'q': text.format(id=ids[0][:8])})}")
            for key, (_, text) in SEARCHES.items()
        }
        for key, request in requests.items():
            answer = setup.expect(request)
            if key in PAGES and not any(run_id.encode() in answer for run_id in ids):  # some lack what is drawn
                raise UnexpectedAnswerError(f"{key} is of none of the runs that were asked for")

    def run_round(connection: Connection) -> dict[str, float]:
        return {
            f"page_{key}": percentile(
                call_all(connection, [request] * context.sizes.searches, context.sizes.seconds), 50
            )
            * 1e3
            for key, request in requests.items()
        }

    return run_round


MEASURES = (
    Measure(
        "comparison-pages",
        tuple(Figure(f"page_{key}", f"among 100,000 runs: {title}", "ms", "less") for key, title in _TITLES.items()),
        comparison_pages,
        servers=("trackback", "trackback-postgres"),
    ),
)
