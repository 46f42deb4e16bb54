"""The state of the page that compares runs, which is its URL: which runs, and what of them is shown."""

import re
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from starlette.requests import Request

from trackback import limits
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.search import Aggregate
from trackback.services.comparisons import Selection

PATH = "/compare"
TABS = {
    "values": "Values",
    "charts": "Charts",
    "parallel": "Parallel coordinates",
    "scatter": "Scatter",
    "box": "Box plots",
    "code": "Code",
    "made-of": "Data and packages",
}

_LISTS = {"run": "runs", "experiment": "experiments", "order_by": "order_by", "metric": "metrics", "dim": "axes"}
_TEXTS = ("filter", "tab", "find", "value", "x", "y", "color", "by", "a", "b")
_FEW = 50
_OF_CHARTS = ("axis", "log", "smooth", "from", "to")
_MOST_OFFSET = 10_000
_SEPARATORS = re.compile(r"[,\s]+")


@dataclass(frozen=True)
class ComparisonState:
    """``runs`` are ids; ``experiments`` and ``filter`` find others. ``everything``: also what does not differ.

    ``at``: the first run of those that a table has columns for; ``a`` and ``b`` the two whose files are compared.
    ``metrics`` are charted, ``axes`` and ``x``, ``y``, ``color`` and ``by`` are fields, as ``params.depth``.
    ``of_charts`` is what a script keeps in the URL of how curves are drawn.
    """

    runs: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    filter: str = ""
    order_by: tuple[str, ...] = ()
    tab: str = "values"
    everything: bool = False
    find: str = ""
    value: str = Aggregate.LAST
    at: int = 0
    metrics: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    x: str = ""
    y: str = ""
    color: str = ""
    by: str = ""
    a: str = ""
    b: str = ""
    of_charts: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, request: Request) -> Self:
        """Raises InvalidParameter for a URL that no page leads to."""
        query = request.query_params

        def several(name: str) -> tuple[str, ...]:
            return tuple(filter(None, query.getlist(name)))

        runs = (each for text in several("run") for each in _SEPARATORS.split(text) if each)
        state = cls(
            runs=tuple(dict.fromkeys(runs)),
            experiments=several("experiment"),
            filter=query.get("filter", ""),
            order_by=several("order_by"),
            tab=query.get("tab") or "values",
            everything=query.get("all") == "1",
            find=query.get("find", ""),
            value=query.get("value") or Aggregate.LAST,
            at=_offset(query.get("at") or "0"),
            metrics=several("metric"),
            axes=several("dim"),
            x=query.get("x", ""),
            y=query.get("y", ""),
            color=query.get("color", ""),
            by=query.get("by", ""),
            a=query.get("a", ""),
            b=query.get("b", ""),
            of_charts=tuple((name, query[name]) for name in _OF_CHARTS if query.get(name)),
        )
        if state.tab not in TABS:
            raise InvalidParameter(f"There is no tab {shown(state.tab)}. It is one of {', '.join(TABS)}.")
        if state.value not in list(Aggregate):
            raise InvalidParameter(f"Invalid value {shown(state.value)}. It is one of {', '.join(Aggregate)}.")
        if state.filter and not state.experiments:
            raise InvalidParameter("A filter finds runs in experiments: say in which, as experiment=1.")
        return state

    @property
    def selection(self) -> Selection:
        return Selection(self.runs, self.experiments, self.filter, self.order_by)

    @property
    def aggregate(self) -> Aggregate:
        return Aggregate(self.value)

    def url(self, path: str = PATH, **changes: Any) -> str:
        """The URL of the page with some of its state changed; only what differs from the default is in it."""
        pairs = self.pairs(**changes)
        return f"{path}?{urlencode(pairs, safe=',')}" if pairs else path

    def pairs(self, *, without: tuple[str, ...] = (), **changes: Any) -> list[tuple[str, str]]:
        """The names and values of the URL's query, but for some names: what a form sends along.

        All ids of runs are one value: 500 of them are in each link of a page.
        """
        state, plain = replace(self, **changes), ComparisonState()
        found = [("run", ",".join(state.runs))] if state.runs else []
        found += [(name, each) for name, field in _LISTS.items() if name != "run" for each in getattr(state, field)]
        found += [(name, getattr(state, name)) for name in _TEXTS if getattr(state, name) != getattr(plain, name)]
        found += state.of_charts
        found += [("all", "1")] if state.everything else []
        found += [("at", str(state.at))] if state.at else []
        return [(name, value) for name, value in found if name not in without]

    def without_run(self, run_id: str) -> str:
        """The URL of the same without one of the runs that it names; empty where it names it not, or too many."""
        if run_id not in self.runs or len(self.runs) > _FEW:
            return ""
        return self.url(runs=tuple(each for each in self.runs if each != run_id), at=0)


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= _MOST_OFFSET):
        raise InvalidParameter(f"Invalid place {shown(text)}. It is from 0 to {limits.COMPARED_RUNS}.")
    return int(text)
