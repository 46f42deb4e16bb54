"""Models of MLflow's server, which tells no digests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.api.conftest import Url
from trackback.client.api import Client
from trackback.client.cache import Cache
from trackback.client.folders import upload_folder
from trackback.client.models import fetch_model, local_digest

pytestmark = pytest.mark.timeout(400)

FILES = {"MLmodel": b"flavors: {}", "data/weights.bin": os.urandom(2_000_000)}


@pytest.fixture
def client(url_of: Url) -> Iterator[Client]:
    with Client(url_of("mlflow")) as client:
        yield client


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_sent_comes_back_by_every_uri_that_names_it(client: Client, name: str, tmp_path: Path) -> None:
    for path, content in FILES.items():
        (tmp_path / "model" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / path).write_bytes(content)
    experiment = client.create_experiment(name)
    info = client.create_run(experiment).info
    uploaded = upload_folder(client, tmp_path / "model", f"{info.artifact_uri}/model")
    assert uploaded.digest == local_digest(tmp_path / "model")
    logged = client.create_logged_model(experiment, "forest", source_run_id=info.run_id).info.model_id
    client.log_model_artifacts(logged, tmp_path / "model")
    client.create_registered_model(name)
    client.create_model_version(name, f"{info.artifact_uri}/model", info.run_id)
    client.create_model_version(name, f"models:/{logged}", info.run_id, model_id=logged)
    client.set_registered_model_alias(name, "best", "1")

    cache = Cache(tmp_path / "cache")
    for uri in (
        f"runs:/{info.run_id}/model",
        f"runs:/{info.run_id}/forest",
        f"models:/{logged}",
        f"models:/{name}/1",
        f"models:/{name}@best",
        f"models:/{name}",
    ):
        fetched = fetch_model(client, uri, cache=cache)
        assert (contents(fetched.path), fetched.digest) == (FILES, uploaded.digest)
    assert [tree.digest for tree in cache.trees()] == [uploaded.digest]
    one = fetch_model(client, f"runs:/{info.run_id}/model/MLmodel", tmp_path / "MLmodel")
    assert one.path.read_bytes() == FILES["MLmodel"]
