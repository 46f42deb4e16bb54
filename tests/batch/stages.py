"""A registered model, promoted, on a server; and the stages that are typed for it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.servers.threaded import ThreadedServer
from trackback.client.api import Client
from trackback.client.folders import upload_folder
from trackback.entities import ModelVersion, Promotion


@dataclass(frozen=True)
class Promoted:
    """models:/iris/1, which came from a run, and is in staging because of ``promotion``."""

    version: ModelVersion
    promotion: Promotion


def promote(client: Client, model: Path, name: str = "iris") -> Promoted:
    info = client.create_run("0").info
    client.log_param(info.run_id, "depth", 3)
    upload_folder(client, model, f"{info.artifact_uri}/model")
    client.create_registered_model(name)
    version = client.create_model_version(name, f"runs:/{info.run_id}/model", run_id=info.run_id)
    promotion = client.promote(f"models:/{name}/{version.version}", "staging")
    assert isinstance(promotion, Promotion)
    return Promoted(version, promotion)


class Stages:
    """Types `trackback deliver …`."""

    def __init__(self, server: ThreadedServer, folder: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKBACK", "GO_"))}
        self._env = {
            **inherited,
            "TRACKBACK_TRACKING_URI": server.url,
            "TRACKBACK_CACHE_DIR": str(folder / "cache"),
            "XDG_STATE_HOME": str(folder / "state"),
        }

    def run(self, *arguments: str, env: Mapping[str, str] = MappingProxyType({})) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "trackback", "deliver", *arguments]
        return subprocess.run(command, env={**self._env, **env}, text=True, capture_output=True, timeout=110)

    def document(self, *arguments: str, code: int = 0, env: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
        """What a stage prints with --json."""
        done = self.run(*arguments, "--json", env=env)
        assert done.returncode == code, done.stderr
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed
