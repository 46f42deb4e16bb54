"""Containers of images that buildah was told of, run where the kernel may not help."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.environments import ROOT
from tests.servers.program import free_port
from trackback.delivery.images.blobs import Blobs
from trackback.delivery.images.layouts import read_json

RUN_IMAGE = ROOT / "tests" / "delivery" / "scripts" / "run_image.py"


def config_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The config of the image that a stage tells of."""
    blobs = Blobs(Path(document["layout"]))
    manifest = read_json(blobs, document["image_digest"])
    return read_json(blobs, manifest["config"]["digest"])


class Container:
    """Of the image that a stage tells of, which was loaded. Its network leads nowhere."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._config = config_of(document)["config"]
        self._port = free_port()
        made = ["buildah", "from", "--pull-never", document["tag"]]
        self._name = subprocess.check_output(made, text=True).strip()
        port = ["--env", f"TRACKBACK_SCORING_PORT={self._port}"]
        subprocess.run(["buildah", "config", *port, self._name], check=True)

    def ask(self, body: object) -> dict[str, Any]:
        """Start it, ask it for predictions, and stop it: what run_image.py tells of that."""
        inside = ["buildah", "run", self._name, "--"]
        health = json.dumps([*inside, *self._config["Healthcheck"]["Test"][1:]])
        asked = [sys.executable, RUN_IMAGE, str(self._port), json.dumps(body), health]
        command = ["unshare", "--net", *asked, *inside, *self._config["Entrypoint"]]
        told = subprocess.run(command, capture_output=True, text=True, timeout=900)
        assert told.returncode == 0, told.stderr
        found: dict[str, Any] = json.loads(told.stdout)
        return found
