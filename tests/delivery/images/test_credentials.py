"""A log in is found where other tools have kept it."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from trackback.delivery.images.credentials import find_login

AUTH = b64encode(b"ada:secret:with:colons").decode()


def test_the_environment_comes_first() -> None:
    environ = {"TRACKBACK_REGISTRY_USERNAME": "ci", "TRACKBACK_REGISTRY_PASSWORD": "pw", "HOME": "/nowhere"}

    assert find_login("registry.example", environ) == ("ci", "pw")


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("REGISTRY_AUTH_FILE", "auth.json"),
        ("XDG_RUNTIME_DIR", "containers/auth.json"),
        ("XDG_CONFIG_HOME", "containers/auth.json"),
        ("DOCKER_CONFIG", "config.json"),
        ("HOME", ".docker/config.json"),
    ],
)
def test_then_what_a_tool_has_kept(variable: str, path: str, tmp_path: Path) -> None:
    kept = tmp_path / path
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"auths": {"registry.example": {"auth": AUTH}}}))
    environ = {variable: str(kept if variable == "REGISTRY_AUTH_FILE" else tmp_path)}

    assert find_login("registry.example", environ) == ("ada", "secret:with:colons")
    assert find_login("other.example", environ) is None


def test_a_helper_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-tests"
    helper.write_text('#!/bin/sh\nread name; echo "{\\"Username\\": \\"$name\\", \\"Secret\\": \\"$1\\"}"\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {"registry.example": "tests"}}))

    assert find_login("registry.example", {"DOCKER_CONFIG": str(tmp_path)}) == ("registry.example", "get")


def test_a_file_that_is_damaged_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")

    assert find_login("registry.example", {"DOCKER_CONFIG": str(tmp_path)}) is None
