"""Files for agents: which there are, with which digests, and that they are those that were promoted."""

import hashlib
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from tests.gocd.world import MLFLOW, World
from tests.servers.threaded import ThreadedServer
from trackback.server.settings import Settings

FILES = {
    "model/MLmodel": b"flavors: {}",
    "model/data/weights 1.pkl": b"weights",
    "model/data/ü.pkl": b"more weights",
    "notes.txt": b"notes",
}


def found(world: World, **wanted: object) -> dict[str, str | None]:
    """The files with their digests; each is fetched, and held to its size and digest."""
    answer = world.relayed("task/files", wanted)
    assert answer.status_code == 200, answer.text
    for file in answer.json()["files"]:
        content = world.http.get(file["url"]).content
        assert len(content) == file["size"]
        assert file.get("sha256") in (None, hashlib.sha256(content).hexdigest())
    return {file["path"]: file.get("sha256") for file in answer.json()["files"]}


def test_a_promoted_version_s_files_are_those_of_its_snapshot(world: World) -> None:
    run = world.run("0", files=FILES)
    world.model("churn", run)
    seq = world.promote("models:/churn/1")
    world.upload(f"0/{run}/artifacts/model/MLmodel", b"changed since")

    answer = world.relayed("task/files", {"promotion": seq}).json()

    assert answer["name"] == "models:/churn/1"
    version = world.get(f"{MLFLOW}/model-versions/get", name="churn", version="1")["model_version"]
    assert answer["digest"] == f"sha256:{version['digest']}"
    assert list(found(world, promotion=seq)) == ["MLmodel", "data/weights 1.pkl", "data/ü.pkl"]
    assert found(world, promotion=seq) == found(world, model="churn", version="1")
    part = world.http.get(answer["files"][0]["url"], headers={"range": "bytes=3-"})
    assert (part.status_code, part.content) == (206, FILES["model/MLmodel"][3:])


def test_a_promoted_run_s_files_lie_as_in_the_run(world: World) -> None:
    run = world.run("0", files=FILES, tags={"promote": "true"})
    world.upload(f"0/{run}/artifacts/notes.txt", b"changed since")

    assert list(found(world, promotion=1)) == sorted(FILES)
    assert found(world, promotion=1, pattern="notes.txt") == {"notes.txt": hashlib.sha256(b"notes").hexdigest()}


def test_logged_models_lie_in_folders_of_their_names_as_clients_of_mlflow_3_see_them(world: World) -> None:
    run = world.run("0", files={"notes.txt": b"notes"})
    body = {"experiment_id": "0", "name": "forest", "source_run_id": run}
    model = world.post(f"{MLFLOW}/logged-models", **body)["model"]["info"]
    world.upload(f"{model['artifact_uri'].removeprefix('mlflow-artifacts:/')}/MLmodel", b"flavors: {}")
    assert sorted(found(world, run_id=run)) == ["forest/MLmodel", "notes.txt"]
    world.tag(run)

    assert sorted(found(world, promotion=1)) == ["forest/MLmodel", "notes.txt"]
    assert list(found(world, promotion=1, pattern="forest")) == ["forest/MLmodel"]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("**", ["MLmodel", "data/weights 1.pkl", "data/ü.pkl"]),
        ("", ["MLmodel", "data/weights 1.pkl", "data/ü.pkl"]),
        ("**/*.pkl", ["data/weights 1.pkl", "data/ü.pkl"]),
        ("**/MLmodel", ["MLmodel"]),
        ("*", ["MLmodel"]),
        ("data", ["data/weights 1.pkl", "data/ü.pkl"]),
        ("./data/", ["data/weights 1.pkl", "data/ü.pkl"]),
        ("data/?.pkl", ["data/ü.pkl"]),
        ("data/weights 1.pkl", ["data/weights 1.pkl"]),
        ("MLm*l", ["MLmodel"]),
    ],
)
def test_a_pattern_chooses(pattern_world: World, pattern: str, paths: list[str]) -> None:
    assert list(found(pattern_world, model="churn", version="1", pattern=pattern)) == paths


@pytest.fixture
def pattern_world(world: World) -> World:
    world.model("churn", world.run("0", files=FILES))
    return world


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "a\\b", "x" * 2000])
def test_a_pattern_that_leads_elsewhere_is_refused(pattern_world: World, pattern: str) -> None:
    assert (
        pattern_world.relayed("task/files", {"model": "churn", "version": "1", "pattern": pattern}).status_code == 400
    )


def test_a_pattern_that_nothing_matches_is_an_error_that_says_what_there_is(pattern_world: World) -> None:
    answer = pattern_world.relayed("task/files", {"model": "churn", "version": "1", "pattern": "*.onnx"})

    assert answer.status_code == 404
    assert answer.json()["message"] == (
        "No file of models:/churn/1 matches '*.onnx'. It has MLmodel, data/weights 1.pkl, data/ü.pkl."
    )


@pytest.mark.parametrize("pattern", ["data/.*", ".*pkl", "MLmodel|data"])
def test_who_writes_a_regular_expression_as_for_mlflow_gocd_is_told(pattern_world: World, pattern: str) -> None:
    answer = pattern_world.relayed("task/files", {"model": "churn", "version": "1", "pattern": pattern})

    assert answer.status_code == 404
    assert "It is no regular expression: write model/** for model/.*" in answer.json()["message"]


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({}, 400),
        ({"promotion": 77}, 404),
        ({"promotion": 2**70}, 400),
        ({"model": "churn", "version": "77"}, 404),
        ({"model": "churn", "version": "latest"}, 400),
        ({"run_id": "0" * 32}, 404),
    ],
)
def test_what_is_not_there_is_told(world: World, wanted: dict[str, object], status: int) -> None:
    assert world.relayed("task/files", wanted).status_code == status


def test_files_in_a_place_of_the_client_s_own_come_without_digests(settings: Settings, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    with (
        ThreadedServer(replace(settings, default_artifact_root=str(place))) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        world = World(server, http)
        experiment = world.experiment("elsewhere")
        run = world.post(f"{MLFLOW}/runs/create", experiment_id=experiment)["run"]["info"]["run_id"]
        folder = place / experiment / run / "artifacts" / "data"
        folder.mkdir(parents=True)
        (folder / "a b.txt").write_bytes(b"kept by the client")

        answer = world.relayed("task/files", {"run_id": run, "pattern": "data/*"}).json()

        assert "digest" not in answer
        assert answer["files"] == [
            {"path": "data/a b.txt", "size": 18, "url": f"/get-artifact?run_id={run}&path=data%2Fa+b.txt"}
        ]
        assert found(world, run_id=run) == {"data/a b.txt": None}
