"""Compares what a server holds with the books of those who logged to it."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.client import Client
from tests.faults.load import Books, Point, Series


@dataclass
class Findings:
    lost: list[object] = field(default_factory=list)
    """Acknowledged, but not there."""
    repeated: list[object] = field(default_factory=list)
    """There more than once."""
    unasked: list[object] = field(default_factory=list)
    """There, but nobody sent it."""
    disagreeing: list[object] = field(default_factory=list)
    """The last, least or greatest value is not that of the history."""


SOUND = Findings()


def audit(port: int, books: Books) -> Findings:
    """Read everything back through the protocol, and compare."""
    findings = Findings()
    with Client(port) as client:
        _compare_runs(client, books, findings)
        for run in sorted({series.run for series in books.points_sent}):
            _compare_run(client, run, books, findings)
    return findings


def _compare_runs(client: Client, books: Books, findings: Findings) -> None:
    found = [info for info in _all_runs(client) if info["run_name"] in books.runs_sent]
    names = [info["run_name"] for info in found]
    findings.repeated += _repeats(names)
    ids = {info["run_name"]: info["run_id"] for info in found}
    findings.lost += [name for name, run_id in books.runs.items() if ids.get(name) != run_id]


def _all_runs(client: Client) -> list[Any]:
    found: list[Any] = []
    token = ""
    while True:
        page = client.result("POST", "runs/search", {"experiment_ids": ["0"], "max_results": 50, "page_token": token})
        found += [run["info"] for run in page.get("runs", [])]
        token = page.get("next_page_token", "")
        if not token:
            return found


def _compare_run(client: Client, run: str, books: Books, findings: Findings) -> None:
    data = client.result("GET", "runs/get", {"run_id": run})["run"]["data"]
    params = {Series(run, param["key"]): param["value"] for param in data.get("params", [])}
    findings.lost += [each for each in books.params.items() if each[0].run == run and each not in params.items()]
    tags = {Series(run, tag["key"]): tag["value"] for tag in data.get("tags", [])}
    for tag, sent in books.tags_sent.items():
        if tag.run == run:
            _compare_tag(tag, tags.get(tag), books.tags.get(tag), sent, findings)
    last = {each["key"]: Point(each["step"], each["timestamp"], each["value"]) for each in data.get("metrics", [])}
    for series, sent_points in books.points_sent.items():
        if series.run == run:
            stored = history(client, series)
            findings.repeated += [(series, point) for point in _repeats(stored)]
            findings.lost += [(series, point) for point in books.points[series] - set(stored)]
            findings.unasked += [(series, point) for point in set(stored) - sent_points]
            _compare_summary(client, series, stored, last.get(series.key), findings)


def _compare_tag(tag: Series, stored: str | None, acknowledged: int | None, sent: int, findings: Findings) -> None:
    """The values of a tag rise, so it may be at a later one than was acknowledged last, but never at an earlier."""
    if acknowledged is not None and (stored is None or int(stored) < acknowledged):
        findings.lost.append((tag, acknowledged, stored))
    if stored is not None and int(stored) > sent:
        findings.unasked.append((tag, stored))


def _compare_summary(
    client: Client, series: Series, stored: list[Point], last: Point | None, findings: Findings
) -> None:
    if last != max(stored, default=None):
        findings.disagreeing.append((series, last, max(stored, default=None)))
    if not stored:
        return
    least, greatest = min(point.value for point in stored), max(point.value for point in stored)
    filter_text = f"attributes.run_id = '{series.run}' AND min(metrics.`{series.key}`) = {least}"
    filter_text += f" AND max(metrics.`{series.key}`) = {greatest}"
    found = client.result("POST", "runs/search", {"experiment_ids": ["0"], "filter": filter_text})
    if len(found.get("runs", [])) != 1:
        findings.disagreeing.append((series, least, greatest))


def history(client: Client, series: Series) -> list[Point]:
    found = client.result("GET", "metrics/get-history", {"run_id": series.run, "metric_key": series.key})
    return [Point(each["step"], each["timestamp"], each["value"]) for each in found.get("metrics", [])]


def _repeats(items: Iterable[Hashable]) -> list[object]:
    return [item for item, count in Counter(items).items() if count > 1]
