"""Charts of a series of ten million points: what the server takes for the whole of it, and for stretches of it."""

import json
import time
from urllib.parse import urlencode

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.metrics import call_all, log_history
from benchmarks.messages import page
from benchmarks.percentiles import percentile
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, create_run

_BATCH = 1_000
_SETTLE_S = 120
_STRETCHES = {"whole": 1.0, "tenth": 0.1, "hundredth": 0.01, "thousandth": 0.001}


def charts(context: Context, server: Server) -> Round:
    """A chart of a long series, then zoomed into: each is asked for as a browser does, 400 intervals at once."""
    points = context.sizes.long_history_points
    with server.connect() as setup:
        run_id = create_run(setup, create_experiment(setup)).run_id
        log_history(setup, run_id, range(points // _BATCH))
        requests = {key: _request(run_id, points, part) for key, part in _STRETCHES.items()}
        _expect_all(setup, requests["whole"], points)
        _settle(setup, requests["whole"])

    def run_round(connection: Connection) -> dict[str, float]:
        return {
            f"chart_{key}": percentile(call_all(connection, [request] * context.sizes.searches, 4.0), 50) * 1e3
            for key, request in requests.items()
        }

    return run_round


def _request(run_id: str, points: int, part: float) -> bytes:
    middle = points / 2
    window = {} if part == 1 else {"from": middle * (1 - part), "to": middle * (1 + part)}
    return page(f"/ui/series?{urlencode({'run': run_id, 'key': 'loss', 'intervals': 400, **window})}")


def _expect_all(connection: Connection, request: bytes, points: int) -> None:
    (curve,) = json.loads(connection.expect(request))["curves"]
    if curve["points"] != points or not 400 <= len(curve["values"]) <= 1202:
        raise UnexpectedAnswerError(
            f"a chart of {len(curve['values'])} of {curve['points']} points, {points} were sent"
        )


def _settle(connection: Connection, request: bytes) -> None:
    """Wait until what was logged last is sealed, as it is in a run that is looked at later."""
    end = time.perf_counter() + _SETTLE_S
    last = float("inf")
    while time.perf_counter() < end:
        began = time.perf_counter()
        connection.expect(request)
        took = time.perf_counter() - began
        if took > 0.9 * last:
            return
        last = took
        time.sleep(2)


MEASURES = (
    Measure(
        "charts",
        (
            Figure("chart_whole", "chart of 10 million points", "ms", "less"),
            Figure("chart_tenth", "chart of 10 million points: a tenth of it", "ms", "less"),
            Figure("chart_hundredth", "chart of 10 million points: a hundredth of it", "ms", "less"),
            Figure("chart_thousandth", "chart of 10 million points: a thousandth of it", "ms", "less"),
        ),
        charts,
        servers=("trackback", "trackback-postgres"),
    ),
)
