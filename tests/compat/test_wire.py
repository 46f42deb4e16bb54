"""What the clients that are not Python put on the wire, byte for byte: R, Java, and programs of the first releases."""

import json
from uuid import uuid4

import httpx
import pytest

from tests.compat.wire import API, Json, answer, get, post, refusal, run_data


def test_r_sends_every_scalar_as_a_string(http: httpx.Client, experiment_id: str) -> None:
    created = post(http, "runs/create", {"experiment_id": experiment_id, "start_time": "1700000000000", "user_id": "r"})
    info = created["run"]["info"]
    assert info["start_time"] == 1_700_000_000_000
    run_id = info["run_id"]
    point = {"run_uuid": run_id, "run_id": run_id, "key": "rmse", "value": "0.5", "timestamp": "1700", "step": "2"}
    assert post(http, "runs/log-metric", point) == {}
    batch = {"metrics": [{"key": "mae", "value": "NaN", "timestamp": "1700", "step": "0"}]}
    post(http, "runs/log-batch", {"run_id": run_id, **batch})
    post(http, "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": "1700000009000"})

    run = get(http, "runs/get", run_id=run_id, run_uuid=run_id)["run"]
    assert (run["info"]["status"], run["info"]["end_time"]) == ("FINISHED", 1_700_000_009_000)
    assert sorted(run["data"]["metrics"], key=lambda metric: str(metric["key"])) == [
        {"key": "mae", "value": "NaN", "timestamp": 1700, "step": 0},
        {"key": "rmse", "value": 0.5, "timestamp": 1700, "step": 2},
    ]
    found = post(http, "runs/search", {"experiment_ids": [experiment_id], "max_results": "5", "filter": ""})
    assert run_id in {each["info"]["run_id"] for each in found["runs"]}


def test_r_checks_a_server_by_a_search_for_one_experiment(http: httpx.Client) -> None:
    assert len(post(http, "experiments/search", {"max_results": "1"})["experiments"]) == 1


def test_r_lists_the_artifacts_of_a_run_through_the_tracking_api(http: httpx.Client, run_id: str) -> None:
    uri: str = get(http, "runs/get", run_id=run_id)["run"]["info"]["artifact_uri"]
    proxied = f"/api/2.0/mlflow-artifacts/artifacts{uri.removeprefix('mlflow-artifacts:')}"
    assert http.put(f"{proxied}/plots/a.png", content=b"picture").status_code == 200
    assert http.put(f"{proxied}/b.txt", content=b"text").status_code == 200
    assert get(http, "artifacts/list", run_id=run_id) == {
        "root_uri": uri,
        "files": [{"path": "b.txt", "is_dir": False, "file_size": 4}, {"path": "plots", "is_dir": True}],
    }
    assert get(http, "artifacts/list", run_uuid=run_id, path="plots")["files"] == [
        {"path": "plots/a.png", "is_dir": False, "file_size": 7}
    ]


def test_r_records_its_models_in_a_tag_of_the_run(http: httpx.Client, run_id: str) -> None:
    for path in ("first", "second"):
        model: Json = {
            "artifact_path": path,
            "run_id": run_id,
            "utc_time_created": "2026-01-01 00:00:00",
            "flavors": {},
        }
        post(http, "runs/log-model", {"run_id": run_id, "model_json": json.dumps(model)})
    tags = {tag["key"]: tag["value"] for tag in run_data(http, run_id)["tags"]}
    history = json.loads(tags["mlflow.log-model.history"])
    assert [model["artifact_path"] for model in history] == ["first", "second"]


def test_java_prints_int64_as_strings(http: httpx.Client, run_id: str) -> None:
    point = {"run_uuid": run_id, "run_id": run_id, "key": "m", "value": 1.0, "timestamp": "5", "step": "-3"}
    post(http, "runs/log-metric", point)
    assert run_data(http, run_id)["metrics"] == [{"key": "m", "value": 1.0, "timestamp": 5, "step": -3}]


def test_names_of_fields_may_be_in_camel_case_as_protobuf_has_them(http: httpx.Client, experiment_id: str) -> None:
    created = post(http, "runs/create", {"experimentId": experiment_id, "startTime": "1700000000000"})
    info = created["run"]["info"]
    assert (info["experiment_id"], info["start_time"]) == (experiment_id, 1_700_000_000_000)
    found = post(http, "runs/search", {"experimentIds": [experiment_id], "runViewType": "ALL", "maxResults": "1"})
    assert len(found["runs"]) == 1


def test_old_clients_name_a_run_run_uuid(http: httpx.Client, run_id: str) -> None:
    post(http, "runs/log-metric", {"run_uuid": run_id, "key": "m", "value": 1, "timestamp": 1})
    post(http, "runs/log-parameter", {"run_uuid": run_id, "key": "p", "value": "1"})
    post(http, "runs/set-tag", {"run_uuid": run_id, "key": "t", "value": "1"})
    assert get(http, "metrics/get-history", run_uuid=run_id, metric_key="m")["metrics"][0]["value"] == 1
    updated = post(http, "runs/update", {"run_uuid": run_id, "status": "FAILED"})
    assert updated["run_info"]["run_uuid"] == updated["run_info"]["run_id"] == run_id


def test_old_clients_encode_bodies_twice(http: httpx.Client, run_id: str) -> None:
    body = json.dumps(json.dumps({"run_id": run_id, "key": "twice", "value": "yes"}))
    response = http.post(f"{API}/runs/set-tag", content=body, headers={"Content-Type": "application/json"})
    assert answer(response) == {}
    assert {"key": "twice", "value": "yes"} in run_data(http, run_id)["tags"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("NaN", "NaN"),
        ("Infinity", 1.7976931348623157e308),
        ("-Infinity", -1.7976931348623157e308),
        ("1e-3", 0.001),
        (True, 1.0),
        (7, 7.0),
    ],
)
def test_values_of_metrics_come_in_many_shapes(http: httpx.Client, run_id: str, sent: object, kept: object) -> None:
    post(http, "runs/log-metric", {"run_id": run_id, "key": "m", "value": sent, "timestamp": 1})
    assert [metric["value"] for metric in run_data(http, run_id)["metrics"]] == [kept]


def test_enums_are_taken_by_name_and_by_number(http: httpx.Client, run_id: str) -> None:
    for sent, kept in (("KILLED", "KILLED"), (3, "FINISHED"), ("SLEEPING", "FINISHED")):
        assert post(http, "runs/update", {"run_id": run_id, "status": sent})["run_info"]["status"] == kept


def test_fields_that_nobody_knows_are_passed_over(http: httpx.Client, run_id: str) -> None:
    post(http, "runs/set-tag", {"run_id": run_id, "key": "k", "value": "v", "from_the_future": {"a": [1]}})
    assert {"key": "k", "value": "v"} in run_data(http, run_id)["tags"]


def test_what_is_empty_is_absent(http: httpx.Client, run_id: str) -> None:
    assert get(http, "metrics/get-history", run_id=run_id, metric_key="never logged") == {}
    data = run_data(http, run_id)
    assert "metrics" not in data
    assert "params" not in data


def test_history_is_paged_when_asked(http: httpx.Client, run_id: str) -> None:
    metrics = [{"key": "m", "value": n, "timestamp": n, "step": n} for n in range(5)]
    post(http, "runs/log-batch", {"run_id": run_id, "metrics": metrics})
    steps, token = [], ""
    for _ in range(3):
        query = {"run_id": run_id, "metric_key": "m", "max_results": "2"} | ({"page_token": token} if token else {})
        page = get(http, "metrics/get-history", **query)
        steps.append([metric["step"] for metric in page["metrics"]])
        token = page.get("next_page_token", "")
    assert (steps, token) == ([[0, 1], [2, 3], [4]], "")


