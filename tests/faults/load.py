"""Load on a server from many clients, who keep books: what they sent, and what of it was acknowledged."""

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.faults.client import Answer, Client, Unreachable

PAUSE_S = 0.02
KEYS = ("loss", "accuracy", "f1", "lr")


class Series(NamedTuple):
    run: str
    key: str


class Point(NamedTuple):
    """In the order that MLflow compares by to find the last one."""

    step: int
    timestamp: int
    value: float


@dataclass
class Books:
    """Points and params are sent again until they are acknowledged, as MLflow's clients do; new runs are not."""

    points_sent: defaultdict[Series, set[Point]] = field(default_factory=lambda: defaultdict(set))
    points: defaultdict[Series, set[Point]] = field(default_factory=lambda: defaultdict(set))
    params: dict[Series, str] = field(default_factory=dict)
    tags_sent: dict[Series, int] = field(default_factory=dict)
    tags: dict[Series, int] = field(default_factory=dict)
    runs_sent: set[str] = field(default_factory=set)
    runs: dict[str, str] = field(default_factory=dict)
    """The run's id by its name, which no other run has."""
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)
    broken: int = 0
    """How many requests had no answer at all."""

    def add(self, other: "Books") -> None:
        for series, points in other.points_sent.items():
            self.points_sent[series] |= points
        for series, points in other.points.items():
            self.points[series] |= points
        for name in ("params", "tags_sent", "tags", "runs_sent", "runs", "refusals"):
            getattr(self, name).update(getattr(other, name))
        self.broken += other.broken


class Load:
    """Clients that log to one shared run and to runs of their own, each as fast as it is answered, until the end."""

    def __init__(self, *ports: int, clients: int = 8) -> None:
        """``ports``: those of one server, or of several on one database, which the clients are spread over."""
        with Client(ports[0]) as client:
            self.shared_run = client.new_run()
        self._end = threading.Event()
        self._clients = [
            _LoggingClient(number, ports[number % len(ports)], self.shared_run, self._end) for number in range(clients)
        ]

    def wait_for(self, count: int, timeout_s: float = 30) -> None:
        """Return when so many more requests have been acknowledged to each client."""
        goals = [client.acknowledged + count for client in self._clients]
        deadline = time.monotonic() + timeout_s
        while any(client.acknowledged < goal for client, goal in zip(self._clients, goals, strict=True)):
            assert time.monotonic() < deadline, f"less than {count} answers for a client within {timeout_s} s"
            assert all(client.is_alive() for client in self._clients), "a client has failed"
            time.sleep(0.01)

    def wait_for_refusals(self, count: int, timeout_s: float = 30) -> None:
        """Return when so many more requests have been refused altogether."""
        goal = self._refused + count
        deadline = time.monotonic() + timeout_s
        while self._refused < goal:
            assert time.monotonic() < deadline, f"less than {count} refusals within {timeout_s} s"
            time.sleep(0.01)

    def wait_for_silence(self, silence_s: float = 0.3) -> None:
        """Return when nobody has got an answer for so long: all are waiting for one."""
        before = None
        while before != (before := self._refused + sum(client.acknowledged for client in self._clients)):
            time.sleep(silence_s)

    @property
    def _refused(self) -> int:
        return sum(sum(client.books.refusals.values()) for client in self._clients)

    @property
    def books(self) -> Books:
        """Those of all clients together, once they have ended."""
        books = Books()
        for client in self._clients:
            assert not client.is_alive()
            books.add(client.books)
        return books

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        for client in self._clients:
            client.join()


class _LoggingClient(threading.Thread):
    def __init__(self, number: int, port: int, shared_run: str, end: threading.Event) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self.books = Books()
        self.acknowledged = 0
        self._number = number
        self._client = Client(port)
        self._shared_run = shared_run
        self._end = end
        self._steps = 0

    def run(self) -> None:
        with self._client:
            self._log()

    def _log(self) -> None:
        own_run = None
        turn = 0
        while not self._end.is_set():
            if turn % 40 == 0:
                own_run = self._create_run(turn) or own_run
            self._log_metric(self._shared_run)
            if own_run and turn % 5 == 0:
                self._log_batch(own_run, turn)
            if own_run and turn % 5 == 1:
                self._set_tag(own_run, turn)
            turn += 1

    def _create_run(self, turn: int) -> str | None:
        """Sent once only: to send it again could make two of it."""
        name = f"run {turn} of client {self._number}"
        self.books.runs_sent.add(name)
        answer = self._ask_once("runs/create", {"experiment_id": "0", "run_name": name})
        if answer is None:
            return None
        run_id: str = answer.body["run"]["info"]["run_id"]
        self.books.runs[name] = run_id
        return run_id

    def _log_metric(self, run: str) -> None:
        key, point = KEYS[0], self._next_point()
        self.books.points_sent[Series(run, key)].add(point)
        if self._ask("runs/log-metric", {"run_id": run, "key": key, **point._asdict()}):
            self.books.points[Series(run, key)].add(point)

    def _log_batch(self, run: str, turn: int) -> None:
        points = [(Series(run, key), self._next_point()) for key in KEYS for _ in range(5)]
        params = {Series(run, f"{kind} {turn}"): f"{self._number}" for kind in ("a", "b")}
        for series, point in points:
            self.books.points_sent[series].add(point)
        fields = {
            "run_id": run,
            "metrics": [{"key": series.key, **point._asdict()} for series, point in points],
            "params": [{"key": series.key, "value": value} for series, value in params.items()],
        }
        if self._ask("runs/log-batch", fields):
            self.books.params.update(params)
            for series, point in points:
                self.books.points[series].add(point)

    def _set_tag(self, run: str, turn: int) -> None:
        tag = Series(run, "turn")
        self.books.tags_sent[tag] = turn
        if self._ask("runs/set-tag", {"run_id": run, "key": tag.key, "value": str(turn)}):
            self.books.tags[tag] = turn

    def _next_point(self) -> Point:
        self._steps += 1
        step = self._steps * 1000 + self._number
        return Point(step, 1_700_000_000_000 + step, float(step % 977))

    def _ask(self, endpoint: str, fields: dict[str, Any]) -> Answer | None:
        """Send it until it is acknowledged, or until the load ends."""
        while (answer := self._ask_once(endpoint, fields)) is None:
            if self._end.wait(PAUSE_S):
                return None
        return answer

    def _ask_once(self, endpoint: str, fields: dict[str, Any]) -> Answer | None:
        try:
            answer = self._client.post(endpoint, fields)
        except Unreachable:
            self.books.broken += 1
            return None
        if answer.status == 200:
            self.acknowledged += 1
            return answer
        self.books.refusals[answer.error] += 1
        return None
