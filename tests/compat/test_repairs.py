"""Where MLflow's own server answers with a 5xx, loses what it was sent, or takes nonsense, this one does not."""

import json
import math
from uuid import uuid4

import httpx
import pytest

from tests.compat.conftest import GIVEN
from tests.compat.wire import API, Json, answer, get, post, refusal, run_data

pytestmark = pytest.mark.skipif(bool(GIVEN), reason="the server given may be MLflow's own")

BAD_PARAMETER = (400, "INVALID_PARAMETER_VALUE")
JSON = {"Content-Type": "application/json"}


def test_a_bare_nan_is_kept_as_nan(http: httpx.Client, run_id: str) -> None:
    body = json.dumps({"run_id": run_id, "key": "m", "value": math.nan, "timestamp": 1})
    answer(http.post(f"{API}/runs/log-metric", content=body, headers=JSON))
    assert run_data(http, run_id)["metrics"][0]["value"] == "NaN"


@pytest.mark.parametrize(
    "field", [{"timestamp": 1.5}, {"step": 2**63}, {"step": 0.5}, {"timestamp": -1}, {"timestamp": "soon"}]
)
def test_a_number_out_of_range_writes_nothing(http: httpx.Client, run_id: str, field: Json) -> None:
    point = {"run_id": run_id, "key": "m", "value": 1.0, "timestamp": 1} | field
    assert refusal(http.post(f"{API}/runs/log-metric", json=point)) == BAD_PARAMETER
    assert "metrics" not in run_data(http, run_id)


@pytest.mark.parametrize("content", [b"[1]", b"7", b"null", b'"text"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_a_bad_parameter(http: httpx.Client, content: bytes) -> None:
    assert refusal(http.post(f"{API}/runs/log-metric", content=content, headers=JSON)) == BAD_PARAMETER


def test_a_run_needs_its_experiment(http: httpx.Client) -> None:
    assert refusal(http.post(f"{API}/runs/create", json={})) == BAD_PARAMETER


def test_null_is_as_absent(http: httpx.Client, experiment_id: str) -> None:
    query = {"experiment_ids": [experiment_id], "max_results": None, "filter": None, "page_token": None}
    assert isinstance(post(http, "runs/search", query), dict)


def test_an_order_that_names_a_key_twice_is_a_bad_parameter_or_taken(http: httpx.Client, experiment_id: str) -> None:
    query = {"experiment_ids": [experiment_id], "order_by": ["metrics.a", "metrics.a DESC"]}
    assert http.post(f"{API}/runs/search", json=query).status_code in (200, 400)


def test_a_deleted_experiment_keeps_its_name(http: httpx.Client) -> None:
    name = f"kept {uuid4().hex[:8]}"
    experiment_id = post(http, "experiments/create", {"name": name})["experiment_id"]
    post(http, "experiments/delete", {"experiment_id": experiment_id})
    body = {"experiment_id": experiment_id, "new_name": f"{name} no more"}
    assert refusal(http.post(f"{API}/experiments/update", json=body))[0] == 400
    assert get(http, "experiments/get", experiment_id=experiment_id)["experiment"]["name"] == name


@pytest.mark.parametrize("text", ["nonsense.a = 'b'", "metrics.auc = 'high'", "status = 'BETTER'", "name >"])
def test_a_wrong_filter_of_logged_models_is_a_bad_parameter(http: httpx.Client, experiment_id: str, text: str) -> None:
    query = {"experiment_ids": [experiment_id], "filter": text}
    assert refusal(http.post(f"{API}/logged-models/search", json=query)) == BAD_PARAMETER


def test_logged_models_are_filtered_by_status_and_by_their_latest_metrics(http: httpx.Client) -> None:
    experiment_id = post(http, "experiments/create", {"name": f"models {uuid4().hex[:8]}"})["experiment_id"]
    run_id = post(http, "runs/create", {"experiment_id": experiment_id})["run"]["info"]["run_id"]
    model = post(http, "logged-models", {"experiment_id": experiment_id, "name": "a"})["model"]["info"]["model_id"]
    for step, value in ((1, 0.9), (2, 0.6)):
        point = {"run_id": run_id, "model_id": model, "key": "auc", "value": value, "timestamp": 1, "step": step}
        post(http, "runs/log-metric", point)

    def finds(text: str) -> bool:
        return "models" in post(http, "logged-models/search", {"experiment_ids": [experiment_id], "filter": text})

    assert finds("status = 'PENDING'")
    assert not finds("status = 'READY'")
    assert finds("metrics.auc < 0.7")
    assert not finds("metrics.auc > 0.7")


def test_a_backslash_is_no_part_of_a_path(http: httpx.Client) -> None:
    assert refusal(http.put("/api/2.0/mlflow-artifacts/artifacts/a%5C..%5Cb", content=b"x")) == BAD_PARAMETER


def test_an_unknown_route_says_so_in_json(http: httpx.Client) -> None:
    assert refusal(http.get(f"{API}/nothing/here")) == (404, "ENDPOINT_NOT_FOUND")


def test_a_wrong_method_says_so_in_json(http: httpx.Client) -> None:
    response = http.get(f"{API}/runs/create")
    assert refusal(response)[0] == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/api/3.0/mlflow/traces/search", "/api/3.0/mlflow/scorers/list", "/v1/traces"])
def test_what_is_left_out_says_so(http: httpx.Client, path: str) -> None:
    response = http.post(path, json={})
    assert refusal(response) == (404, "ENDPOINT_NOT_FOUND")


def test_no_answer_tells_about_the_database(http: httpx.Client, experiment_id: str) -> None:
    name = get(http, "experiments/get", experiment_id=experiment_id)["experiment"]["name"]
    text = http.post(f"{API}/experiments/create", json={"name": name}).text.lower()
    assert not [word for word in ("sql", "insert", "constraint", "psycopg", "/src/") if word in text], text
