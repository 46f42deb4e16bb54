"""The page that compares runs, tab by tab, and the data that its charts draw."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Experiment
from trackback.errors import InvalidParameter, TrackbackError, UnknownEndpoint
from trackback.limits import shown
from trackback.server.ui.charts.series_data import axis_of
from trackback.server.ui.comparison import charts
from trackback.server.ui.comparison.state import PATH, TABS, ComparisonState
from trackback.server.ui.comparison.table import WIDTH, View, differs, fields, tabulate
from trackback.server.ui.frame.rendering import data, page, render
from trackback.server.ui.frame.routes import shows
from trackback.server.ui.runs.commits import compare_url
from trackback.services import Services
from trackback.services.charts import MOST_CURVES, SYSTEM
from trackback.services.comparisons import Comparison

CHARTS = "/ui/compare"
NUMBERS = ("params", "metrics")
_METRICS_AT_FIRST = 4
_AXES_AT_FIRST = 6

Values = dict[str, Any]


@page
async def show_comparison(services: Services, actor: Actor, request: Request) -> Response:
    state = ComparisonState.of(request)
    read, describe = _TABS[state.tab]
    try:
        compared = await read(services, actor, state)
        told = await describe(services, actor, state, compared)
    except InvalidParameter as error:
        return await _rendered(state, Comparison((), (), False, {}), {}, error)
    return await _rendered(state, compared, told, None, await _experiment(services, actor, compared))


async def _experiment(services: Services, actor: Actor, compared: Comparison) -> Experiment | None:
    """The one that all of the runs are of."""
    numbers = {run.experiment_id for run in compared.runs}
    return await services.experiments.get(actor, numbers.pop()) if len(numbers) == 1 else None


async def _rendered(
    state: ComparisonState,
    compared: Comparison,
    told: Values,
    problem: TrackbackError | None,
    experiment: Experiment | None = None,
) -> Response:
    count = len(compared.runs)
    at = min(state.at, max(count - 1, 0))
    return await render(
        "comparison/compare.html",
        problem.status if problem else 200,
        state=state,
        tabs=[(key, title, state.url(tab=key)) for key, title in TABS.items()],
        compared=compared,
        experiment=experiment,
        count=count,
        at=at,
        width=WIDTH,
        columns=compared.runs[at : at + WIDTH],
        refused=problem.message if problem else "",
        told=told,
    )


async def _logged(services: Services, actor: Actor, state: ComparisonState) -> Comparison:
    return await services.comparisons.logged(actor, state.selection, aggregate=state.aggregate)


async def _numbers(services: Services, actor: Actor, state: ComparisonState) -> Comparison:
    return await services.comparisons.logged(actor, state.selection, parts=NUMBERS, aggregate=state.aggregate)


async def _drawn(services: Services, actor: Actor, state: ComparisonState) -> Comparison:
    """Only what a chart is drawn of."""
    names = charts.named((state.x, state.y, state.color, state.by, *state.axes))
    return await services.comparisons.logged(
        actor, state.selection, parts=NUMBERS, aggregate=state.aggregate, names=names
    )


async def _metrics(services: Services, actor: Actor, state: ComparisonState) -> Comparison:
    return await services.comparisons.logged(actor, state.selection, parts=("metrics",))


async def _made_of(services: Services, actor: Actor, state: ComparisonState) -> Comparison:
    return await services.comparisons.made_of(actor, state.selection)


async def _show_values(services: Services, actor: Actor, state: ComparisonState, compared: Comparison) -> Values:
    return {"parts": await _tabulated(state, compared, compared.parts)}


async def _show_charts(services: Services, actor: Actor, state: ComparisonState, compared: Comparison) -> Values:
    metrics = compared.parts["metrics"]
    names = sorted(metrics, key=lambda name: (name.startswith(SYSTEM), -len(metrics[name]), name))
    chosen = state.metrics or tuple(names[:_METRICS_AT_FIRST])
    drawn = [run.run_id for run in compared.runs[:MOST_CURVES]]
    pairs = [("run", run_id) for run_id in drawn]
    curves = defaultdict(str, state.of_charts)
    return {
        "names": sorted(names),
        "chosen": chosen,
        "sources": [(name, f"/ui/series?{urlencode([*pairs, ('key', name)])}") for name in chosen if name in metrics],
        "left_out": len(compared.runs) - len(drawn),
        "curves": curves,
        "axis": axis_of(curves["axis"]),
    }


async def _show_parallel(services: Services, actor: Actor, state: ComparisonState, compared: Comparison) -> Values:
    names = _fields(compared)
    chosen = state.axes or _first_axes(compared)
    return {"names": names, "chosen": chosen, "source": state.url(f"{CHARTS}/parallel", axes=chosen, tab="values")}


async def _show_scatter(services: Services, actor: Actor, state: ComparisonState, compared: Comparison) -> Values:
    names = _fields(compared)
    x = state.x or _first(names, "params.", "metrics.") or charts.START
    y = state.y or next((name for name in names if name.startswith("metrics.") and name != x), charts.DURATION)
    source = state.url(f"{CHARTS}/scatter", x=x, y=y, tab="values")
    return {"names": names, "x": x, "y": y, "color": state.color, "source": source}


async def _show_boxes(services: Services, actor: Actor, state: ComparisonState, compared: Comparison) -> Values:
    names = _fields(compared)
    metric = state.y or _first(names, "metrics.")
    by = state.by or _first(names, "params.")
    source = state.url(f"{CHARTS}/box", y=metric, by=by, tab="values") if metric and by else ""
    return {
        "metrics": [name for name in names if name.startswith("metrics.")],
        "params": [name for name in names if name.startswith("params.")],
        "metric": metric,
        "by": by,
        "source": source,
    }


async def _show_code(services: Services, actor: Actor, state: ComparisonState, compared: Comparison) -> Values:
    parts = {"code": compared.parts["code"]}
    told: Values = {"parts": await _tabulated(state, compared, parts), "pair": None, "files": [], "commits": ""}
    if pair := _pair(state, compared):
        a, b = (compared.runs[place] for place in pair)
        code = compared.parts["code"]
        told["pair"] = (a, b)
        told["files"] = await services.run_pairs.code(actor, a.run_id, b.run_id)
        told["commits"] = compare_url(*({name: code[name].get(place) for name in code} for place in pair))
    return told


async def _show_made_of(services: Services, actor: Actor, state: ComparisonState, compared: Comparison) -> Values:
    parts = {part: compared.parts[part] for part in ("data", "packages", "environment")}
    told: Values = {"parts": await _tabulated(state, compared, parts), "pair": None, "columns": []}
    if pair := _pair(state, compared):
        a, b = (compared.runs[place] for place in pair)
        columns = await services.run_pairs.columns(actor, a.run_id, b.run_id)
        told["pair"] = (a, b)
        told["columns"] = tabulate({"data": columns}, View(2))[0].rows
    return told


@page
async def show_chart(services: Services, actor: Actor, request: Request) -> Response:
    """Data of one of the charts, as JSON; a refusal too."""
    kind = request.path_params["chart"]
    if kind not in _CHARTS:
        raise UnknownEndpoint(f"There is no chart {shown(kind)}. It is one of {', '.join(_CHARTS)}.")
    try:
        state = ComparisonState.of(request)
        compared = await _drawn(services, actor, state)
        return data(await asyncio.to_thread(_CHARTS[kind], state, compared))
    except TrackbackError as error:
        return data({"message": error.message}, error.status)


async def _tabulated(state: ComparisonState, compared: Comparison, parts: Any) -> Any:
    view = View(len(compared.runs), state.at, state.everything or len(compared.runs) < 2, state.find)
    return await asyncio.to_thread(tabulate, parts, view)


def _fields(compared: Comparison) -> list[str]:
    return [*fields(compared.parts, len(compared.runs), NUMBERS), *charts.OF_RUNS]


def _first(names: Sequence[str], *beginnings: str) -> str:
    return next((name for start in beginnings for name in names if name.startswith(start)), "")


def _first_axes(compared: Comparison) -> tuple[str, ...]:
    """Some params that differ, and a metric, which lines are coloured by."""
    count = len(compared.runs)
    params = [f"params.{name}" for name, column in compared.parts["params"].items() if differs(column, count)]
    own = {name: column for name, column in compared.parts["metrics"].items() if not name.startswith(SYSTEM)}
    metrics = [f"metrics.{name}" for name, column in own.items() if differs(column, count)]
    return (*params[:_AXES_AT_FIRST], *(metrics[:2] if len(params) < _AXES_AT_FIRST else metrics[:1]))


def _pair(state: ComparisonState, compared: Comparison) -> tuple[int, int] | None:
    """The places of the two runs whose files are compared: those chosen, else the first ones."""
    if len(compared.runs) < 2:
        return None
    places = {run.run_id: place for place, run in enumerate(compared.runs)}
    a = places.get(state.a, 0)
    return a, places.get(state.b, 1 if a != 1 else 0)


_Read = Callable[[Services, Actor, ComparisonState], Awaitable[Comparison]]
_Describe = Callable[[Services, Actor, ComparisonState, Comparison], Awaitable[Values]]

_TABS: dict[str, tuple[_Read, _Describe]] = {
    "values": (_logged, _show_values),
    "charts": (_metrics, _show_charts),
    "parallel": (_numbers, _show_parallel),
    "scatter": (_numbers, _show_scatter),
    "box": (_numbers, _show_boxes),
    "code": (_made_of, _show_code),
    "made-of": (_made_of, _show_made_of),
}

_CHARTS: dict[str, Callable[[ComparisonState, Comparison], object]] = {
    "parallel": lambda state, compared: charts.parallel(compared, state.axes),
    "scatter": lambda state, compared: charts.scatter(compared, state.x, state.y, state.color),
    "box": lambda state, compared: charts.boxes(compared, state.y, state.by),
}

ROUTES = [
    shows(PATH, show_comparison),
    shows(f"{CHARTS}/{{chart}}", show_chart),
]
