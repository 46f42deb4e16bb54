"""`trackback models` and `trackback cache`, as they are typed."""

import json
import os
from pathlib import Path

import pytest

from tests.commands import trackback
from tests.servers.trackback import TrackbackServer
from trackback.client.api import Client
from trackback.client.folders import upload_folder


class Typed:
    """Types commands for the server, with a cache of its own."""

    def __init__(self, server: TrackbackServer, cache: Path) -> None:
        self._env = os.environ | {"TRACKBACK_TRACKING_URI": server.url, "TRACKBACK_CACHE_DIR": str(cache)}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it prints: on standard output, or on standard error where it fails."""
        done = trackback(*arguments, env=self._env)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout


@pytest.fixture
def typed(tracking_server: TrackbackServer, tmp_path: Path) -> Typed:
    return Typed(tracking_server, tmp_path / "cache")


@pytest.fixture(scope="module")
def digest(tracking_server: TrackbackServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of models:/churn/1, with the alias best."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "MLmodel").write_text("flavors: {}")
    with Client(tracking_server.url) as client:
        info = client.create_run("0").info
        client.log_param(info.run_id, "depth", 3)
        upload_folder(client, folder, f"{info.artifact_uri}/model")
        client.create_registered_model("churn", description="who leaves")
        version = client.create_model_version("churn", f"runs:/{info.run_id}/model")
        client.set_registered_model_alias("churn", "best", "1")
    assert version.digest
    return version.digest


def test_a_model_is_fetched_into_the_cache_or_a_folder(typed: Typed, digest: str, tmp_path: Path) -> None:
    cached = typed("models", "download", "models:/churn@best").strip()
    assert cached == str(tmp_path / "cache" / "trees" / digest)
    assert Path(cached, "MLmodel").read_text() == "flavors: {}"
    said = json.loads(typed("models", "download", "models:/churn", str(tmp_path / "copy"), "--json"))
    assert said == {"uri": "models:/churn/1", "path": str(tmp_path / "copy"), "digest": digest}
    assert (tmp_path / "copy" / "MLmodel").read_text() == "flavors: {}"


def test_models_and_their_versions_are_listed(typed: Typed, digest: str) -> None:
    assert typed("models", "list").splitlines()[1].split()[:4] == ["churn", "1", "best:", "1"]
    assert json.loads(typed("models", "list", "--json", "--filter", "name LIKE 'ch%'"))["name"] == "churn"
    assert typed("models", "list", "--filter", "name = 'other'", "--json") == ""
    assert digest[:12] in typed("models", "list", "churn")
    assert json.loads(typed("models", "list", "churn", "--json"))["digest"] == digest
    assert "Registered Model with name=other not found" in typed("models", "list", "other", code=1)


def test_a_version_is_shown_with_its_files(typed: Typed, digest: str) -> None:
    shown = typed("models", "show", "models:/churn@best")
    assert "models:/churn/1" in shown
    assert digest in shown
    assert "Param depth" in shown
    assert "MLmodel" in shown
    said = json.loads(typed("models", "show", "models:/churn@best", "--json"))
    assert (said["uri"], said["digest"], said["version"]["version"]) == ("models:/churn/1", digest, "1")
    assert [file["path"] for file in said["files"]] == ["MLmodel"]


def test_what_is_not_there_ends_with_a_sentence(typed: Typed, digest: str) -> None:
    said = typed("models", "download", "models:/churn/9", code=1)
    assert said == "trackback: Model Version (name=churn, version=9) not found\n"


def test_the_cache_is_listed_and_cleared(typed: Typed, digest: str) -> None:
    typed("models", "download", "models:/churn")
    assert json.loads(typed("cache", "list", "--json"))["digest"] == digest
    assert digest in typed("cache", "list")
    assert typed("cache", "clear", digest).startswith("11 B freed")
    assert "There is no" in typed("cache", "clear", digest, code=1)
    assert typed("cache", "clear").startswith("0 B freed")