def test_the_browsers_prefix_serves_the_same(http: httpx.Client, run_id: str) -> None:
    found = answer(http.get("/ajax-api/2.0/mlflow/runs/get", params={"run_id": run_id}))
    assert found == get(http, "runs/get", run_id=run_id)


def test_series_of_several_runs_come_in_one_answer(http: httpx.Client, experiment_id: str) -> None:
    run_ids = []
    for offset in (0, 100):
        run = post(http, "runs/create", {"experiment_id": experiment_id})["run"]["info"]["run_id"]
        metrics = [{"key": "m", "value": offset + n, "timestamp": n, "step": n} for n in range(100)]
        post(http, "runs/log-batch", {"run_id": run, "metrics": metrics})
        run_ids.append(run)
    query = {"run_ids": run_ids, "metric_key": "m", "max_results": 3}
    sampled = get(http, "metrics/get-history-bulk-interval", **query)["metrics"]
    by_run = {run: [point["step"] for point in sampled if point["run_id"] == run] for run in run_ids}
    assert by_run == {run: [steps[0], *steps[1:-1], 99] for run, steps in by_run.items()}
    assert all(steps[0] == 0 for steps in by_run.values())
    bulk = answer(
        http.get("/ajax-api/2.0/mlflow/metrics/get-history-bulk", params={"run_id": run_ids, "metric_key": "m"})
    )
    assert len(bulk["metrics"]) == 200


def test_data_sets_of_experiments_are_listed(http: httpx.Client, experiment_id: str, run_id: str) -> None:
    dataset = {"name": "wine", "digest": "d1", "source_type": "local", "source": "{}"}
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    post(http, "runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": tags}]})
    body = {"experiment_ids": [experiment_id]}
    found = answer(http.post("/ajax-api/2.0/mlflow/experiments/search-datasets", json=body))
    assert {"experiment_id": experiment_id, "name": "wine", "digest": "d1", "context": "training"} in found[
        "dataset_summaries"
    ]


def test_a_download_is_whole_or_the_part_asked_for(http: httpx.Client, run_id: str) -> None:
    uri: str = get(http, "runs/get", run_id=run_id)["run"]["info"]["artifact_uri"]
    file = f"/api/2.0/mlflow-artifacts/artifacts{uri.removeprefix('mlflow-artifacts:')}/data.bin"
    assert http.put(file, content=bytes(range(100))).status_code == 200
    whole = http.get(file)
    assert (whole.status_code, whole.content) == (200, bytes(range(100)))
    assert "attachment" in whole.headers["content-disposition"]
    part = http.get(file, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/100"
    assert http.get("/get-artifact", params={"run_id": run_id, "path": "data.bin"}).content == bytes(range(100))
    assert http.delete(file).status_code == 200
    assert http.delete(file).status_code == 200
    assert http.get(file).status_code == 404


@pytest.mark.parametrize("path", ["../a", "a/../../b", "%2e%2e/a", "%2Fetc/passwd", "%252e%252e/a"])
def test_no_path_leads_out_of_the_artifacts(http: httpx.Client, path: str) -> None:
    url = f"{http.base_url}/api/2.0/mlflow-artifacts/artifacts/{path}"
    sent = http.build_request("PUT", url, content=b"x")
    sent.url = sent.url.copy_with(raw_path=f"/api/2.0/mlflow-artifacts/artifacts/{path}".encode())
    assert http.send(sent).status_code in (400, 404)


def test_parts_of_a_large_file_are_not_taken_one_by_one(http: httpx.Client) -> None:
    body = {"path": "a.bin", "num_parts": 2}
    assert refusal(http.post("/api/2.0/mlflow-artifacts/mpu/create/1/x", json=body)) == (501, "NOT_IMPLEMENTED")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("runs/log-metric", {"key": "m", "value": 1.0, "timestamp": 1}),
        ("runs/log-metric", {"run_id": "RUN", "key": "m", "timestamp": 1}),
        ("runs/log-metric", {"run_id": "RUN", "key": "m", "value": 1.0}),
        ("runs/log-metric", {"run_id": "RUN", "key": "m", "value": "high", "timestamp": 1}),
        ("runs/log-parameter", {"run_id": "RUN", "key": "p", "value": 5}),
        ("runs/log-batch", {"run_id": "RUN", "metrics": [{"key": "m"}]}),
        ("runs/log-batch", {"run_id": "RUN", "metrics": {"key": "m"}}),
        ("runs/log-batch", {"run_id": "RUN", "params": [{"key": f"p{n}", "value": "1"} for n in range(101)]}),
        ("runs/log-batch", {"run_id": "RUN", "tags": [{"key": f"t{n}", "value": "1"} for n in range(101)]}),
        ("experiments/create", {"name": ""}),
        ("experiments/search", {}),
        ("experiments/search", {"max_results": 0}),
        ("runs/search", {"experiment_ids": ["0"], "max_results": 50_001}),
        ("runs/search", {"experiment_ids": ["0"], "filter": "metrics.loss <"}),
    ],
)
def test_a_body_that_is_not_right_is_a_bad_parameter(http: httpx.Client, run_id: str, path: str, body: Json) -> None:
    sent = {key: run_id if value == "RUN" else value for key, value in body.items()}
    assert refusal(http.post(f"{API}/{path}", json=sent)) == (400, "INVALID_PARAMETER_VALUE")
    assert "metrics" not in run_data(http, run_id)


def test_a_body_needs_its_content_type(http: httpx.Client) -> None:
    assert refusal(http.post(f"{API}/experiments/search", content=b'{"max_results":1}')) == (
        400,
        "INVALID_PARAMETER_VALUE",
    )


def test_a_body_that_is_no_json_is_a_bad_parameter(http: httpx.Client) -> None:
    for content in (b"{", b"\xff\xfe"):
        response = http.post(
            f"{API}/runs/log-metric", content=content, headers={"Content-Type": "application/json; charset=utf-8"}
        )
        assert refusal(response) == (400, "INVALID_PARAMETER_VALUE"), content


def test_probes_of_clients_are_answered_in_plain_text(http: httpx.Client) -> None:
    assert http.get("/health").text == "OK"
    assert http.get("/version").status_code == 200


def test_what_the_registry_answers_has_the_fields_that_clients_read(http: httpx.Client) -> None:
    name = f"wire {uuid4().hex[:8]}"
    made = post(http, "registered-models/create", {"name": name, "tags": [{"key": "k", "value": "v"}]})
    model = made["registered_model"]
    assert (model["name"], model["tags"]) == (name, [{"key": "k", "value": "v"}])
    assert isinstance(model["creation_timestamp"], int)
    assert not {"description", "latest_versions", "aliases"} & set(model)
    version = post(http, "model-versions/create", {"name": name, "source": "s3://bucket/m"})["model_version"]
    expected = {
        "name": name,
        "version": "1",
        "current_stage": "None",
        "source": "s3://bucket/m",
        "status": "READY",
        "description": "",
        "run_id": "",
        "run_link": "",
    }
    assert {field: version[field] for field in expected} == expected
    assert isinstance(version["last_updated_timestamp"], int)
    assert not {"user_id", "tags", "aliases"} & set(version)
    assert get(http, "model-versions/get-download-uri", name=name, version="1") == {"artifact_uri": "s3://bucket/m"}
    assert post(http, "registered-models/alias", {"name": name, "alias": "a", "version": "1"}) == {}
    assert get(http, "registered-models/get", name=name)["registered_model"]["aliases"] == [
        {"alias": "a", "version": "1"}
    ]
    named = get(http, "registered-models/alias", name=name, alias="a")["model_version"]
    assert (named["version"], named["aliases"]) == ("1", ["a"])


