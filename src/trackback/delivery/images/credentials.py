"""Who asks a registry: what docker, podman and buildah have kept of a log in, or what the environment says."""

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

USERNAME_VARIABLE = "TRACKBACK_REGISTRY_USERNAME"
PASSWORD_VARIABLE = "TRACKBACK_REGISTRY_PASSWORD"
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HELPER_S = 30


class Login(NamedTuple):
    username: str
    password: str


def find_login(registry: str, environ: Mapping[str, str] = os.environ) -> Login | None:
    """The log in for a registry's host; None if nobody has logged in.

    It is looked for in TRACKBACK_REGISTRY_USERNAME and _PASSWORD, in the file of REGISTRY_AUTH_FILE, then where podman
    and docker keep it, credential helpers included.
    """
    username, password = environ.get(USERNAME_VARIABLE), environ.get(PASSWORD_VARIABLE)
    if username and password:
        return Login(username, password)
    for path in _files(environ):
        with suppress(OSError, ValueError, AttributeError, TypeError):
            if found := _in_file(json.loads(path.read_bytes()), registry):
                return found
    return None


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers", "auth.json")
    home = Path(environ.get("HOME") or "/nonexistent")
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "containers", "auth.json")
    yield Path(environ.get("DOCKER_CONFIG") or home / ".docker", "config.json")


def _in_file(config: Mapping[str, Any], registry: str) -> Login | None:
    names = _names(registry)
    helpers = config.get("credHelpers") or {}
    for name in names:
        helper = helpers.get(name) or config.get("credsStore")
        if helper and (found := _from_helper(helper, name)):
            return found
    for name in names:
        said = (config.get("auths") or {}).get(name) or {}
        if said.get("auth"):
            username, _, password = b64decode(said["auth"]).decode().partition(":")
            return Login(username, password)
        if said.get("username") and said.get("password"):
            return Login(said["username"], said["password"])
    return None


def _names(registry: str) -> list[str]:
    hosts = _HUB if registry in _HUB else (registry,)
    return [name for host in hosts for name in (host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/")]


def _from_helper(helper: str, name: str) -> Login | None:
    with suppress(OSError, subprocess.SubprocessError, ValueError, KeyError):
        told = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=name.encode(),
            capture_output=True,
            check=True,
            timeout=_HELPER_S,
        ).stdout
        said = json.loads(told)
        return Login(said["Username"], said["Secret"])
    return None
