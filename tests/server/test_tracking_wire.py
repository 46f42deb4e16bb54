"""What exactly goes over the wire for experiments, inputs and logged models, and what is answered to mistakes."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

API = "/api/2.0/mlflow/"
AJAX = "/ajax-api/2.0/mlflow/"


class Client:
    def __init__(self, port: int) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)

    def send(self, method: str, path: str, body: dict[str, Any] | None = None, under: str = API) -> httpx.Response:
        if method == "GET":
            return self.http.get(under + path, params=body)
        return self.http.request(method, under + path, json=body or {})

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, under: str = API) -> dict[str, Any]:
        response = self.send(method, path, body, under)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def new_experiment(self) -> str:
        return str(self.call("POST", "experiments/create", {"name": uuid4().hex})["experiment_id"])

    def new_run(self) -> str:
        run = self.call("POST", "runs/create", {"experiment_id": self.new_experiment()})
        return str(run["run"]["info"]["run_id"])

    def new_model(self, **fields: Any) -> dict[str, Any]:
        model: dict[str, Any] = self.call("POST", "logged-models", {"experiment_id": self.new_experiment(), **fields})
        info: dict[str, Any] = model["model"]["info"]
        return info


@pytest.fixture(scope="module")
def client(port: int) -> Iterator[Client]:
    client = Client(port)
    yield client
    client.http.close()


class TestExperiments:
    def test_an_experiment_travels_with_mlflows_names_and_numbers_as_numbers(self, client: Client) -> None:
        name = uuid4().hex
        created = client.call("POST", "experiments/create", {"name": name, "tags": [{"key": "k", "value": "v"}]})
        assert list(created) == ["experiment_id"]
        answer = client.call("GET", "experiments/get", created)
        experiment = answer["experiment"]
        assert isinstance(experiment.pop("creation_time"), int)
        assert isinstance(experiment.pop("last_update_time"), int)
        assert answer == {
            "experiment": {
                **created,
                "name": name,
                "artifact_location": f"mlflow-artifacts:/{created['experiment_id']}",
                "lifecycle_stage": "active",
                "tags": [{"key": "k", "value": "v"}],
                "workspace": "default",
            }
        }
        assert (
            client.call("GET", "experiments/get-by-name", {"experiment_name": name}, AJAX)["experiment"]["name"] == name
        )

    def test_a_search_by_get_and_by_post_and_in_the_spelling_of_other_clients_is_the_same(self, client: Client) -> None:
        for _ in range(2):
            client.new_experiment()
        asked = {"max_results": 1, "filter": "name != 'Default'", "order_by": ["name DESC", "creation_time"]}
        found = client.call("POST", "experiments/search", asked)
        assert len(found["experiments"]) == 1
        assert found["next_page_token"]
        assert client.call("GET", "experiments/search", asked) == found
        camel = {"maxResults": "1", "filter": asked["filter"], "orderBy": asked["order_by"], "viewType": 1}
        assert client.call("POST", "experiments/search", camel) == found

    def test_nothing_found_is_an_empty_object(self, client: Client) -> None:
        assert client.call("POST", "experiments/search", {"max_results": 1, "filter": "name = 'no such'"}) == {}

    def test_changes_answer_with_an_empty_object(self, client: Client) -> None:
        one = {"experiment_id": client.new_experiment()}
        assert client.call("POST", "experiments/update", {**one, "new_name": uuid4().hex}) == {}
        assert client.call("POST", "experiments/set-experiment-tag", {**one, "key": "k"}) == {}
        assert client.call("GET", "experiments/get", one)["experiment"]["tags"] == [{"key": "k", "value": ""}]
        assert client.call("POST", "experiments/delete-experiment-tag", {**one, "key": "k"}) == {}
        assert client.call("POST", "experiments/delete", one) == {}
        assert client.call("POST", "experiments/restore", one) == {}

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "code", "message"),
        [
            (
                "POST",
                "create",
                {"name": "Default"},
                400,
                "RESOURCE_ALREADY_EXISTS",
                "Experiment(name=Default) already exists.",
            ),
            ("POST", "create", {}, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'name'."),
            ("POST", "create", {"name": " "}, 400, "INVALID_PARAMETER_VALUE", "Invalid experiment name"),
            (
                "GET",
                "get",
                {"experiment_id": "987654"},
                404,
                "RESOURCE_DOES_NOT_EXIST",
                "No Experiment with id=987654 exists",
            ),
            ("GET", "get", {"experiment_id": "x"}, 400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID: 'x'"),
            (
                "GET",
                "get-by-name",
                {"experiment_name": "n"},
                404,
                "RESOURCE_DOES_NOT_EXIST",
                "Could not find experiment with name 'n'",
            ),
            ("POST", "update", {"experiment_id": "0"}, 400, "INVALID_PARAMETER_VALUE", "required parameter 'new_name'"),
            (
                "POST",
                "restore",
                {"experiment_id": "0"},
                404,
                "RESOURCE_DOES_NOT_EXIST",
                "No Experiment with id=0 exists",
            ),
            ("POST", "search", {}, 400, "INVALID_PARAMETER_VALUE", "Invalid value 0 for parameter 'max_results'"),
            ("POST", "search", {"max_results": 1, "order_by": ["x"]}, 400, "INVALID_PARAMETER_VALUE", "'x'"),
            (
                "POST",
                "search",
                {"max_results": 1, "page_token": "x"},
                400,
                "INVALID_PARAMETER_VALUE",
                "Invalid page token",
            ),
        ],
    )
    def test_mistakes_get_mlflows_code(
        self, client: Client, method: str, path: str, body: dict[str, Any], status: int, code: str, message: str
    ) -> None:
        response = client.send(method, f"experiments/{path}", body)
        assert (response.status_code, response.json()["error_code"]) == (status, code)
        assert message in response.json()["message"]


class TestInputs:
    def test_inputs_and_outputs_show_in_the_run(self, client: Client) -> None:
        run_id = client.new_run()
        dataset = {"name": "iris", "digest": "abc", "source_type": "local", "source": "{}", "schema": "[]"}
        tags = [{"key": "mlflow.data.context", "value": "training"}]
        logged = {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": tags}], "models": [{"model_id": "m-1"}]}
        assert client.call("POST", "runs/log-inputs", logged) == {}
        assert client.call("POST", "runs/outputs", {"runId": run_id, "models": [{"modelId": "m-2", "step": "7"}]}) == {}
        run = client.call("GET", "runs/get", {"run_id": run_id})["run"]
        assert run["inputs"] == {
            "dataset_inputs": [{"dataset": dataset, "tags": tags}],
            "model_inputs": [{"model_id": "m-1"}],
        }
        assert run["outputs"] == {"model_outputs": [{"model_id": "m-2", "step": 7}]}
        experiment_id = run["info"]["experiment_id"]
        asked = {"experiment_ids": [experiment_id]}
        assert client.call("POST", "experiments/search-datasets", asked, AJAX) == {
            "dataset_summaries": [
                {"experiment_id": experiment_id, "name": "iris", "digest": "abc", "context": "training"}
            ]
        }

    def test_data_sets_are_searched_under_the_uis_prefix_only(self, client: Client) -> None:
        response = client.send("POST", "experiments/search-datasets", {"experiment_ids": ["0"]})
        assert (response.status_code, response.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")

    @pytest.mark.parametrize(
        ("path", "body", "message"),
        [
            ("log-inputs", {"datasets": [{}]}, "Missing value for required parameter 'datasets[0].dataset'"),
            ("log-inputs", {"datasets": [{"dataset": {}}]}, "required parameter 'datasets[0].dataset.name'"),
            (
                "log-inputs",
                {"datasets": [{"dataset": {"name": "a", "digest": "0" * 37}}]},
                "exceeds the maximum length of 36",
            ),
            ("log-inputs", {"models": [{}]}, "Missing value for required parameter 'models[0].model_id'"),
            ("outputs", {}, "Missing value for required parameter 'models'"),
            ("outputs", {"models": [{"model_id": "m", "step": 2**63}]}, "'models[0].step'"),
        ],
    )
    def test_mistakes_name_their_place(self, client: Client, path: str, body: dict[str, Any], message: str) -> None:
        response = client.send("POST", f"runs/{path}", {"run_id": client.new_run(), **body})
        assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert message in response.json()["message"]


class TestLoggedModels:
    def test_a_model_travels_in_info_and_data(self, client: Client) -> None:
        given = {"params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "2"}]}
        experiment_id = client.new_experiment()
        answer = client.call("POST", "logged-models", {"experiment_id": experiment_id, "name": "forest", **given})
        model_id = answer["model"]["info"]["model_id"]
        assert re.fullmatch("m-[0-9a-f]{32}", model_id)
        created = answer["model"]["info"]["creation_timestamp_ms"]
        assert answer == {
            "model": {
                "info": {
                    "model_id": model_id,
                    "experiment_id": experiment_id,
                    "name": "forest",
                    "creation_timestamp_ms": created,
                    "last_updated_timestamp_ms": created,
                    "artifact_uri": f"mlflow-artifacts:/{experiment_id}/models/{model_id}/artifacts",
                    "status": "LOGGED_MODEL_PENDING",
                    "model_type": "",
                    "source_run_id": "",
                    "tags": given["tags"],
                },
                "data": {"params": given["params"]},
            }
        }
        assert client.call("GET", f"logged-models/{model_id}") == answer
        assert client.call("POST", "logged-models/search", {"experiment_ids": [experiment_id]}) == {
            "models": [answer["model"]]
        }

    def test_points_logged_for_a_model_show_in_its_data(self, client: Client) -> None:
        run_id = client.new_run()
        model_id = client.new_model()["model_id"]
        point = {"key": "loss", "value": "NaN", "timestamp": 5, "step": 1}
        dataset = {"dataset_name": "iris", "dataset_digest": "abc"}
        client.call("POST", "runs/log-metric", {"run_id": run_id, **point, "model_id": model_id, **dataset})
        model = client.call("GET", f"logged-models/{model_id}")["model"]
        assert model["data"]["metrics"] == [{**point, "run_id": run_id, "model_id": model_id, **dataset}]

    @pytest.mark.parametrize("status", ["LOGGED_MODEL_READY", 2])
    def test_a_status_is_given_by_name_or_number(self, client: Client, status: str | int) -> None:
        model_id = client.new_model()["model_id"]
        answer = client.call("PATCH", f"logged-models/{model_id}", {"model_id": model_id, "status": status})
        assert answer["model"]["info"]["status"] == "LOGGED_MODEL_READY"

    def test_tags_and_params_are_changed_under_the_models_path(self, client: Client) -> None:
        model_id = client.new_model()["model_id"]
        path = f"logged-models/{model_id}"
        assert client.call("PATCH", f"{path}/tags", {"tags": [{"key": "a/b c", "value": "1"}]}) == {}
        params = {"model_id": model_id, "params": [{"key": "p", "value": "1"}]}
        assert client.call("POST", f"{path}/params", params) == {}
        model = client.call("GET", path)["model"]
        assert (model["info"]["tags"], model["data"]["params"]) == ([{"key": "a/b c", "value": "1"}], params["params"])
        assert client.call("DELETE", f"{path}/tags/a%2Fb%20c") == {}
        assert "tags" not in client.call("GET", path)["model"]["info"]

    def test_a_deleted_model_is_shown_only_when_asked_for(self, client: Client) -> None:
        path = f"logged-models/{client.new_model()['model_id']}"
        assert client.call("DELETE", path) == {}
        assert client.send("GET", path).status_code == 404
        assert "info" in client.call("GET", path, {"allow_deleted": "True"})["model"]

    def test_a_search_pages_by_50_and_orders_as_told(self, client: Client) -> None:
        experiment_id = client.new_experiment()
        for i in range(51):
            client.call("POST", "logged-models", {"experiment_id": experiment_id, "name": f"m{i:02}"})
        asked: dict[str, Any] = {
            "experiment_ids": [experiment_id],
            "order_by": [{"field_name": "name", "ascending": False}],
        }
        first = client.call("POST", "logged-models/search", {**asked, "max_results": 0})
        second = client.call("POST", "logged-models/search", {**asked, "page_token": first["next_page_token"]})
        names = [model["info"]["name"] for page in (first, second) for model in page["models"]]
        assert names == [f"m{i:02}" for i in reversed(range(51))]
        assert len(first["models"]) == 50
        assert "next_page_token" not in second

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "code", "message"),
        [
            ("POST", "", {}, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'experiment_id'"),
            ("POST", "", {"experiment_id": "0", "name": "a/b"}, 400, "INVALID_PARAMETER_VALUE", "Invalid model name"),
            ("POST", "", {"experiment_id": "987654"}, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=987654"),
            ("GET", "/m-0", {}, 404, "RESOURCE_DOES_NOT_EXIST", "Logged model with ID 'm-0' not found."),
            (
                "PATCH",
                "/m-0",
                {"status": 2},
                400,
                "INVALID_PARAMETER_VALUE",
                "Missing value for required parameter 'model_id'",
            ),
            ("PATCH", "/m-0", {"model_id": "m-0", "status": "DONE"}, 400, "INVALID_PARAMETER_VALUE", "'status'"),
            ("PATCH", "/m-0", {"model_id": "m-1", "status": 2}, 400, "INVALID_PARAMETER_VALUE", "another model, 'm-0'"),
            (
                "POST",
                "/search",
                {},
                400,
                "INVALID_PARAMETER_VALUE",
                "Missing value for required parameter 'experiment_ids'",
            ),
            (
                "POST",
                "/search",
                {"experiment_ids": ["0"], "filter": "foo = 'x'"},
                400,
                "INVALID_PARAMETER_VALUE",
                "'foo'",
            ),
            (
                "POST",
                "/search",
                {"experiment_ids": ["0"], "datasets": [{}]},
                400,
                "INVALID_PARAMETER_VALUE",
                "`dataset_name`",
            ),
            (
                "POST",
                "/search",
                {"experiment_ids": ["0"], "order_by": [{}]},
                400,
                "INVALID_PARAMETER_VALUE",
                "Invalid order by field name",
            ),
        ],
    )
    def test_mistakes_get_mlflows_code(
        self, client: Client, method: str, path: str, body: dict[str, Any], status: int, code: str, message: str
    ) -> None:
        response = client.send(method, f"logged-models{path}", body)
        assert (response.status_code, response.json()["error_code"]) == (status, code)
        assert message in response.json()["message"]
