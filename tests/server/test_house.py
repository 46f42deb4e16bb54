"""`trackback gc` and `trackback purge`, as they are typed, with a real server on each database."""

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.test_command_line import trackback
from tests.server.wire import ask, post
from tests.servers.trackback import TrackbackServer

MLFLOW = "/api/2.0/mlflow"


def put(server: TrackbackServer, path: str, content: bytes) -> None:
    answer = httpx.put(f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{path}", content=content, trust_env=False)
    assert answer.status_code == 200, answer.text


def status(server: TrackbackServer, path: str) -> int:
    url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{path}"
    return httpx.get(url, trust_env=False).status_code


def run_with_file(server: TrackbackServer, content: bytes) -> tuple[str, str]:
    """A run's id, and the proxy path of its file."""
    info = post(server.port, "runs/create", {"experiment_id": "0"})["run"]["info"]
    path = f"{info['artifact_uri'].removeprefix('mlflow-artifacts:/')}/model/MLmodel"
    put(server, path, content)
    return info["run_id"], path


def gc(server: TrackbackServer, *flags: str) -> Any:
    code, printed = trackback("gc", "--server", server.url, "--json", *flags)
    assert code == 0, printed
    return json.loads(printed)["found"]


def nothing_but(**found: dict[str, int]) -> dict[str, dict[str, int]]:
    kinds = ("runs", "logged_models", "snapshots", "blobs", "condemned", "orphans")
    return {kind: found.get(kind, {"count": 0, "bytes": 0}) for kind in kinds}


def test_a_deleted_run_is_cleared_away_with_its_bytes(server: TrackbackServer, tmp_path: Path) -> None:
    run_id, path = run_with_file(server, b"12345")
    post(server.port, "runs/delete", {"run_id": run_id})

    gone = {"count": 1, "bytes": 5}
    assert gc(server) == nothing_but()
    assert gc(server, "--grace", "0", "--dry-run") == nothing_but(runs=gone, blobs=gone)
    assert status(server, path) == 200
    assert gc(server, "--grace", "0") == nothing_but(runs=gone, blobs=gone)
    assert status(server, path) == 404
    assert ask(server.port, "GET", f"{MLFLOW}/runs/get?run_id={run_id}").status == 404
    assert [each for each in (tmp_path / "artifacts" / "blobs").rglob("*") if each.is_file()] == []


def test_gc_says_for_people_what_it_did_and_what_waits(server: TrackbackServer) -> None:
    _, path = run_with_file(server, b"x" * 2000)
    httpx.delete(f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{path}", trust_env=False)

    code, printed = trackback("gc", "--server", server.url, "--dry-run")
    assert (code, printed.splitlines()[0]) == (0, "Would be removed:")
    assert printed.splitlines()[-1] == "0 B would be freed; 2 kB in 1 blobs would wait until the grace is over."
    code, printed = trackback("gc", "--server", server.url, "--grace", "0")
    assert (code, printed.splitlines()[0]) == (0, "Removed:")
    assert printed.splitlines()[-1] == "2 kB freed; 0 B in 0 blobs wait until the grace is over."


def test_bytes_of_an_upload_whose_server_was_killed_are_cleared_away(server: TrackbackServer, tmp_path: Path) -> None:
    left = tmp_path / "artifacts" / "blobs" / "ab" / ("0" * 62 + "." + "0" * 16)
    left.write_bytes(b"1234")
    then = time.time() - 8 * 24 * 3600
    os.utime(left, (then, then))
    assert gc(server) == nothing_but(orphans={"count": 1, "bytes": 4})
    assert not left.exists()


@pytest.mark.parametrize("grace", ["7", "d", "-1d", "1w", ""])
def test_a_grace_that_is_no_duration_is_refused(grace: str) -> None:
    code, printed = trackback("gc", "--grace", grace)
    assert code == 2
    assert "is no duration" in printed


def test_a_version_is_purged_and_says_so_from_then_on(server: TrackbackServer) -> None:
    run_id, path = run_with_file(server, b"flavors")
    post(server.port, "registered-models/create", {"name": "churn eu"})
    source = f"mlflow-artifacts:/{path.removesuffix('/MLmodel')}"
    post(server.port, "model-versions/create", {"name": "churn eu", "source": source, "run_id": run_id})
    where = f"{MLFLOW}/model-versions/get?name=churn%20eu&version=1"
    assert ask(server.port, "GET", where).status == 200

    code, printed = trackback(
        "purge", "models:/churn eu/1", "--reason", "asked to", "--yes", "--json", "--server", server.url
    )
    assert code == 0, printed
    assert ask(server.port, "GET", where).status == 404
    stone = ask(server.port, "GET", "/api/v1/registered-models/churn%20eu/versions/1/tombstone").json
    assert stone == json.loads(printed)
    assert (stone["name"], stone["version"], stone["reason"]) == ("churn eu", "1", "asked to")


def test_a_promoted_version_is_not_purged_and_why_is_said(server: TrackbackServer) -> None:
    run_id, path = run_with_file(server, b"flavors")
    post(server.port, "registered-models/create", {"name": "churn"})
    source = f"mlflow-artifacts:/{path.removesuffix('/MLmodel')}"
    post(server.port, "model-versions/create", {"name": "churn", "source": source, "run_id": run_id})
    assert trackback("promote", "models:/churn/1", "--to", "staging", "--server", server.url)[0] == 0

    code, printed = trackback("purge", "models:/churn/1", "--reason", "asked to", "--yes", "--server", server.url)
    assert (code, "promotion 1 is of it" in printed) == (1, True)
    post(server.port, "runs/delete", {"run_id": run_id})
    assert gc(server, "--grace", "0") == nothing_but()


def test_what_is_no_version_is_not_purged() -> None:
    code, printed = trackback("purge", "runs:/abc", "--reason", "x", "--yes")
    assert code == 2
    assert "name one as models:/churn/7" in printed
