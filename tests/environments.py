"""The environments of other clients, made by make under .venvs/, each with its own Python."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.forked import Forks, forks_of
from tests.needs import need
from tests.starters import starters

ROOT = Path(__file__).parent.parent

IMPORTED = dict.fromkeys(("mlflow2", "mlflow3"), ("mlflow", "mlflow.pyfunc", "sklearn.linear_model"))
"""What an environment's scripts import, most of which takes seconds: they are run in forks of a Python that has."""


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
        self._need()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        variables = {**inherited, "MLFLOW_TRACKING_URI": tracking_uri, "PYTHONUNBUFFERED": "1", **env}
        command = [str(script), *arguments]
        if self.name in IMPORTED:
            ended = self.forks().run(command, variables, timeout_s)
        else:
            ended = subprocess.run(
                [self.python, *command],
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_s,
            )
        if ended.returncode != 0:
            pytest.fail(
                f"{script.name} in {self.name} ended with {ended.returncode}\n"
                f"--- stdout\n{ended.stdout}\n--- stderr\n{ended.stderr}",
                pytrace=False,
            )
        return ended.stdout

    def forks(self) -> Forks:
        """For scripts that import what is ``IMPORTED``."""
        self._need()
        return forks_of(self.python, *IMPORTED[self.name])

    def starters(self) -> Path:
        """A folder with a `python` whose scripts are such forks, and an `mlflow`."""
        return starters(self.forks().socket, self.python, "scripts", "mlflow")

    def _need(self) -> None:
        need(self.python.exists(), f"no environment {self.name}: run `make .venvs/{self.name}/.installed`")
