"""Searches over many runs."""

from collections.abc import Mapping

from benchmarks.connection import Connection
from benchmarks.datasets import KEYS, Search, expect_found, metric_key, param_key
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all
from benchmarks.percentiles import percentile
from benchmarks.servers import Server

_TERMS = 80

SEARCHES = {
    "filter": Search(
        "metrics.metric_00 > 0.5 AND params.optimizer = 'optimizer-3'",
        lambda run: run.metrics[0] > 0.5 and run.optimizer == "optimizer-3",
        order_by=("metrics.metric_01 DESC",),
        key=lambda run: run.metrics[1],
    ),
    "first_page": Search("", lambda _: True),
    "tag": Search("tags.team = 'team-07'", lambda run: run.team == "team-07"),
    "like": Search("params.setting LIKE '%g-17%'", lambda run: run.setting.startswith("setting-17")),
    "page_1000": Search("", lambda _: True, max_results=1_000),
}
_TITLES = {
    "filter": "metric and param filter, ordered by a metric",
    "first_page": "first page of 100",
    "tag": "filter on a tag",
    "like": "LIKE on a param",
    "page_1000": "page of 1,000",
}

# Terms that every run satisfies, so that they narrow nothing down and each of them has to be tested.
_BROAD_TERMS = [f"metrics.{metric_key(number)} {test}" for test in (">= 0", "<= 1", "!= 2") for number in range(KEYS)]
_BROAD_TERMS += [f"params.{param_key(number)} != 'none'" for number in range(2, KEYS)]
_BROAD_TERMS += ["params.optimizer LIKE 'optimizer-%'", "tags.source = 'benchmarks'"]
_SELECTIVE_TERM = "params.setting = 'setting-042'"

TERMS = {
    "one_term": Search(_SELECTIVE_TERM, lambda run: run.setting == "setting-042"),
    "many_terms": Search(
        " AND ".join([*_BROAD_TERMS[: _TERMS - 1], _SELECTIVE_TERM]), lambda run: run.setting == "setting-042"
    ),
    "one_broad_term": Search(_BROAD_TERMS[0], lambda _: True),
    "many_broad_terms": Search(" AND ".join(_BROAD_TERMS[:_TERMS]), lambda _: True),
}


def searches(context: Context, server: Server) -> Round:
    return _timed(context, server, context.sizes.searched_runs, {f"search_{key}": s for key, s in SEARCHES.items()})


def searches_of_many_runs(context: Context, server: Server) -> Round:
    wanted = {f"search_many_{key}": search for key, search in SEARCHES.items()}
    return _timed(context, server, context.sizes.many_searched_runs, wanted)


def terms(context: Context, server: Server) -> Round:
    return _timed(context, server, context.sizes.many_searched_runs, {f"search_{key}": s for key, s in TERMS.items()})


def _timed(context: Context, server: Server, runs: int, wanted: Mapping[str, Search]) -> Round:
    """Each search is checked once against what it must find; a round then takes the median of its times."""
    experiment_id = context.datasets.experiment(server, runs)
    with server.connect() as setup:
        for search in wanted.values():
            expect_found(setup, experiment_id, search, context.datasets.runs(runs))
    requests = {key: search.request(experiment_id) for key, search in wanted.items()}

    def run_round(connection: Connection) -> dict[str, float]:
        return {
            key: percentile(call_all(connection, [request] * context.sizes.searches, context.sizes.seconds), 50) * 1e3
            for key, request in requests.items()
        }

    return run_round


MEASURES = (
    Measure(
        "search",
        tuple(Figure(f"search_{key}", f"search over 10,000 runs: {_TITLES[key]}", "ms", "less") for key in SEARCHES),
        searches,
    ),
    Measure(
        "search-many",
        tuple(
            Figure(f"search_many_{key}", f"search over 100,000 runs: {_TITLES[key]}", "ms", "less") for key in SEARCHES
        ),
        searches_of_many_runs,
        servers=("trackback", "trackback-postgres"),
    ),
    Measure(
        "terms",
        (
            Figure("search_one_term", "search over 100,000 runs: one selective term", "ms", "less"),
            Figure("search_many_terms", "search over 100,000 runs: 80 terms, one selective", "ms", "less"),
            Figure("search_one_broad_term", "search over 100,000 runs: one term all satisfy", "ms", "less"),
            Figure("search_many_broad_terms", "search over 100,000 runs: 80 terms all satisfy", "ms", "less"),
        ),
        terms,
        servers=("trackback", "trackback-postgres"),
    ),
)
