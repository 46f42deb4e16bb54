"""What the scripts of charts ask for: curves of metrics, how they stand, and their names."""

from collections.abc import Sequence
from math import isfinite

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, RunStatus
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server.ui.frame.rendering import data, data_source
from trackback.server.ui.frame.routes import shows
from trackback.services import Services
from trackback.services.charts import INTERVALS, Axis, RunCurve, Window


class CurveAnswer(msgspec.Struct):
    """Points by columns, in the order that they are drawn in: steps, milliseconds since the epoch, values (null: NaN).

    ``shift`` is taken from times where the axis is relative. ``means`` are those of stretches, drawn at ``mean_x``.
    ``whole``: these are all the points that there are. ``extent``: from where to where the whole series goes.
    """

    run: str
    name: str
    status: RunStatus
    key: str
    version: str
    shift: int
    whole: bool
    points: int
    nans: int
    extent: tuple[float, float] | None
    steps: list[int]
    times: list[int]
    values: list[float]
    mean_x: list[float]
    means: list[float]


@data_source
async def show_series(services: Services, actor: Actor, request: Request) -> Response:
    query = request.query_params
    found = await services.charts.curves(
        actor,
        query.getlist("run"),
        query.getlist("key"),
        axis=axis_of(query.get("axis", "")),
        window=window_of(query.get("from", ""), query.get("to", "")),
        intervals=_number(query.get("intervals") or str(INTERVALS)),
    )
    return data({"curves": [_answer(each) for each in found]})


@data_source
async def show_versions(services: Services, actor: Actor, request: Request) -> Response:
    query = request.query_params
    found = await services.charts.versions(actor, query.getlist("run"), query.getlist("key"))
    return data(
        {"runs": [{"run": each.run.run_id, "status": each.run.status, "keys": each.versions} for each in found]}
    )


@data_source
async def show_names(services: Services, actor: Actor, request: Request) -> Response:
    query = request.query_params
    found = await services.charts.names(actor, query.getlist("run"), contains=query.get("q", ""))
    return data({"names": found.names, "more": found.more})


def axis_of(text: str) -> Axis:
    try:
        return Axis(text or Axis.STEP)
    except ValueError:
        raise InvalidParameter(f"Invalid axis {shown(text)}. It is one of {', '.join(Axis)}.") from None


def window_of(start: str, stop: str) -> Window | None:
    """Both ends, or neither. Raises InvalidParameter for what is no number, or no stretch."""
    if not start and not stop:
        return None
    try:
        window = Window(float(start), float(stop))
    except ValueError:
        window = None
    if window is None or not all(map(isfinite, window)) or window.start >= window.stop:
        raise InvalidParameter(f"Invalid stretch from {shown(start)} to {shown(stop)}: give two numbers that rise.")
    return window


def _answer(found: RunCurve) -> CurveAnswer:
    curve, shift = found.curve, found.shift
    extent = curve.extent
    return CurveAnswer(
        run=found.run.run_id,
        name=found.run.run_name,
        status=found.run.status,
        key=found.key,
        version=found.version,
        shift=shift,
        whole=curve.whole,
        points=curve.points,
        nans=curve.nans,
        extent=(extent.start - shift, extent.stop - shift) if extent else None,
        steps=curve.series.steps.tolist(),
        times=curve.series.timestamps_ms.tolist(),
        values=curve.series.values.tolist(),
        mean_x=_rounded((curve.mean_places - shift).tolist()),
        means=curve.means.tolist(),
    )


def _rounded(places: Sequence[float]) -> list[float]:
    return [round(place, 3) for place in places]


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 9:
        return int(text)
    raise InvalidParameter(f"Invalid number of intervals {shown(text)}.")


ROUTES = [
    shows("/ui/series", show_series),
    shows("/ui/series/versions", show_versions),
    shows("/ui/series/names", show_names),
]
