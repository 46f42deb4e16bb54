"""What measures do around the timed part: create experiments and runs, and look whether all of it arrived."""

import json
import re
import uuid
from typing import Any, NamedTuple

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.messages import get, post

#: What MLflow's Python client asks for.
HISTORY_PAGE = 25_000

_RUN_ID = re.compile(rb'"run_id": *"([0-9a-f]{32})"')
_NEXT_PAGE = re.compile(rb'"next_page_token": *"([^"]+)"')
_TAIL = 1_000


class Run(NamedTuple):
    run_id: str
    artifact_uri: str


class History(NamedTuple):
    """A metric's history as it came: counting its points costs time that is not the server's."""

    pages: list[bytes | bytearray]

    def points(self) -> int:
        return sum(page.count(b'"timestamp"') for page in self.pages)


def create_experiment(connection: Connection) -> str:
    answer = json.loads(connection.expect(post("/experiments/create", {"name": f"benchmark {uuid.uuid4().hex}"})))
    return str(answer["experiment_id"])


def create_run(connection: Connection, experiment_id: str) -> Run:
    request = post("/runs/create", {"experiment_id": experiment_id, "start_time": 1_700_000_000_000})
    info = json.loads(connection.expect(request))["run"]["info"]
    return Run(info["run_id"], info["artifact_uri"])


def run_id_in(body: bytes | bytearray) -> str:
    """The run's id in the answer to runs/create, without parsing the rest."""
    found = _RUN_ID.search(body)
    if found is None:
        raise UnexpectedAnswerError(f"no run_id in {bytes(body[:500])!r}")
    return found[1].decode()


def read_history(connection: Connection, run_id: str, key: str) -> History:
    """The whole history, following page tokens where the server gives any."""
    pages: list[bytes | bytearray] = []
    token = ""
    while True:
        body = connection.expect(history_page(run_id, key, token))
        pages.append(body)
        token = next_page_in(body)
        if not token:
            return History(pages)


def history_page(run_id: str, key: str, token: str) -> bytes:
    query: dict[str, str | int] = {"run_id": run_id, "metric_key": key, "max_results": HISTORY_PAGE}
    return get("/metrics/get-history", query | ({"page_token": token} if token else {}))


def next_page_in(body: bytes | bytearray) -> str:
    """The page token at an answer's end, or at its start, without parsing what lies between."""
    found = _NEXT_PAGE.search(body[-_TAIL:]) or _NEXT_PAGE.search(body[:_TAIL])
    return found[1].decode() if found else ""


def expect_points(connection: Connection, run_id: str, key: str, expected: int) -> None:
    """Every acknowledged point must be there, once."""
    points = read_history(connection, run_id, key).points()
    if points != expected:
        raise UnexpectedAnswerError(f"{points} points of {key} in the history of run {run_id}, {expected} were sent")


def search_runs(connection: Connection, request: bytes) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = json.loads(connection.expect(request)).get("runs", [])
    return runs
