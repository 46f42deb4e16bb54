"""A server that moves with an alias, under load."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.scoring import models
from tests.scoring.load import Load
from tests.scoring.test_serving import wait_until
from tests.servers.scoring import TrackbackScoring
from tests.servers.trackback import TrackbackServer

RUN = {"dataframe_split": {"columns": ["word"], "data": [["x"]]}}
NAME = "churn"


class Registry:
    """Versions of one model on a tracking server, each of which answers with a word of its own."""

    def __init__(self, server: TrackbackServer, folder: Path) -> None:
        self.url = server.url
        self._folder = folder

    def add(self, word: str | None) -> str:
        """A version that predicts ``word``; one that can't be loaded for None. Its number."""
        directory = self._folder / (word or "broken")
        models.save_constant(directory, word or "broken")
        if word is None:
            (directory / "model.skops").write_bytes(b"no archive")
        artifacts = f"trained/{directory.name}"
        for file in directory.rglob("*"):
            if file.is_file():
                path = f"{artifacts}/{file.relative_to(directory).as_posix()}"
                target = f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{path}"
                httpx.put(target, content=file.read_bytes(), trust_env=False).raise_for_status()
        if word == "first":
            self._call("POST", "registered-models/create", name=NAME)
        source = f"mlflow-artifacts:/{artifacts}"
        version = self._call("POST", "model-versions/create", name=NAME, source=source)["model_version"]
        return str(version["version"])

    def point(self, alias: str, version: str) -> None:
        self._call("POST", "registered-models/alias", name=NAME, alias=alias, version=version)

    def _call(self, method: str, path: str, **body: str) -> dict[str, dict[str, str]]:
        target = f"{self.url}/api/2.0/mlflow/{path}"
        answer = httpx.request(method, target, json=body, timeout=60, trust_env=False).raise_for_status()
        found: dict[str, dict[str, str]] = answer.json()
        return found


@pytest.fixture
def registry(migrated_sqlite_uri: str, tmp_path: Path) -> Iterator[Registry]:
    with TrackbackServer(migrated_sqlite_uri, tmp_path / "artifacts", tmp_path) as server:
        yield Registry(server, tmp_path / "models")


@pytest.fixture
def following(registry: Registry, tmp_path: Path) -> Iterator[TrackbackScoring]:
    """Follows the alias production, which is at the first of two versions."""
    registry.point("production", registry.add("first"))
    registry.add("second")
    flags = ["--follow", "--follow-every", "0.2", "--server", registry.url, "--workers", "1"]
    env = {"TRACKBACK_CACHE_DIR": str(tmp_path / "cache")}
    with TrackbackScoring(f"models:/{NAME}@production", tmp_path, flags, env) as server:
        yield server
    assert "Traceback" not in server.log_text


def _model(server: TrackbackScoring) -> str:
    return str(server.get("/health").json()["model"])


def answer(word: str) -> str:
    return json.dumps({"predictions": [word]}, separators=(",", ":"))


@pytest.mark.timeout(300)
def test_an_alias_that_moves_under_load_fails_no_request(registry: Registry, following: TrackbackScoring) -> None:
    first = following.get("/health").json()
    assert (first["model"], first["following"]) == ("models:/churn/1", "models:/churn@production")
    digests = set()
    with Load(following.port, lambda number: json.dumps(RUN)) as load:
        wait_until(lambda: load.answers > 50)
        for version, word in (("2", "second"), ("1", "first")):
            registry.point("production", version)
            wait_until(lambda: _model(following) == f"models:/churn/{version}")  # noqa: B023 - called at once
            seen = load.outcomes[answer(word)]
            wait_until(lambda: load.outcomes[answer(word)] > seen + 20)  # noqa: B023 - called at once
            digests.add(following.get("/health").json()["digest"])
    assert set(load.outcomes) == {answer("first"), answer("second")}
    assert len(digests) == 2


@pytest.mark.timeout(300)
def test_a_version_that_can_not_be_loaded_leaves_the_one_before(
    registry: Registry, following: TrackbackScoring
) -> None:
    registry.point("production", registry.add(None))
    wait_until(lambda: "problem" in following.get("/health").json())
    health = following.get("/health").json()
    assert health["model"] == "models:/churn/1"
    assert "models:/churn/3 can't be served, so models:/churn/1 still is" in health["problem"]
    assert health["problem"] in following.log_text
    assert following.post(RUN).text == answer("first")
    registry.point("production", "2")
    wait_until(lambda: following.get("/health").json()["model"] == "models:/churn/2")
    assert "problem" not in following.get("/health").json()


def test_an_alias_is_looked_up_once_unless_it_is_followed(registry: Registry, tmp_path: Path) -> None:
    registry.point("production", registry.add("first"))
    registry.add("second")
    env = {"TRACKBACK_CACHE_DIR": str(tmp_path / "cache")}
    with TrackbackScoring(f"models:/{NAME}@production", tmp_path, ["--server", registry.url], env) as server:
        registry.point("production", "2")
        assert server.get("/health").json()["model"] == "models:/churn/1"
        assert server.post(RUN).text == answer("first")


def test_a_model_that_is_not_there_is_said_so_in_one_line(registry: Registry, tmp_path: Path) -> None:
    from tests.servers.program import ProgramFailed  # noqa: PLC0415 - here only

    server = TrackbackScoring("models:/nothing/1", tmp_path, ["--server", registry.url])
    with pytest.raises(ProgramFailed):
        server.start()
    assert server.log_text.startswith("trackback: ")
    assert "nothing" in server.log_text
