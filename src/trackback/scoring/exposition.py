"""/metrics of the scoring server. Imported with the first scrape, since prometheus-client takes a while to."""

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from trackback.scoring.backlog import Backlog
from trackback.scoring.served import Served
from trackback.server.observation import BUCKETS_S, RequestStatistics

BATCH_BOUNDS = (1, 2, 4, 8, 16, 32, 64)


class Exposition(Collector):
    def __init__(self, statistics: RequestStatistics, backlog: Backlog, served: Served) -> None:
        self._statistics = statistics
        self._backlog = backlog
        self._served = served
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield self._requests()
        yield self._batches()
        yield GaugeMetricFamily(
            "trackback_scoring_waiting", "Requests that wait for a worker.", value=len(self._backlog)
        )
        yield GaugeMetricFamily("trackback_scoring_workers", "Processes that have the model.", value=self._served.alive)
        yield CounterMetricFamily(
            "trackback_scoring_moves", "How often another version has taken over.", value=self._served.moves
        )
        if model := self._served.model:
            info = {"model": model.name, "digest": model.digest or ""}
            yield InfoMetricFamily("trackback_scoring_model", "The version that is served.", value=info)

    def _requests(self) -> Metric:
        requests = HistogramMetricFamily(
            "trackback_scoring_request_seconds",
            "Requests by path, method and status, and how long they took.",
            labels=("route", "method", "status"),
        )
        for kind, durations in list(self._statistics.items()):
            labels = (kind.route, kind.method, str(kind.status))
            requests.add_metric(labels, _cumulated(BUCKETS_S, durations.buckets), durations.total_s)
        return requests

    def _batches(self) -> Metric:
        sizes = dict(self._backlog.batches)
        lower = (0, *BATCH_BOUNDS)
        upper = (*BATCH_BOUNDS, float("inf"))
        counts = [
            sum(n for size, n in sizes.items() if low < size <= high) for low, high in zip(lower, upper, strict=True)
        ]
        total = sum(size * n for size, n in sizes.items())
        return HistogramMetricFamily(
            "trackback_scoring_batch_requests",
            "How many requests a worker was handed at once.",
            buckets=_cumulated(BATCH_BOUNDS, counts),
            sum_value=total,
        )


def _cumulated(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    total, cumulated = 0, []
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        total += count
        cumulated.append((bound, float(total)))
    return cumulated
