"""Where artifacts lie: paths that are refused, directories, and the files of runs and logged models."""

import hashlib
import json

import pytest

from tests.server.artifact_client import ARTIFACTS, MEGABYTE, ArtifactClient
from tests.server.wire import ask, new_run, post


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "a/../../secret",
        "a/%2e%2e/b",
        "a/%252e%252e/b",
        "a/%25252e%25252e/b",
        "%2e%2e%2fsecret",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "..%5csecret",
        "a%5Cb",
        "a%00b",
        "a%23b",
        "a%0ab",
        "a%ffb",
        "a//b",
        "a/",
        "",
        "C:/windows",
        "a" * 1025,
    ],
)
def test_an_unsafe_path_is_refused_for_every_method_and_nothing_is_written(client: ArtifactClient, path: str) -> None:
    before = client.files()
    for answer in (client.put(path, b"unsafe"), client.get(path)):
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")
        assert answer.json["message"].startswith("Invalid path")
        assert str(client.folder) not in answer.json["message"]
    assert client.files() == before


def test_unsafe_paths_of_listings_deletes_and_runs_are_refused_too(client: ArtifactClient) -> None:
    run_id = new_run(client.port)
    for method, target in (
        ("DELETE", f"{ARTIFACTS}/a/../b"),
        ("GET", f"{ARTIFACTS}?path=../etc"),
        ("GET", f"{ARTIFACTS}?path=%252e%252e"),
        ("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run_id}&path=/etc"),
        ("GET", f"/get-artifact?run_id={run_id}&path=../../etc/passwd"),
        ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_id={run_id}&path=../a"),
    ):
        answer = ask(client.port, method, target, b"" if method == "POST" else None)
        assert answer.error == (400, "INVALID_PARAMETER_VALUE"), target
        assert "Invalid path" in answer.json["message"]


def test_a_deleted_file_is_gone_and_deleting_nothing_is_well(client: ArtifactClient) -> None:
    client.put("deleted/a/b")
    client.put("deleted/c")
    for path in ("deleted/a", "deleted/a", "deleted/nothing"):
        answer = client.delete(path)
        assert (answer.status, answer.json) == (200, {})
    assert client.names("deleted") == ["c"]


def test_a_directory_and_a_missing_file_are_told_apart(client: ArtifactClient) -> None:
    client.put("apart/file")
    assert client.get("apart").error == (400, "INVALID_PARAMETER_VALUE")
    assert client.get("apart/nothing").error == (404, "RESOURCE_DOES_NOT_EXIST")


def test_multipart_and_presigned_transfers_are_declined_so_that_clients_fall_back(client: ArtifactClient) -> None:
    base = "/api/2.0/mlflow-artifacts"
    body = json.dumps({"path": "file", "num_parts": 2}).encode()
    for step in ("create", "complete", "abort"):
        assert ask(client.port, "POST", f"{base}/mpu/{step}/a/b", body).error == (501, "NOT_IMPLEMENTED")
    assert ask(client.port, "GET", f"{base}/presigned/a/b").error == (501, "NOT_IMPLEMENTED")
    for kind in ("upload", "download"):
        answer = ask(client.port, "POST", f"/api/2.0/mlflow/artifacts/presigned-{kind}-url", body)
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")


def test_a_runs_files_are_listed_got_and_uploaded_by_its_id(client: ArtifactClient) -> None:
    run_id = new_run(client.port)
    client.put(f"0/{run_id}/artifacts/model/MLmodel", b"flavors")
    listing = ask(client.port, "GET", f"/api/2.0/mlflow/artifacts/list?run_id={run_id}&path=model")
    assert listing.json == {
        "root_uri": f"mlflow-artifacts:/0/{run_id}/artifacts",
        "files": [{"path": "model/MLmodel", "is_dir": False, "file_size": 7}],
    }
    for name in ("run_id", "run_uuid"):
        assert ask(client.port, "GET", f"/get-artifact?{name}={run_id}&path=model/MLmodel").body == b"flavors"
    target = f"/ajax-api/2.0/mlflow/upload-artifact?run_id={run_id}&path=notes/a.txt"
    uploaded = ask(client.port, "POST", target, b"a note")
    assert (uploaded.json, uploaded.headers["etag"]) == ({}, f'"{hashlib.sha256(b"a note").hexdigest()}"')
    assert client.get(f"0/{run_id}/artifacts/notes/a.txt").body == b"a note"


def test_what_a_page_uploads_is_at_most_10_mb(client: ArtifactClient) -> None:
    run_id = new_run(client.port)
    target = f"/ajax-api/2.0/mlflow/upload-artifact?run_id={run_id}&path=a"
    assert ask(client.port, "POST", target, bytes(10 * MEGABYTE + 1)).status == 413
    assert client.names(f"0/{run_id}/artifacts") == []


def test_a_missing_parameter_is_named(client: ArtifactClient) -> None:
    for target in ("/get-artifact?path=a", f"/get-artifact?run_id={new_run(client.port)}"):
        answer = ask(client.port, "GET", target)
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")
        assert "Missing value for required parameter" in answer.json["message"]


def test_a_logged_models_files_are_listed_and_got_by_its_id(client: ArtifactClient) -> None:
    model = post(client.port, "logged-models", {"experiment_id": "0"})["model"]["info"]
    client.put(f"{model['artifact_uri'].removeprefix('mlflow-artifacts:/')}/data/weights", b"weights")
    base = f"mlflow/logged-models/{model['model_id']}/artifacts"
    listing = ask(client.port, "GET", f"/api/2.0/{base}/directories?artifact_directory_path=data")
    assert listing.json == {
        "root_uri": model["artifact_uri"],
        "files": [{"path": "data/weights", "is_dir": False, "file_size": 7}],
    }
    file = ask(client.port, "GET", f"/ajax-api/2.0/{base}/files?artifact_file_path=data/weights")
    assert file.body == b"weights"


def test_nothing_is_uploaded_to_a_deleted_run(client: ArtifactClient) -> None:
    run_id = new_run(client.port)
    post(client.port, "runs/delete", {"run_id": run_id})
    assert client.put(f"0/{run_id}/artifacts/a").error == (400, "INVALID_PARAMETER_VALUE")
    assert client.names(f"0/{run_id}/artifacts") == []
