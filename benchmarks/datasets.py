"""Runs to search in: made from a seed, so every server holds the same, and what a search must find is known."""

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.clients import at_once
from benchmarks.connection import Connection, Response, body_of
from benchmarks.messages import for_run, log_batch, post
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, run_id_in, search_runs

KEYS = 20
_LOADERS = 8
_TRIES = 20
_FIRST_START_MS = 1_700_000_000_000


class SearchedRun(NamedTuple):
    """What the searches look at; there are 16 more params and 18 more metrics in each run."""

    name: str
    start_time_ms: int
    optimizer: str
    setting: str
    team: str
    metrics: tuple[float, ...]


@dataclass(frozen=True)
class Search:
    """A search and, worked out here in plain Python, the runs it must find."""

    filter: str
    matches: Callable[[SearchedRun], bool]
    order_by: tuple[str, ...] = ()
    key: Callable[[SearchedRun], float] = lambda run: run.start_time_ms
    max_results: int = 100

    def request(self, experiment_id: str) -> bytes:
        body: dict[str, Any] = {"experiment_ids": [experiment_id], "max_results": self.max_results}
        if self.filter:
            body["filter"] = self.filter
        if self.order_by:
            body["order_by"] = list(self.order_by)
        return post("/runs/search", body)

    def expected(self, runs: list[SearchedRun]) -> list[str]:
        """The names of the runs on the first page, in order; every order used here is descending."""
        found = sorted(filter(self.matches, runs), key=self.key, reverse=True)
        return [run.name for run in found[: self.max_results]]

    def names_found(self, connection: Connection, experiment_id: str) -> list[str]:
        return [run["info"]["run_name"] for run in search_runs(connection, self.request(experiment_id))]


class Datasets:
    """Experiments of many runs, loaded into each server once, over its HTTP API."""

    def __init__(self) -> None:
        self._experiments: dict[tuple[str, int], str] = {}
        self._runs: dict[int, list[SearchedRun]] = {}

    def runs(self, count: int) -> list[SearchedRun]:
        if count not in self._runs:
            self._runs[count] = [searched_run(number) for number in range(count)]
        return self._runs[count]

    def experiment(self, server: Server, count: int) -> str:
        """The experiment with that many runs, loaded if it isn't there yet."""
        place = (server.name, count)
        if place not in self._experiments:
            print(f"  loading {count:,} runs into {server.title}", file=sys.stderr, flush=True)
            self._experiments[place] = _load(server, count)
        return self._experiments[place]


def searched_run(number: int) -> SearchedRun:
    chance = random.Random(number)
    return SearchedRun(
        name=f"run-{number:06d}",
        start_time_ms=_FIRST_START_MS + number * 1_000,
        optimizer=f"optimizer-{chance.randrange(10)}",
        setting=f"setting-{chance.randrange(1_000):03d}",
        team=f"team-{chance.randrange(20):02d}",
        metrics=tuple(chance.random() for _ in range(KEYS)),
    )


def metric_key(number: int) -> str:
    return f"metric_{number:02d}"


def param_key(number: int) -> str:
    return f"param_{number:02d}"


def creation(experiment_id: str, run: SearchedRun) -> bytes:
    return post(
        "/runs/create",
        {"experiment_id": experiment_id, "run_name": run.name, "start_time": run.start_time_ms, "user_id": "benchmark"},
    )


def content(run: SearchedRun) -> bytes:
    """The batch that fills a run: 20 params, 20 metrics and two tags."""
    params = {"optimizer": run.optimizer, "setting": run.setting}
    params |= {param_key(number): repr(run.metrics[number] * number) for number in range(2, KEYS)}
    stamp = {"timestamp": run.start_time_ms, "step": 1}
    return log_batch(
        metrics=[{"key": metric_key(number), "value": value, **stamp} for number, value in enumerate(run.metrics)],
        params=[{"key": key, "value": value} for key, value in params.items()],
        tags=[{"key": "team", "value": run.team}, {"key": "source", "value": "benchmarks"}],
    )


def _load(server: Server, count: int) -> str:
    with server.connect() as connection:
        experiment_id = create_experiment(connection)

    def load_share(share: int) -> None:
        loader = _Loader(server)
        for number in range(share, count, _LOADERS):
            run = searched_run(number)
            created = loader.send(creation(experiment_id, run))
            loader.send(for_run(content(run), run_id_in(created)))

    at_once(_LOADERS, load_share)
    return experiment_id


class _Loader:
    """Repeats what a busy server refuses or breaks off: loading isn't what is measured."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection = server.connect()

    def send(self, request: bytes) -> bytes | bytearray:
        answer = Response(0, b"")
        for _ in range(_TRIES):
            try:
                answer = self._connection.call(request)
            except OSError:
                self._connection = self._server.connect()
            if answer.status == 200:
                break
        return body_of(answer)


def expect_found(connection: Connection, experiment_id: str, search: Search, runs: list[SearchedRun]) -> None:
    """The server must find exactly what it should, in the right order, before its time counts."""
    expected = search.expected(runs)
    if not expected:
        raise ValueError(f"the search for {search.filter!r} finds nothing: choose another")
    found = search.names_found(connection, experiment_id)
    if found != expected:
        raise AssertionError(
            f"{search.filter!r} found {len(found)} runs, {json.dumps(found[:5])}…; "
            f"expected {len(expected)}, {json.dumps(expected[:5])}…"
        )
