"""The pages of an experiment with many runs: what the server takes to write each, and to export all of them."""

import time
from urllib.parse import urlencode

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.datasets import metric_key, param_key
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all
from benchmarks.messages import page
from benchmarks.percentiles import percentile
from benchmarks.servers import Server

_FILTER = "metrics.metric_00 > 0.5 AND params.optimizer = 'optimizer-3'"
_BY_METRIC = [("order_by", f"metrics.{metric_key(1)} DESC")]
_CHOSEN = [("columns", "start_time"), *(("columns", f"max(metrics.{metric_key(number)})") for number in range(5))]

PAGES: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "runs": ("the first page of runs", "", []),
    "filter": ("runs that a filter matches, by a metric", "", [("filter", _FILTER), *_BY_METRIC]),
    "columns": ("200 runs with chosen columns", "", [("rows", "200"), *_CHOSEN]),
    "nested": ("runs that are in no other", "", [("nested", "yes")]),
    "group": ("groups by a param", "", [("group", "params.optimizer"), *_CHOSEN]),
    "chooser": ("the columns to choose from", "/columns", []),
    "completion": ("values of a param, to complete a filter", "/completions", [("text", f"params.{param_key(1)} = '")]),
}


def experiment_pages(context: Context, server: Server) -> Round:
    experiment_id = context.datasets.experiment(server, context.sizes.many_searched_runs)
    requests = {
        key: page(f"/experiments/{experiment_id}{path}?{urlencode(query)}") for key, (_, path, query) in PAGES.items()
    }
    export = page(f"/experiments/{experiment_id}/export/csv?{urlencode([('columns', 'params.optimizer')])}")
    with server.connect() as setup:
        for key, request in requests.items():
            if len(setup.expect(request)) < 20:
                raise UnexpectedAnswerError(f"nothing on the page of {key}")
        if (lines := setup.expect(export).count(b"\n")) != context.sizes.many_searched_runs + 1:
            raise UnexpectedAnswerError(f"{lines} lines in the export")

    def run_round(connection: Connection) -> dict[str, float]:
        figures = {
            f"experiment_page_{key}": percentile(
                call_all(connection, [request] * context.sizes.searches, context.sizes.seconds), 50
            )
            * 1e3
            for key, request in requests.items()
        }
        started = time.perf_counter()
        connection.expect(export)
        return figures | {"export_rate": context.sizes.many_searched_runs / (time.perf_counter() - started)}

    return run_round


MEASURES = (
    Measure(
        "experiment-pages",
        (
            *(
                Figure(f"experiment_page_{key}", f"an experiment of 100,000 runs: {title}", "ms", "less")
                for key, (title, _, _) in PAGES.items()
            ),
            Figure("export_rate", "100,000 runs exported as CSV", "runs/s", "more"),
        ),
        experiment_pages,
        servers=("trackback", "trackback-postgres"),
    ),
)
