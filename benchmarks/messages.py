"""Requests as bytes, encoded before anything is timed, with the JSON spelled as MLflow's Python client spells it."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
OURS = "/api/v1"

#: Stands in a request for the id of a run, so that one encoding, and the same bytes, serve every server.
ANY_RUN = "r" * 32


def post(path: str, body: Mapping[str, Any]) -> bytes:
    return post_ours(API + path, body)


def post_ours(path: str, body: Mapping[str, Any]) -> bytes:
    """A request to any path."""
    content = json.dumps(body).encode()
    return _head("POST", path, f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n") + content


def get(path: str, query: Mapping[str, str | int]) -> bytes:
    return _head("GET", f"{API}{path}?{urlencode(query)}", "")


def get_ours(path: str, query: Mapping[str, str | int]) -> bytes:
    """A request to trackback's own API."""
    return _head("GET", f"{OURS}{path}?{urlencode(query)}" if query else OURS + path, "")


def page(path: str) -> bytes:
    """A request for a page of trackback's, or for what its scripts ask for; the path has its query in it."""
    return _head("GET", path, "")


def put_head(artifact_path: str, length: int) -> bytes:
    """The head of an upload; the body follows by itself."""
    fields = f"Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n"
    return _head("PUT", f"{ARTIFACTS}/{artifact_path}", fields)


def get_artifact(artifact_path: str) -> bytes:
    return _head("GET", f"{ARTIFACTS}/{artifact_path}", "")


def for_run(request: bytes, run_id: str) -> bytes:
    """The request with a run's id in the place of ANY_RUN; both are 32 characters long, so the length stays true."""
    if len(run_id) != len(ANY_RUN):
        raise ValueError(f"run id {run_id!r} has {len(run_id)} characters, not {len(ANY_RUN)}")
    return request.replace(ANY_RUN.encode(), run_id.encode())


def log_metric(key: str, value: float, timestamp_ms: int, step: int) -> bytes:
    return post(
        "/runs/log-metric",
        {"run_uuid": ANY_RUN, "run_id": ANY_RUN, "key": key, "value": value, "timestamp": timestamp_ms, "step": step},
    )


def log_batch(**lists: list[dict[str, Any]]) -> bytes:
    return post("/runs/log-batch", {"run_id": ANY_RUN, **lists})


def _head(method: str, target: str, fields: str) -> bytes:
    return (
        f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: trackback-benchmarks\r\n"
        f"Accept: */*\r\nConnection: keep-alive\r\n{fields}\r\n"
    ).encode()
