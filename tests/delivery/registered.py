"""A server with versions of a model, each promoted, and the stages as a user runs them."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sklearn.dummy import DummyClassifier

from tests.commands import trackback
from trackback.client.api import Client, walk
from trackback.client.folders import upload_folder
from trackback.entities import Deployment, ModelVersion, Promotion
from trackback.flavors import save_model

NAME = "churn"
ROWS = {"dataframe_split": {"columns": ["word"], "data": [["x"]]}}


class Ended(NamedTuple):
    """How a stage ended: its exit code, what it printed as JSON, and what it said beside."""

    code: int
    document: dict[str, Any]
    said: str


class Registered:
    """``folder`` keeps what stages keep: their state, their cache."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.client = Client(url)
        self.folder = folder
        self._models = 0

    def add(self, word: str, change: Callable[[Path], object] = lambda model: None) -> ModelVersion:
        """A version that predicts ``word``, of a run with a param; ``change`` does something to its files before."""
        self._models += 1
        model = self.folder / "trained" / str(self._models)
        save_constant(model, word)
        change(model)
        run = self.client.create_run("0", run_name=f"trains {word}")
        self.client.log_param(run.info.run_id, "word", word)
        source = f"{run.info.artifact_uri}/model"
        upload_folder(self.client, model, source)
        if self._models == 1:
            self.client.create_registered_model(NAME)
        return self.client.create_model_version(NAME, source, run.info.run_id)

    def promoted(self, word: str, change: Callable[[Path], object] = lambda model: None) -> Promotion:
        """A version that is promoted to staging."""
        version = self.add(word, change)
        promotion = self.client.promote(f"models:/{NAME}/{version.version}", "staging")
        assert isinstance(promotion, Promotion)
        return promotion

    def deployments(self, *, environment: str = "", at: str = "", digest: str = "") -> list[Deployment]:
        """In the order in which they started."""
        found = walk(self.client.list_deployments, environment=environment, at=at, digest=digest)
        return sorted(found, key=lambda each: each.id)

    def deliver(self, *arguments: object, env: Mapping[str, str] | None = None, command: Sequence[str] = ()) -> Ended:
        """Run `trackback deliver …` as it is typed; ``command`` in place of the program."""
        words, variables = [*map(str, arguments), "--json"], self.environment(env)
        if command:
            ran = subprocess.run([*command, *words], env=variables, capture_output=True, text=True, timeout=1800)
        else:
            ran = trackback("deliver", *words, env=variables, timeout_s=1800)
        printed = ran.stdout.strip().splitlines()
        return Ended(ran.returncode, json.loads(printed[-1]) if printed else {}, ran.stderr)

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKBACK_", "GO_", "CI_"))}
        own = {
            "TRACKBACK_TRACKING_URI": self.url,
            "TRACKBACK_CACHE_DIR": str(self.folder / "cache"),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        return {**kept, **own, **(more or {})}


def save_constant(model: Path, word: str) -> None:
    """A classifier that knows one answer, with an example of its input."""
    features = pd.DataFrame({"word": ["a", "b"]})
    save_model(
        DummyClassifier(strategy="constant", constant=word).fit(features, [word, "other"]),
        model,
        input_example=features,
    )