def test_java_asks_for_the_latest_versions_with_get_and_python_with_post(http: httpx.Client) -> None:
    name = f"wire {uuid4().hex[:8]}"
    post(http, "registered-models/create", {"name": name})
    assert get(http, "registered-models/get-latest-versions", name=name) == {}
    for _ in range(2):
        post(http, "model-versions/create", {"name": name, "source": "s3://bucket/m"})
    post(http, "model-versions/transition-stage", {"name": name, "version": "1", "stage": "archived"})
    for found in (
        get(http, "registered-models/get-latest-versions", name=name, stages=["None", "archived"]),
        post(http, "registered-models/get-latest-versions", {"name": name, "stages": ["none", "Archived"]}),
        post(http, "registered-models/get-latest-versions", {"name": name}),
    ):
        shown = {version["current_stage"]: version["version"] for version in found["model_versions"]}
        assert shown == {"None": "2", "Archived": "1"}


def test_patch_and_delete_of_the_registry_carry_bodies(http: httpx.Client) -> None:
    name = f"wire {uuid4().hex[:8]}"
    post(http, "registered-models/create", {"name": name, "description": "old"})
    post(http, "model-versions/create", {"name": name, "source": "s3://bucket/m", "description": "old"})
    updated = answer(http.patch(f"{API}/registered-models/update", json={"name": name}))
    assert "description" not in updated["registered_model"]
    updated = answer(http.patch(f"{API}/model-versions/update", json={"name": name, "version": "1"}))
    assert not updated["model_version"].get("description")
    for path, fields in (
        ("registered-models/alias", {"alias": "never-there"}),
        ("registered-models/delete-tag", {"key": "never-there"}),
        ("model-versions/delete-tag", {"version": "1", "key": "never-there"}),
        ("model-versions/delete", {"version": "1"}),
        ("registered-models/delete", {}),
    ):
        assert answer(http.request("DELETE", f"{API}/{path}", json={"name": name, **fields})) == {}, path
    without_body = http.request("DELETE", f"{API}/registered-models/delete", params={"name": name})
    assert refusal(without_body) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("method", "path", "fields", "refused"),
    [
        ("POST", "registered-models/create", {}, (400, "INVALID_PARAMETER_VALUE")),
        ("POST", "registered-models/create", {"name": "a/b"}, (400, "INVALID_PARAMETER_VALUE")),
        ("GET", "registered-models/get", {"name": "nothing here"}, (404, "RESOURCE_DOES_NOT_EXIST")),
        ("POST", "registered-models/get-latest-versions", {"name": "nothing here"}, (404, "RESOURCE_DOES_NOT_EXIST")),
        ("GET", "registered-models/search", {"max_results": 1001}, (400, "INVALID_PARAMETER_VALUE")),
        ("GET", "registered-models/search", {"filter": "name >"}, (400, "INVALID_PARAMETER_VALUE")),
        ("GET", "registered-models/search", {"page_token": "nonsense"}, (400, "INVALID_PARAMETER_VALUE")),
        ("POST", "model-versions/create", {"name": "nothing here"}, (400, "INVALID_PARAMETER_VALUE")),
        ("GET", "model-versions/get", {"name": "nothing here", "version": "1"}, (404, "RESOURCE_DOES_NOT_EXIST")),
        ("GET", "model-versions/get", {"name": "nothing here", "version": "x"}, (400, "INVALID_PARAMETER_VALUE")),
        ("GET", "model-versions/search", {"max_results": 200_001}, (400, "INVALID_PARAMETER_VALUE")),
        ("GET", "model-versions/search", {"order_by": "run_id SIDEWAYS"}, (400, "INVALID_PARAMETER_VALUE")),
    ],
)
def test_what_the_registry_refuses_has_mlflows_status_and_code(
    http: httpx.Client, method: str, path: str, fields: Json, refused: tuple[int, str]
) -> None:
    if method == "GET":
        assert refusal(http.get(f"{API}/{path}", params=fields)) == refused
    else:
        assert refusal(http.post(f"{API}/{path}", json=fields)) == refused
