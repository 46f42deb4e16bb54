"""A page of charts, one a metric, or a table of them: its state, which is in its URL."""

from collections.abc import Sequence
from typing import NamedTuple, Self
from urllib.parse import urlencode

from starlette.requests import Request

from trackback.server.ui.charts.series_data import axis_of, window_of
from trackback.services.charts import Axis, LatestMetric

CHARTS = 24
_KEPT = ("axis", "log", "smooth", "from", "to", "q", "view")


class Chart(NamedTuple):
    metric: LatestMetric
    source: str


class MetricCharts(NamedTuple):
    """``metrics`` are those of the page, ``charts`` their charts.

    ``state`` is what the URL says; ``in_all`` counts the metrics that its ``q`` finds. ``first`` counts from 0.
    """

    path: str
    state: dict[str, str]
    axis: Axis
    metrics: list[LatestMetric]
    charts: list[Chart]
    first: int
    in_all: int

    @classmethod
    def of(cls, request: Request, run_ids: Sequence[str], metrics: Sequence[LatestMetric], *, axis: str) -> Self:
        """Raises InvalidParameter for a URL that no page leads to."""
        query = request.query_params
        state = {name: query[name] for name in _KEPT if query.get(name)}
        window_of(state.get("from", ""), state.get("to", ""))
        chosen = axis_of(state.get("axis", axis))
        wanted = state.get("q", "").strip().casefold()
        found = [each for each in metrics if wanted in each.key.casefold()]
        text = query.get("first", "")
        first = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
        page = found if state.get("view") == "table" else found[first : first + CHARTS]
        charts = [Chart(each, _source(run_ids, each.key)) for each in page]
        return cls(request.url.path, state, chosen, page, charts, first, len(found))

    @property
    def shows_table(self) -> bool:
        return self.state.get("view") == "table"

    def url(self, **changes: object) -> str:
        """The same page with some of its state changed; None takes it away."""
        state = {name: value for name, value in {**self.state, **changes}.items() if value is not None}
        return f"{self.path}?{urlencode(state)}" if state else self.path

    @property
    def previous_url(self) -> str | None:
        if not self.first or self.shows_table:
            return None
        return self.url(first=self.first - CHARTS if self.first > CHARTS else None)

    @property
    def next_url(self) -> str | None:
        last = self.first + CHARTS
        return self.url(first=last) if last < self.in_all and not self.shows_table else None


def _source(run_ids: Sequence[str], key: str) -> str:
    return f"/ui/series?{urlencode([*(('run', run_id) for run_id in run_ids), ('key', key)])}"
