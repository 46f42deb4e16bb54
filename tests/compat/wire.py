"""Requests to MLflow's endpoints as plain JSON over HTTP, for clients that have no library here."""

from typing import Any

import httpx

Json = dict[str, Any]

API = "/api/2.0/mlflow"


def post(http: httpx.Client, endpoint: str, body: object) -> Json:
    return answer(http.post(f"{API}/{endpoint}", json=body))


def get(http: httpx.Client, endpoint: str, /, **query: Any) -> Json:
    return answer(http.get(f"{API}/{endpoint}", params=query))


def answer(response: httpx.Response) -> Json:
    """The body of a request that went well."""
    assert response.status_code == 200, response.text
    parsed: Json = response.json()
    return parsed


def refusal(response: httpx.Response) -> tuple[int, str]:
    """The status and error code of a request that was refused, with some message."""
    body = response.json()
    assert body["message"], body
    return response.status_code, body["error_code"]


def run_data(http: httpx.Client, run_id: str) -> Json:
    data: Json = get(http, "runs/get", run_id=run_id)["run"]["data"]
    return data
