"""The environments of other clients, made by make under .venvs/, each with its own Python."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.needs import need

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Environment:
    """A virtual environment under .venvs/ that tests run scripts in."""

    name: str

    @property
    def python(self) -> Path:
        return ROOT / ".venvs" / self.name / "bin" / "python"

    def run(
        self,
        script: Path,
        *arguments: str,
        tracking_uri: str,
        env: Mapping[str, str] = MappingProxyType({}),
        timeout_s: float = 110,
    ) -> str:
        """Run a script against the server at tracking_uri; its standard output. The test fails if the script does."""
        need(self.python.exists(), f"no environment {self.name}: run `make .venvs/{self.name}/.installed`")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        script_run = subprocess.run(
            [self.python, script, *arguments],
            env={**inherited, "MLFLOW_TRACKING_URI": tracking_uri, "PYTHONUNBUFFERED": "1", **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if script_run.returncode != 0:
            pytest.fail(
                f"{script.name} in {self.name} ended with {script_run.returncode}\n"
                f"--- stdout\n{script_run.stdout}\n--- stderr\n{script_run.stderr}",
                pytrace=False,
            )
        return script_run.stdout
