"""What is noted of every request: counts and durations for /metrics, and a line of log where that is wanted."""

import logging
from bisect import bisect_left
from typing import NamedTuple

from starlette.types import Scope

from trackback.server.request_ids import request_id

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

log = logging.getLogger("trackback.access")


class Kind(NamedTuple):
    """Requests that are counted together; ``route`` is the path of the route."""

    route: str
    method: str
    status: int


class Durations:
    """How many requests took so long: a number for each bucket, the last one without a bound."""

    __slots__ = ("buckets", "total_s")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds


class RequestStatistics(dict[Kind, Durations]):
    """Counted on the event loop only, so without the locks that prometheus-client's own histograms take."""

    def __missing__(self, kind: Kind) -> Durations:
        return self.setdefault(kind, Durations())


class Observer:
    """Is told of each request when it has been answered."""

    def __init__(self, statistics: RequestStatistics, *, log_requests: bool) -> None:
        self._statistics = statistics
        self._log_requests = log_requests

    def __call__(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        self._statistics[Kind(route, scope["method"], status)].add(seconds)
        if self._log_requests:
            _log_request(scope, route, status, seconds)


def _log_request(scope: Scope, route: str, status: int, seconds: float) -> None:
    log.info(
        "%s %s %d",
        scope["method"],
        scope["path"],
        status,
        extra={
            "request_id": request_id(scope),
            "method": scope["method"],
            "path": scope["path"],
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
            "client": scope["client"][0] if scope["client"] else None,
        },
    )
