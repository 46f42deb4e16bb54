"""What trackback's registry answers beyond MLflow's: snapshots, digests, ids that stay, and searches by POST."""

import hashlib
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.server.test_tracking_wire import Client

PROXY = "/api/2.0/mlflow-artifacts/artifacts/"


@pytest.fixture(scope="module")
def client(port: int) -> Iterator[Client]:
    client = Client(port)
    yield client
    client.http.close()


class Registered:
    """A model with one version, registered from a run's folder ``model``."""

    def __init__(self, client: Client) -> None:
        self.name = uuid4().hex
        self.client = client
        self.run_id = client.new_run()
        run = client.call("GET", "runs/get", {"run_id": self.run_id})["run"]
        self.source = f"{run['info']['artifact_uri']}/model"
        self.folder = PROXY + self.source.removeprefix("mlflow-artifacts:/")
        for path, content in (("MLmodel", b"flavors: {}"), ("data/weights", b"\1\2\3")):
            assert client.http.put(f"{self.folder}/{path}", content=content).status_code == 200
        self.model = client.call("POST", "registered-models/create", {"name": self.name})["registered_model"]
        self.version = self.register()

    def register(self) -> dict[str, object]:
        body = {"name": self.name, "source": self.source, "run_id": self.run_id}
        version: dict[str, object] = self.client.call("POST", "model-versions/create", body)["model_version"]
        return version

    def fetch(self, version: str, path: str) -> httpx.Response:
        query = {"name": self.name, "version": version, "path": path}
        return self.client.http.get("/model-versions/get-artifact", params=query)


@pytest.fixture
def registered(client: Client) -> Registered:
    return Registered(client)


def test_a_version_stays_as_it_was_registered_whatever_the_client_writes_later(registered: Registered) -> None:
    client = registered.client
    assert client.http.put(f"{registered.folder}/MLmodel", content=b"changed").status_code == 200
    assert client.http.put(f"{registered.folder}/late", content=b"late").status_code == 200
    version = {"name": registered.name, "version": "1"}
    uri = client.call("GET", "model-versions/get-download-uri", version)["artifact_uri"]
    assert uri == f"mlflow-artifacts:/versions/{registered.version['digest']}"
    location = uri.removeprefix("mlflow-artifacts:/")
    assert client.http.get(f"{PROXY}{location}/MLmodel").content == b"flavors: {}"
    listed = client.http.get("/api/2.0/mlflow-artifacts/artifacts", params={"path": location}).json()["files"]
    assert [file["path"] for file in listed] == ["MLmodel", "data"]
    assert registered.fetch("1", "data/weights").content == b"\1\2\3"
    assert registered.register()["digest"] != registered.version["digest"]
    assert registered.fetch("2", "MLmodel").content == b"changed"
    assert registered.fetch("3", "MLmodel").status_code == 404


def test_the_digest_is_that_of_the_listing_of_the_files(registered: Registered) -> None:
    files = {"MLmodel": b"flavors: {}", "data/weights": b"\1\2\3"}
    listing = "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in files.items())
    assert registered.version["digest"] == hashlib.sha256(listing.encode()).hexdigest()


def test_nothing_is_written_into_a_version(registered: Registered) -> None:
    url = f"{PROXY}versions/{registered.version['digest']}/MLmodel"
    for response in (registered.client.http.put(url, content=b"x"), registered.client.http.delete(url)):
        assert response.status_code == 400
        assert "register a new version" in response.text


def test_a_renamed_model_keeps_its_id(registered: Registered) -> None:
    body = {"name": registered.name, "new_name": uuid4().hex}
    renamed = registered.client.call("POST", "registered-models/rename", body)["registered_model"]
    assert renamed["id"] == registered.model["id"]
    assert renamed["name"] == body["new_name"]


def test_params_and_metrics_travel_by_mlflows_names(client: Client) -> None:
    registered = Registered(client)
    client.call("POST", "runs/log-parameter", {"run_id": registered.run_id, "key": "alpha", "value": "1"})
    point = {"run_id": registered.run_id, "key": "loss", "value": "NaN", "timestamp": 5, "step": 2}
    client.call("POST", "runs/log-metric", point)
    version = registered.register()
    assert version["model_params"] == [{"name": "alpha", "value": "1"}]
    assert version["model_metrics"] == [{"key": "loss", "value": "NaN", "timestamp": 5, "step": 2}]
    body = {"filter": f"name = '{registered.name}' AND version_number = '2'", "max_results": "5"}
    found = client.call("POST", "model-versions/search", body)["model_versions"]
    assert [each["digest"] for each in found] == [version["digest"]]
    assert "model_params" not in found[0]


def test_r_searches_registered_models_by_post(registered: Registered) -> None:
    body = {"filter": f"name = '{registered.name}'", "max_results": "10", "order_by": ["name DESC"]}
    found = registered.client.call("POST", "registered-models/search", body)
    assert [(each["name"], each["id"]) for each in found["registered_models"]] == [
        (registered.name, registered.model["id"])
    ]


def test_an_unverified_version_says_so(registered: Registered) -> None:
    body = {"name": registered.name, "source": "dbfs:/models/1"}
    version = registered.client.call("POST", "model-versions/create", body)["model_version"]
    assert "digest" not in version
    assert version["status_message"].startswith("The files of this version are unverified: ")
    alias = registered.client.send(
        "POST", "registered-models/alias", {"name": registered.name, "alias": "production", "version": "2"}
    )
    assert alias.status_code == 400
    assert "unverified" in alias.text
