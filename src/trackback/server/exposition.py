"""/metrics as Prometheus reads it. Imported with the first scrape, since prometheus-client takes a while to."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from trackback.server.observation import BUCKETS_S, RequestStatistics

_BOUNDS = (*(str(bound) for bound in BUCKETS_S), "+Inf")


class Exposition(Collector):
    """``waiting``: how many operations wait for the database."""

    def __init__(self, statistics: RequestStatistics, waiting: Callable[[], int]) -> None:
        self._statistics = statistics
        self._waiting = waiting
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        requests = HistogramMetricFamily(
            "trackback_http_request_seconds",
            "Requests by the path of their route, method and status, and how long they took.",
            labels=("route", "method", "status"),
        )
        for kind, durations in list(self._statistics.items()):
            requests.add_metric(
                (kind.route, kind.method, str(kind.status)), _cumulated(durations.buckets), durations.total_s
            )
        yield requests
        yield GaugeMetricFamily(
            "trackback_storage_waiting", "Operations that wait for the database.", value=self._waiting()
        )


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    count, cumulated = 0, []
    for bound, number in zip(_BOUNDS, buckets, strict=True):
        count += number
        cumulated.append((bound, float(count)))
    return cumulated
